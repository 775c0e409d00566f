"""Plans of rerating, worked a few accounts at a time, beside all else and never faster than they say."""

import logging
import time
from dataclasses import asdict, dataclass, field

from bmuid.intake.chunk import Bench, Missing
from bmuid.intake.snapshot import Snapshot
from bmuid.rerating import account, simulation
from bmuid.store import reference, reratings, revisions
from bmuid.store.reratings import NextAccount
from bmuid.store.transaction import Connection, Transaction, run

# New usage does not wait longer than this for plans.
STEP_NS = 200_000_000
US_A_SECOND = 1_000_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Rerating:
    """
    The rerating of one worker process; one process of all does it at a time.

    Shapes:
        catalogue: by revision, the newest revision up to it that changed the catalogue.
    """

    bench: Bench
    _catalogue: dict[int, int] = field(default_factory=dict)
    _not_before_ns: int = 0

    def wait_seconds(self, most: float) -> float:
        """Tell how long to wait before there may be another account to carry out."""
        return min(most, max(0, self._not_before_ns - time.monotonic_ns()) / 1e9 or most)

    def step(self, connection: Connection) -> Missing | bool:
        """Go on with the oldest plan; False: there is nothing to do now; Missing: make that first."""
        if not run(connection, reratings.is_any_open) or not run(connection, reratings.claim):
            return False
        try:
            began = time.monotonic_ns()
            worked = False
            while (now := time.monotonic_ns()) - began < STEP_NS and now >= self._not_before_ns:
                found = run(connection, self.next)
                if isinstance(found, Missing):
                    return found
                if not found:
                    break
                worked = True
            return worked
        finally:
            run(connection, reratings.release)

    def next(self, txn: Transaction) -> Missing | bool:
        """Compute or carry out one account, or begin or end a plan; False: there is nothing to do."""
        found = reratings.next_account(txn)
        if found is None:
            return bool(reratings.finish(txn)) or reratings.begin(txn, revisions.newest(txn))
        began = time.monotonic_ns()
        snapshot = self.bench.snapshots.at(txn, found.revision)
        figures = self._figures(txn, snapshot, found)
        if isinstance(figures, Missing):
            return figures
        took_ns = time.monotonic_ns() - began
        reratings.note(txn, found, figures, took_ns // 1000)
        if found.accounts_a_second:
            self._not_before_ns = began + 1_000_000_000 // found.accounts_a_second
            said = {"rerating": found.rerating_id, "account": found.account_id}
            log.info("account rated again", extra=said | asdict(figures))
        return True

    def _figures(
        self, txn: Transaction, snapshot: Snapshot, found: NextAccount
    ) -> reratings.Figures | Missing:
        if found.to_at is not None:
            return simulation.simulate(txn, snapshot, found, found.to_at)
        if found.revision not in self._catalogue:
            self._catalogue = {found.revision: reference.catalogue_revision(txn)}
        catalogue = self._catalogue[found.revision]
        if not found.accounts_a_second:
            return account.plan(txn, snapshot, found, catalogue)
        return account.carry_out(txn, self.bench, snapshot, found, catalogue)
