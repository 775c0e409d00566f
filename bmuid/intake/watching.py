"""Sources watched: numbers of files that are missed or come twice, and silence. Late files, and such out of order, are normal."""

from datetime import datetime, timedelta

from bmu.mediation.sequence import Counted, Range, named, number_in, without
from bmuid.store import alarms
from bmuid.store.alarms import AlarmKind, Gap, Raised, Watched
from bmuid.store.sources import Watch
from bmuid.store.transaction import Transaction


def look(txn: Transaction, now: datetime) -> list[str]:
    """Look at the sources that are watched; give what was raised, in words: each alarm once."""
    for source in alarms.watched(txn, now):
        _look_at(txn, source, now)
    raised = [(each, text_of(each)) for each in alarms.due(txn, now)]
    alarms.tell(txn, raised)
    return [f"{each.source}: {text}" for each, text in raised]


def _look_at(txn: Transaction, source: Watched, now: datetime) -> None:
    counted = Counted(source.newest, cycle_of(source.watch))
    came = alarms.come(txn, source)
    for file in came:
        found = (
            number_in(source.watch.sequence_pattern, file.name)
            if source.watch.sequence_pattern
            else None
        )
        if found is not None:
            counted = _count(txn, source, counted, found, file.id, now)
    spoke_at = source.spoke_at
    if source.told_now != source.told:
        spoke_at = now
    spoke_at = max([spoke_at, *(file.received_at for file in came)])
    last = came[-1].id if came else source.last_file_id
    alarms.looked_at(txn, source, last, counted.newest, spoke_at)
    silent_minutes = source.watch.silent_minutes
    if silent_minutes is not None and now - spoke_at > timedelta(minutes=silent_minutes):
        alarms.silent(txn, source, spoke_at, now)
    else:
        alarms.speaks(txn, source, now)


def _count(
    txn: Transaction,
    source: Watched,
    counted: Counted,
    found: int,
    file_id: int,
    now: datetime,
) -> Counted:
    place = counted.place(found)
    went_on, missed = counted.go_on(place)
    if missed is not None:
        due_at = now + timedelta(minutes=source.watch.late_minutes)
        alarms.miss(txn, source, [Gap(0, missed, now, due_at, None)])
    if alarms.number(txn, source, place, file_id):
        alarms.twice(txn, source, place, file_id, now)
        return went_on
    gap = alarms.gap_at(txn, source, place)
    if gap is not None:
        alarms.over(txn, gap.id, now)
        left = [
            Gap(0, each, gap.since, gap.due_at, gap.raised_at)
            for each in without(gap.numbers, place)
        ]
        alarms.miss(txn, source, left)
    return went_on


def cycle_of(watch: Watch) -> Range | None:
    """Give what the numbers of a source's files go through before they begin anew."""
    if watch.sequence_first is None or watch.sequence_last is None:
        return None
    return Range(watch.sequence_first, watch.sequence_last)


def text_of(alarm: Raised) -> str:
    """Say what is amiss, and what to do."""
    if alarm.kind == AlarmKind.SILENT.value:
        return f"nothing has come since {alarm.since:%Y-%m-%d %H:%MZ}: look whether it runs, and whether its files get here"
    if alarm.kind == AlarmKind.PULL.value:
        return f"nothing can be fetched for it since {alarm.since:%Y-%m-%d %H:%MZ}: `bmadmin pull list` says why"
    assert alarm.first_no is not None
    assert alarm.last_no is not None
    cycle = cycle_of(alarm.watch)
    first, last = named(alarm.first_no, cycle), named(alarm.last_no, cycle)
    numbers = f"file {first}" if alarm.first_no == alarm.last_no else f"files {first} to {last}"
    if alarm.kind == AlarmKind.GAP.value:
        return f"{numbers} did not come: have them sent, or clear the alarm if there are none"
    return (
        f"{numbers} came twice, with other octets, from file {alarm.file} of `bmadmin file list` on: see which of them is"
        " right, then clear the alarm; if it counts anew, set its pattern again"
    )
