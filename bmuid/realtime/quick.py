"""A single event that nothing is odd about, rated and charged between two trips to the database, in the reactor's thread."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bmu.period import to_us
from bmu.rating import Owner, Rated, Tariff, by_service, is_plain
from bmu.usage import UDR
from bmuid.intake import inorder
from bmuid.intake.drawable import Drawable
from bmuid.intake.events import Event, claim_of, line_of, udr_of
from bmuid.intake.ours import in_time
from bmuid.intake.snapshot import Snapshot
from bmuid.realtime import answers, charged
from bmuid.realtime.answers import Outcome
from bmuid.realtime.charged import Charged
from bmuid.realtime.counter import Counter
from bmuid.realtime.reference import Newest
from bmuid.store import quick, streams
from bmuid.store.days import US_A_DAY
from bmuid.store.quick import Statement
from bmuid.store.streams import Claim, Stream, Told
from bmuid.store.udrs import Priced


class Begun(NamedTuple):
    """
    An event whose first statement is to be performed.

    Shapes:
        udr: of no line yet.
    """

    statement: Statement
    stream: Stream
    line: bytes
    claim: Claim
    udr: UDR
    owner: Owner
    snapshot: Snapshot


class Ended(NamedTuple):
    """What is to be said of an event once its last statement is committed."""

    statement: Statement
    outcome: Outcome


@dataclass(slots=True)
class Quick:
    """
    The short way of events that are rated and charged as they come, where all that they need is known to be there.

    Whatever else there may be to an event, it is left to `single.rate_all`, after which nothing of this stays: with the same
    lock, the same key and the same rows in the end.

    Shapes:
        newest, counter: as there.
        codes: of the types of buckets of a tariff; None: some are not drawn from plainly, or a tax service is to be asked.
    """

    newest: Newest
    counter: Counter
    codes: tuple[str, ...] | None = None
    codes_of: Tariff | None = None

    def begin(self, source: str, event: Event, now: datetime) -> Begun | None:
        """Say what is to be performed first; None: this is not the way of this event."""
        snapshot, counter = self.newest.held, self.counter
        stream = counter.streams.get((source, now.date()))
        if snapshot is None or stream is None or counter.day_limits.get(source, 0) is not None:
            return None
        line = line_of(event)
        claim = claim_of(source, event, line)
        udr = udr_of(event, 0, stream.source, claim)
        now_us = to_us(now)
        owner = in_time(
            udr,
            snapshot.owners.find(udr.uid_type, udr.uid, udr.started_us),
            counter.window(now_us),
        )
        codes = self._codes_of(snapshot)
        if not isinstance(owner, Owner) or owner.to_us < now_us or codes is None:
            return None
        if not self._is_provided(snapshot, udr, owner) or owner.account_id not in counter.numbers:
            return None
        statement = quick.taking(stream, claim, owner, codes, udr.started_us)
        return Begun(statement, stream, line, claim, udr, owner, snapshot)

    def end(self, begun: Begun, row: tuple[object, ...] | None) -> Ended | None:
        """
        Rate the event, and say what is to be performed and committed; None: take back what was begun.

        Shapes:
            row: what the first statement gave.
        """
        tariff, owner = begun.snapshot.tariff, begun.owner
        assert self.codes is not None
        taken = quick.taken(row, owner, self.codes)
        if (
            taken is None
            or not taken.is_ours
            or taken.is_limited
            or taken.newest != tariff.revision
        ):
            return None
        id_ = next(self.counter.ids, None)
        if id_ is None:
            return None
        udr = begun.udr._replace(line_no=taken.line_no)
        there = Drawable(by_service(taken.states), {}, {})
        [rated] = inorder.rate_plainly(tariff, there, [udr], [owner])
        if not isinstance(rated, Rated):
            return None
        priced = Priced([id_], [udr], [owner], [rated])
        number = self.counter.numbers[owner.account_id]
        outcome = answers.priced("RATED", udr, rated, number, id_)
        of_day = Charged([(udr.started_us // US_A_DAY, priced)], [], there)
        file_id = begun.stream.file_id
        rows = charged.rows(of_day, file_id, tariff.revision, taken.began_us)
        told = Told(taken.line_no, begun.line, answers.text_of(outcome))
        statement = quick.writing([*rows, streams.telling(file_id, [told])])
        return None if statement is None else Ended(statement, outcome)

    def _is_provided(self, snapshot: Snapshot, udr: UDR, owner: Owner) -> bool:
        """Tell whether the day and all buckets of an event are known to be there."""
        counter, began = self.counter, udr.started_us
        if not snapshot.grants_as(counter.granted_by) or began // US_A_DAY not in counter.days:
            return False
        month = counter.granted.get(owner.account_service_id)
        return month is not None and month[0] <= began < month[1]

    def _codes_of(self, snapshot: Snapshot) -> tuple[str, ...] | None:
        """Give the codes of all types of buckets; None where not all are drawn from plainly, or rating has to wait."""
        tariff = snapshot.tariff
        if self.codes_of is not tariff:
            types = tariff.bucket_types
            is_simple = (
                is_plain(list(types.values()))
                and not snapshot.allowances.pools.stays
                # Nobody waits for a tax service in the reactor's thread.
                and tariff.outside_taxes is None
            )
            self.codes, self.codes_of = tuple(types) if is_simple else None, tariff
        return self.codes
