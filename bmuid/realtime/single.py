"""Single events: rated and charged at once, each once for ever; or only quoted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter

from bmu.period import to_us
from bmu.rating import Owner, Unrated, rate
from bmu.usage import UDR
from bmuid.intake import charging, firstuse, rolling
from bmuid.intake.events import Event, claim_of, line_of, udr_of
from bmuid.intake.late import final_billed
from bmuid.realtime import answers, charged
from bmuid.realtime.answers import Conflict, Outcome, Repeated
from bmuid.realtime.charged import Charged
from bmuid.realtime.counter import Counter
from bmuid.store import days, files, revisions, streams, verdicts
from bmuid.store.files import Verdicts
from bmuid.store.keys import Earlier
from bmuid.store.limits import lines_of_day, of_source
from bmuid.store.streams import Claim, Stream, Taken, Told
from bmuid.store.transaction import Transaction
from bmuid.store.verdicts import Outcome as Ending
from bmuid.store.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class OverLimit:
    """The source has told of as many events of this day as it may."""

    lines_a_day_max: int


Answered = Outcome | Repeated | Conflict | OverLimit


@dataclass(frozen=True, slots=True)
class NoSource:
    """There is no such source, or no catalogue to rate by."""


def rate_all(
    txn: Transaction, counter: Counter, source: str, events: Sequence[Event], now: datetime
) -> list[Answered] | NoSource:
    """
    Rate events of one source and charge what has a price; what has none waits in suspense.

    An event whose key the source has used before is not charged again: it is answered as it was then, or refused
    when it differs.

    Shapes:
        Result: parallel to *events*.
    """
    lines = [line_of(event) for event in events]
    claims = [
        claim_of(source, event, line, place)
        for place, (event, line) in enumerate(zip(events, lines, strict=True))
    ]
    distinct = {claim.event_key: claim for claim in reversed(claims)}
    firsts = sorted(distinct.values(), key=attrgetter("place"))
    taken = counter.take(txn, source, now.date(), firsts)
    if taken is None:
        return NoSource()
    stream, earlier = taken.stream, taken.earlier
    fresh = [
        udr_of(events[claim.place], stream.next_line + claim.place, stream.source, claim)
        for claim in firsts
        if claim.event_key not in earlier
    ]
    found = _charge(txn, counter, taken, fresh, lines, now) if fresh else {}
    before = _answered(txn, earlier)
    return [
        _answer(claim, distinct[claim.event_key], (stream, found), earlier, before)
        for claim in claims
    ]


def rate_within_limit(
    txn: Transaction, counter: Counter, source: str, events: Sequence[Event], now: datetime
) -> list[Answered] | NoSource:
    """Rate events as `rate_all` does, but no more new ones a day than their source may tell of."""
    lines_max = counter.day_limit(txn, source)
    if lines_max is None:
        return rate_all(txn, counter, source, events, now)
    settings = files.source(txn, source)
    left = 0 if settings is None else lines_max - lines_of_day(txn, settings.id, now)
    if left >= len(events):
        return rate_all(txn, counter, source, events, now)
    found: list[Answered] = []
    for event in events:
        # What was told of before is answered as it was then, so whether one is new shows when it is rated.
        txn.execute("SAVEPOINT within_limit")
        answered = rate_all(txn, counter, source, [event], now)
        if isinstance(answered, NoSource):
            return answered
        if isinstance(answered[0], Outcome) and left <= 0:
            txn.execute("ROLLBACK TO SAVEPOINT within_limit")
            counter.begin()
            answered = [OverLimit(lines_max)]
        left -= isinstance(answered[0], Outcome)
        found += answered
    return found


def quote(
    txn: Transaction, counter: Counter, source: str, event: Event, now: datetime
) -> Outcome | NoSource:
    """Say what an event would cost now; nothing of it stays."""
    settings = files.source(txn, source)
    if settings is None:
        return NoSource()
    udr = udr_of(event, 0, settings)
    snapshot = counter.reference(txn, revisions.newest(txn), [(udr.uid_type, udr.uid)])
    allowed = of_source(txn, settings.id)
    [owner] = counter.owners_of(snapshot.owners, [udr], to_us(now), allowed)
    if isinstance(owner, Unrated):
        return answers.unpriced("UNRATED", udr, owner)
    # Its buckets are granted as they would be, and that is taken back.
    txn.execute("SAVEPOINT quote")
    needs = counter.provide(txn, snapshot, [udr], [owner])
    there = charging.drawable(txn, snapshot.tariff, needs, [owner])
    rolling.before(txn, there, udr, owner)
    firstuse.begin(txn, snapshot.tariff, there, udr, owner)
    txn.execute("ROLLBACK TO SAVEPOINT quote")
    counter.begin()
    included = there.by_service.get(owner.account_service_id, ())
    limits = there.limits.get(owner.account_service_id, ())
    rated = rate(udr, owner, snapshot.tariff, included, limits)
    if isinstance(rated, Unrated):
        return answers.unpriced("UNRATED", udr, rated)
    number = counter.numbers_of(txn, {owner.account_id})[owner.account_id]
    return answers.priced("QUOTED", udr, rated, number, None)


def _charge(
    txn: Transaction,
    counter: Counter,
    taken: Taken,
    fresh: list[UDR],
    lines: Sequence[bytes],
    now: datetime,
) -> dict[int, Outcome]:
    """Charge new events, or put them into suspense; give what is to be said of each, by its line."""
    snapshot = counter.reference(txn, taken.newest, [(udr.uid_type, udr.uid) for udr in fresh])
    now_us = to_us(now)
    owners = counter.owners_of(snapshot.owners, fresh, now_us, taken.limits)
    if any(isinstance(owner, Owner) and owner.to_us < now_us for owner in owners):
        final_billed(txn, owners, now)
    needs = counter.provide(txn, snapshot, fresh, owners)
    whose = list(zip(fresh, owners, strict=True))
    known = [(udr, owner) for udr, owner in whose if not isinstance(owner, Unrated)]
    usage = [udr for udr, _ in known], [owner for _, owner in known]
    done = charged.rate_known(txn, counter, snapshot.tariff, needs, usage)
    lost = [(udr, owner) for udr, owner in whose if isinstance(owner, Unrated)] + done.lost
    found = {udr.line_no: answers.unpriced("SUSPENDED", udr, why) for udr, why in lost}
    found |= _said(counter.numbers_of(txn, {owner.account_id for owner in usage[1]}), done)
    first_line, file_id = taken.stream.next_line, taken.stream.file_id
    told = [
        Told(udr.line_no, lines[udr.line_no - first_line], answers.text_of(found[udr.line_no]))
        for udr in fresh
    ]
    counted = _count(txn, file_id, fresh, told, found)
    rows = charged.rows(done, file_id, snapshot.tariff.revision, taken.began_us)
    streams.extend(txn, taken.stream, told, counted, list(rows))
    rolling.let_lapse(txn, done.there)
    charging.note(txn, snapshot.tariff, done.there)
    return found


def _said(numbers: Mapping[int, str], done: Charged) -> dict[int, Outcome]:
    """Give what is to be said of events that have a price, by their lines."""
    return {
        udr.line_no: answers.priced("RATED", udr, rated, numbers[owner.account_id], id_)
        for _, block in done.priced
        for id_, udr, owner, rated in zip(
            block.ids, block.udrs, block.owners, block.rated, strict=True
        )
    }


def _count(
    txn: Transaction,
    file_id: int,
    fresh: list[UDR],
    told: list[Told],
    found: Mapping[int, Outcome],
) -> tuple[Verdicts, date | None]:
    """Write what waits; give how many events ended as what, and the first day that has a charge."""
    waiting = [
        Verdict(udr.line_no, Ending.SUSPENDED, said.reason, said.detail, line.line, udr.event_key)
        for udr, line in zip(fresh, told, strict=True)
        if (said := found[udr.line_no]).reason is not None and said.detail is not None
    ]
    verdicts.add(txn, file_id, waiting)
    without = {verdict.line_no for verdict in waiting}
    starts = [udr.started_us for udr in fresh if udr.line_no not in without]
    counted = Verdicts(new=len(starts), suspended=len(waiting))
    return counted, days.day_of(min(starts) // days.US_A_DAY) if starts else None


def _answered(txn: Transaction, earlier: Mapping[bytes, Earlier]) -> Mapping[tuple[int, int], str]:
    """Give the first answers to events that were told of before."""
    if not earlier:
        return {}
    return streams.answers(txn, [(first.file_id, first.line_no) for first in earlier.values()])


def _answer(
    claim: Claim,
    first: Claim,
    now: tuple[Stream, Mapping[int, Outcome]],
    earlier: Mapping[bytes, Earlier],
    before: Mapping[tuple[int, int], str],
) -> Answered:
    """Say what became of an event, now or before."""
    known = earlier.get(claim.event_key)
    if known is None:
        if claim.content != first.content:
            return Conflict()
        stream, found = now
        outcome = found[stream.next_line + first.place]
        return outcome if claim is first else Repeated(outcome)
    text = before.get((known.file_id, known.line_no))
    if known.content != claim.content or text is None:
        return Conflict()
    return Repeated(answers.outcome_of(text))
