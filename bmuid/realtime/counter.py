"""What a process keeps from one event to the next, and how what usage needs is made on first need."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from bmu.period import from_us
from bmu.rating import Owner, Owners, Tariff, Unrated
from bmu.usage import UDR
from bmuid.intake.limits import narrowed, speak
from bmuid.intake.loops import Month
from bmuid.intake.ours import in_time
from bmuid.intake.pricing import Needs, needs_of
from bmuid.intake.snapshot import Snapshot
from bmuid.store import accounts, buckets, days, limits, streams, udrs
from bmuid.store.limits import Limits
from bmuid.store.streams import Claim, Stream, Taken
from bmuid.store.transaction import Transaction

GRANTED_MAX = 500_000
# Events of earlier days can't be.
EVER_US = 0
NUMBERS_MAX = 500_000

# Gives tariff and owners to rate by in a transaction, of the newest revision, which is told; the identifiers are those
# that will be looked for.
Reference = Callable[[Transaction, int, Sequence[tuple[str, str]]], Snapshot]


@dataclass(slots=True)
class Counter:
    """
    Where single events are rated, a transaction after the other.

    Shapes:
        window: gives the first and the last instant at which an event may have begun that is told of now.
        days, granted: known to be there, as of the last transaction that was committed.
        made: what this transaction has made; it counts once that is committed.
        streams: those of today, by source; begun: in this transaction.
        day_limits: how many events sources may tell of a day, by source.
        ids: that no UDR has yet, the rest of a block.
        numbers: of accounts, by id; they never change.
    """

    reference: Reference
    window: Callable[[int], tuple[int, int]]
    days: set[int] = field(default_factory=set)
    granted: dict[int, Month] = field(default_factory=dict)
    granted_by: Tariff | None = None
    made: list[Needs] = field(default_factory=list)
    streams: dict[tuple[str, date], Stream] = field(default_factory=dict)
    begun: dict[tuple[str, date], Stream] = field(default_factory=dict)
    day_limits: dict[str, int | None] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: iter(()))
    numbers: dict[int, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Begin a transaction: whatever an earlier one made and did not commit is not there."""
        self.made.clear()
        self.begun.clear()

    def committed(self) -> None:
        """Remember what the transaction has made."""
        for needs in self.made:
            if len(self.granted) > GRANTED_MAX:
                self.granted.clear()
            self.granted.update(needs.months)
            self.days |= needs.days
        if self.begun:
            self.streams = dict(self.begun)
        self.begin()

    def take(
        self, txn: Transaction, source: str, day: date, claims: Sequence[Claim]
    ) -> Taken | None:
        """Take lines into a source's stream of a day; None where there is no such source, or no catalogue."""
        known = self.begun.get((source, day)) or self.streams.get((source, day))
        taken = known and streams.take(txn, known, claims)
        if taken is None:
            found = streams.begin(txn, source, day)
            if found is None:
                return None
            self.begun = {**self.streams, **self.begun, (source, day): found}
            taken = streams.take(txn, found, claims)
        if taken is not None:
            self.day_limits[source] = taken.limits.lines_a_day_max if taken.limits else None
        return taken

    def day_limit(self, txn: Transaction, source: str) -> int | None:
        """Give how many events a source may tell of a day, as it was last seen; None: any number."""
        if source not in self.day_limits:
            self.day_limits[source] = limits.day_limit(txn, source)
        return self.day_limits[source]

    def new_ids(self, txn: Transaction, count: int) -> list[int]:
        """Give so many ids that no UDR has."""
        ids = list(islice(self.ids, count))
        if len(ids) < count:
            self.ids = iter(udrs.new_ids(txn, udrs.IDS_A_BLOCK))
            ids += islice(self.ids, count - len(ids))
        return ids

    def owners_of(
        self, owners: Owners, udrs: Sequence[UDR], now_us: int, allowed: Limits | None
    ) -> list[Owner | Unrated]:
        """Give each event its owner, or why it has none, comes at the wrong time or is not its source's to tell of."""
        window = self.window(now_us)
        # Whoever may tell of any day that is past is one of the staff.
        if allowed is not None and window[0] > EVER_US:
            window = narrowed(window, now_us, allowed)
        found = [
            in_time(udr, owners.find(udr.uid_type, udr.uid, udr.started_us), window)
            for udr in udrs
        ]
        if allowed is not None:
            speak(udrs, found, allowed)
        return found

    def provide(
        self,
        txn: Transaction,
        snapshot: Snapshot,
        udrs: list[UDR],
        owners: list[Owner | Unrated],
    ) -> Needs:
        """Make the days and buckets that events need and that are not there yet; say what they need."""
        if not snapshot.grants_as(self.granted_by):
            self.granted = {}
        self.granted_by = snapshot.tariff
        needs = needs_of(udrs, owners, snapshot.tariff, self.granted, snapshot.allowances)
        for day in sorted(needs.days - self.days):
            days.ensure(txn, day)
        if needs.wanted:
            buckets.grant(txn, needs.wanted)
        if needs.months or not needs.days <= self.days:
            self.made.append(needs)
        return needs

    def numbers_of(self, txn: Transaction, account_ids: set[int]) -> dict[int, str]:
        """Give the numbers of accounts."""
        unknown = account_ids - self.numbers.keys()
        if unknown:
            if len(self.numbers) > NUMBERS_MAX:
                self.numbers.clear()
                unknown = account_ids
            self.numbers |= accounts.numbers(txn, sorted(unknown))
        return self.numbers


def day_of(us: int) -> int:
    """Give the number of the day (UTC) of an instant."""
    return days.number_of(from_us(us))
