"""Single events: rated and charged at once, each once for ever; or only quoted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bmu.period import to_us
from bmu.rating import Owner, Unrated, rate
from bmu.usage import UDR
from bmuid.intake import charging, firstuse
from bmuid.intake.charging import Singly
from bmuid.intake.events import Event, line_of, udr_of
from bmuid.intake.late import final_billed
from bmuid.realtime import answers
from bmuid.realtime.answers import Conflict, Outcome, Repeated
from bmuid.realtime.counter import Counter
from bmuid.store import days, files, keys, streams, verdicts
from bmuid.store.files import Verdicts
from bmuid.store.keys import Earlier
from bmuid.store.streams import Stream, Told
from bmuid.store.transaction import Transaction
from bmuid.store.verdicts import Outcome as Ending
from bmuid.store.verdicts import Verdict

Answered = Outcome | Repeated | Conflict


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
    stream = counter.stream(txn, source, now.date())
    if stream is None:
        return NoSource()
    lines = [line_of(event) for event in events]
    udrs = [
        udr_of(event, line_no, stream.source, line)
        for line_no, (event, line) in enumerate(zip(events, lines, strict=True), stream.next_line)
    ]
    distinct = {udr.event_key: udr for udr in reversed(udrs)}
    earlier = keys.claim_each(txn, stream.file_id, list(distinct.values()))
    fresh = [udr for key, udr in distinct.items() if key not in earlier]
    fresh.sort(key=lambda udr: udr.line_no)
    found = _charged(txn, counter, stream, fresh, now) if fresh else {}
    told = [
        Told(
            udr.line_no,
            lines[udr.line_no - stream.next_line],
            answers.text_of(found[udr.line_no]),
        )
        for udr in fresh
    ]
    _note(txn, stream, fresh, told, found)
    firsts = _firsts(txn, earlier)
    return [
        _answer(udr, distinct[udr.event_key], found, earlier.get(udr.event_key), firsts)
        for udr in udrs
    ]


def quote(
    txn: Transaction, counter: Counter, source: str, event: Event, now: datetime
) -> Outcome | NoSource:
    """Say what an event would cost now; nothing of it stays."""
    settings = files.source(txn, source)
    if settings is None:
        return NoSource()
    udr = udr_of(event, 0, settings)
    snapshot = counter.reference(txn, [(udr.uid_type, udr.uid)])
    [owner] = counter.owners_of(snapshot.owners, [udr], to_us(now))
    if isinstance(owner, Unrated):
        return answers.unpriced("UNRATED", udr, owner)
    # Its buckets are granted as they would be, and that is taken back.
    txn.execute("SAVEPOINT quote")
    needs = counter.provide(txn, snapshot, [udr], [owner])
    there = charging.drawable(txn, snapshot.tariff, needs, [owner])
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


def _charged(
    txn: Transaction, counter: Counter, stream: Stream, fresh: list[UDR], now: datetime
) -> dict[int, Outcome]:
    """Charge new events, or put them into suspense; give what is to be said of each, by its line."""
    snapshot = counter.reference(txn, [(udr.uid_type, udr.uid) for udr in fresh])
    now_us = to_us(now)
    owners = counter.owners_of(snapshot.owners, fresh, now_us)
    if any(isinstance(owner, Owner) and owner.to_us < now_us for owner in owners):
        final_billed(txn, owners, now)
    needs = counter.provide(txn, snapshot, fresh, owners)
    lost = [
        (udr, owner)
        for udr, owner in zip(fresh, owners, strict=True)
        if isinstance(owner, Unrated)
    ]
    known = [
        (udr, owner)
        for udr, owner in zip(fresh, owners, strict=True)
        if not isinstance(owner, Unrated)
    ]
    usage = [udr for udr, _ in known], [owner for _, owner in known]
    singly = Singly(counter.new_ids(txn, len(known)), [])
    lost += charging.charge(txn, stream.file_id, snapshot.tariff, needs, usage, singly)
    numbers = counter.numbers_of(txn, {owner.account_id for owner in usage[1]})
    found = {udr.line_no: answers.unpriced("SUSPENDED", udr, why) for udr, why in lost}
    for block in singly.charged:
        for id_, udr, owner, rated in zip(
            block.ids, block.udrs, block.owners, block.rated, strict=True
        ):
            number = numbers[owner.account_id]
            found[udr.line_no] = answers.priced("RATED", udr, rated, number, id_)
    return found


def _note(
    txn: Transaction,
    stream: Stream,
    fresh: list[UDR],
    told: list[Told],
    found: Mapping[int, Outcome],
) -> None:
    """Write what was told and answered, and what waits, to the end of the stream."""
    waiting = [
        Verdict(udr.line_no, Ending.SUSPENDED, said.reason, said.detail, line.line, udr.event_key)
        for udr, line in zip(fresh, told, strict=True)
        if (said := found[udr.line_no]).reason is not None and said.detail is not None
    ]
    verdicts.add(txn, stream.file_id, waiting)
    without = {verdict.line_no for verdict in waiting}
    starts = [udr.started_us for udr in fresh if udr.line_no not in without]
    counted = Verdicts(new=len(starts), suspended=len(waiting))
    oldest = days.day_of(min(starts) // days.US_A_DAY) if starts else None
    streams.extend(txn, stream, told, counted, oldest)


def _firsts(txn: Transaction, earlier: Mapping[bytes, Earlier]) -> Mapping[tuple[int, int], str]:
    """Give the first answers to events that were told of before."""
    if not earlier:
        return {}
    return streams.answers(txn, [(first.file_id, first.line_no) for first in earlier.values()])


def _answer(
    udr: UDR,
    first: UDR,
    found: Mapping[int, Outcome],
    before: Earlier | None,
    firsts: Mapping[tuple[int, int], str],
) -> Answered:
    """Say what became of an event, now or before."""
    if before is None:
        if udr.content != first.content:
            return Conflict()
        outcome = found[first.line_no]
        return outcome if udr is first else Repeated(outcome)
    text = firsts.get((before.file_id, before.line_no))
    if before.content != udr.content or text is None:
        return Conflict()
    return Repeated(answers.outcome_of(text))
