"""Plans of rerating, worked some accounts at a time, beside all else and never faster than they say."""

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from bmuid.intake.chunk import Bench, Missing
from bmuid.intake.snapshot import Snapshot
from bmuid.rerating import accounts
from bmuid.rerating.simulation import Simulating
from bmuid.store import reference, reratings, revisions
from bmuid.store.reratings import Figures, NextAccount, OpenPlan
from bmuid.store.transaction import Connection, Transaction, run

# So many are worked in one transaction: enough for each statement to be worth its while, and few enough for new usage
# not to wait longer than for a chunk of a file.
ACCOUNTS_MAX = 5000
RECORDS_MAX = 25_000
# An account's allowances are locked while its transaction runs; so many of a second's accounts are one.
SHARE_OF_A_SECOND = 2

LOOK_AGAIN_NS = 1_000_000_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Rerating:
    """
    The rerating of one worker process; several go through a plan together.

    Shapes:
        catalogue: by revision, the newest revision up to it that changed the catalogue.
        begun: of a plan that is carried out, how many more accounts may be.
        fitting: about how many accounts have so many records as one transaction may, going by the last one.
    """

    bench: Bench
    _catalogue: dict[int, int] = field(default_factory=dict)
    _begun: dict[int, int] = field(default_factory=dict)
    _simulating: Simulating = field(default_factory=Simulating)
    _fitting: int = ACCOUNTS_MAX
    _not_before_ns: int = 0

    def wait_seconds(self, most: float) -> float:
        """Tell how long to wait before there may be another account to carry out."""
        return min(most, max(0, self._not_before_ns - time.monotonic_ns()) / 1e9 or most)

    def step(self, connection: Connection) -> Missing | bool:
        """Go on with the oldest plan; False: there is nothing to do now; Missing: make that first."""
        if not run(connection, reratings.is_any_open):
            return False
        plan = run(connection, reratings.open_plan)
        if plan is None:
            return run(connection, self.turn)
        number = ACCOUNTS_MAX if plan.to_at is None else 1
        if plan.state == "RUNNING":
            number = self._may_begin(connection, plan)
            if not number:
                return False
        found = run(connection, self.work, plan, number)
        if isinstance(found, Missing):
            return found
        if plan.state == "RUNNING":
            self._begun[plan.id] -= found
        if found or run(connection, self.turn):
            return True
        # Others are at the last accounts; should they die, those are anybody's again.
        self._not_before_ns = time.monotonic_ns() + LOOK_AGAIN_NS
        return False

    def turn(self, txn: Transaction) -> bool:
        """End plans that are through, or begin one; False: there is nothing to do."""
        return bool(reratings.finish(txn)) or reratings.begin(txn, revisions.newest(txn))

    def work(self, txn: Transaction, plan: OpenPlan, number: int) -> Missing | int:
        """Compute or carry out so many accounts at most; give how many."""
        began = time.monotonic_ns()
        snapshot = self.bench.snapshots.at(txn, plan.revision)
        # Who draws from the same allowances is rated again in one order.
        shared = snapshot.allowances.parents or snapshot.allowances.pools.stays
        if shared and not reratings.claim(txn):
            return 0
        if plan.state == "RUNNING" and not reratings.alone(txn, plan):
            return 0
        found = reratings.next_accounts(txn, plan, min(number, self._fitting), RECORDS_MAX)
        if not found:
            return 0
        if plan.to_at is not None:
            service = self.bench.snapshots.tax_service
            asked = plan.id, found[0], plan.to_at
            figures = [self._simulating.simulate(txn, snapshot, *asked, service)]
        else:
            worked = self._figures(txn, snapshot, plan, found)
            if isinstance(worked, Missing):
                return worked
            figures = worked
        records = max(1, sum(each.records for each in figures))
        # A bit fewer, since more would be locked in vain.
        fitting = len(found) * RECORDS_MAX * 19 // (20 * records)
        self._fitting = min(ACCOUNTS_MAX, max(1, fitting))
        took_us = (time.monotonic_ns() - began) // 1000
        reratings.note(txn, plan, list(zip(found, figures, strict=True)), took_us)
        if plan.state == "RUNNING":
            _tell(plan, figures, took_us)
        return len(found)

    def _may_begin(self, connection: Connection, plan: OpenPlan) -> int:
        """Tell how many accounts of a plan may be carried out now."""
        left = self._begun.get(plan.id, 0)
        if left > 0:
            return left
        number = min(max(1, plan.accounts_a_second // SHARE_OF_A_SECOND), ACCOUNTS_MAX)
        wait_us = run(connection, reratings.begin_accounts, plan, number)
        if wait_us:
            self._not_before_ns = time.monotonic_ns() + wait_us * 1000
            return 0
        self._begun = {plan.id: number}
        return number

    def _figures(
        self, txn: Transaction, snapshot: Snapshot, plan: OpenPlan, found: Sequence[NextAccount]
    ) -> list[Figures] | Missing:
        if plan.revision not in self._catalogue:
            self._catalogue = {plan.revision: reference.catalogue_revision(txn)}
        catalogue = self._catalogue[plan.revision]
        if snapshot.tariff.outside_taxes is not None:
            # What a tax service says changes without a revision: all usage is looked at.
            catalogue = plan.revision + 1
        if plan.state == "PLANNING":
            return accounts.plan(txn, snapshot, found, catalogue)
        reason = f"rerating {plan.id}"
        return accounts.carry_out(txn, self.bench, snapshot, found, catalogue, reason)


def _tell(plan: OpenPlan, figures: Sequence[Figures], took_us: int) -> None:
    sums = {
        name: sum(getattr(each, name) for each in figures)
        for name in asdict(figures[0])
        if not name.startswith("recurring")
    }
    said = {"rerating": plan.id, "accounts": len(figures), "seconds": took_us / 1e6}
    log.info("accounts rated again", extra=said | sums)
