"""What goes wrong with call records, planted where expected.toml says."""

import re
from dataclasses import replace

from harbour.calls import local
from harbour.chance import Chance
from harbour.switches import Record, stamp

Files = dict[str, list[Record]]

END_AND_LENGTHS = re.compile(r'"2026-\d\d-\d\d \d\d:\d\d:\d\d",("?)(\d+)\1,"?(\d+)\1,')

DUPLICATES = {
    "asterisk/Master-2026-08.csv": 5,
    "asterisk/Master-2026-09.csv": 4,
    "asterisk/Master-2026-10.csv": 6,
    "freeswitch/Master-2026-08.csv": 3,
    "freeswitch/Master-2026-09.csv": 3,
    "freeswitch/Master-2026-10.csv": 4,
}
MALFORMED = {
    "asterisk/Master-2026-08.csv": ("cut in a string", "text for seconds"),
    "asterisk/Master-2026-09.csv": ("31 September", "cut between fields"),
    "asterisk/Master-2026-10.csv": ("hour 25", "no seconds"),
    "freeswitch/Master-2026-08.csv": ("text for seconds",),
    "freeswitch/Master-2026-09.csv": ("31 September",),
    "freeswitch/Master-2026-10.csv": ("cut in a string", "no seconds"),
}
CONFLICTS = ("asterisk/Master-2026-09.csv", "freeswitch/Master-2026-10.csv")
SENT_TWICE = ("asterisk/Master-2026-08.csv", "asterisk/Master-2026-09.csv", 2)


def told_seconds(record: Record) -> str:
    """The billed seconds as they stand in the line, with the commas around them."""
    quote = '"' if record.call.line.switch == "freeswitch" else ""
    return f",{quote}{record.billsec}{quote},"


def with_seconds(record: Record, seconds: str) -> str:
    """The line with other billed seconds (the last place where they stand: duration comes before)."""
    told = told_seconds(record)
    before, after = record.text.rsplit(told, 1)
    return before + told.replace(str(record.billsec), seconds) + after


def spoilt(record: Record, how: str) -> str:
    """The line with one fault in it."""
    start = record.text.index("2026-")
    match how:
        case "cut in a string":
            return record.text[: start + 12]
        case "cut between fields":
            return record.text[: start - 1]
        case "text for seconds":
            return with_seconds(record, "n/a")
        case "no seconds":
            return with_seconds(record, "")
        case "31 September":
            return record.text[: start + 5] + "09-31" + record.text[start + 10 :]
        case "hour 25":
            return record.text[: start + 11] + "25" + record.text[start + 13 :]
        case _:
            raise AssertionError(how)


def told_again(record: Record) -> Record:
    """The same call as if it had ended 37 seconds later: end, duration and billed seconds."""

    def later(match: re.Match[str]) -> str:
        quote, duration, seconds = match.groups()
        numbers = [f"{quote}{int(each) + 37}{quote}" for each in (duration, seconds)]
        return ",".join([f'"{stamp(record.call.course.end_ms + 37_000)}"', *numbers, ""])

    text, times = END_AND_LENGTHS.subn(later, record.text)
    assert times == 1
    return replace(record, text=text, billsec=record.billsec + 37, kind="conflict")


def plant(chance: Chance, files: Files) -> Files:
    """The files with duplicates, faulty lines and two conflicting repeats added."""
    planted = {name: list(records) for name, records in files.items()}
    for name, records in planted.items():
        for how in MALFORMED[name]:
            at = position(chance, records)
            text = spoilt(records[at], how)
            records[at] = replace(records[at], text=text, kind="malformed", fault=how)
    for name, records in planted.items():
        if name in CONFLICTS:
            at = position(chance, records)
            records.insert(at + 40, told_again(records[at]))
        for _ in range(DUPLICATES[name]):
            at = position(chance, records)
            records.insert(at + 1 + chance.below(30), replace(records[at], kind="duplicate"))
    first, second, count = SENT_TWICE
    again = [each for each in planted[first] if each.kind == "rateable"][-count:]
    planted[second][:0] = [replace(each, kind="duplicate") for each in again]
    return planted


def position(chance: Chance, records: list[Record]) -> int:
    """Where an ordinary rateable call stands: by day, and of nobody whose calls a test may count."""
    while True:
        at = 60 + chance.below(len(records) - 160)
        call = records[at].call
        by_day = local(call.course.start_ms).hour >= 6
        if records[at].kind == "rateable" and call.line.account > "A1003" and by_day:
            return at
