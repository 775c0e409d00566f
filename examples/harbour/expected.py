"""expected.toml: what a correct intake finds in the call records."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from harbour.calls import SUMMER_TIME_ENDS_MS, local
from harbour.switches import Record
from harbour.traffic import LIVELY

KINDS = (
    "rateable",
    "not_answered",
    "internal",
    "unknown_owner",
    "no_rate",
    "malformed",
    "duplicate",
    "conflict",
)
NATIONAL = ("UK-GEO", "UK-WIDE", "UK-MOB")
HOUR_MS = 3_600_000
PREFACE = """\
# What is in the call records beside this file; made with them by ../make_usage.py.
#
# Every line of a file is of exactly one kind, so the eight kinds add up to `lines`:
#   rateable       an answered outside call of a number that somebody holds, to a place with a rate
#   not_answered   an outside call that nobody took
#   internal       between extensions (context "internal"), answered or not
#   unknown_owner  answered, but nobody holds the number at that time
#   no_rate        answered, owned, but to +881, for which no plan has a rate
#   malformed      no record can be read from it
#   duplicate      a line that was there before, octet for octet (also in an earlier file)
#   conflict       the unique id was there before, with another number of seconds
# `answered` counts over all kinds but malformed; `rateable_seconds` adds up the billed seconds.
"""
PLANTED = """
# Where the oddities stand; lines count from 1.
"""
MONTHS = """
# The customers with a login, by the local month in which a call began. National: to UK landlines,
# 03 numbers and mobiles, which inclusive minutes pay for.
"""
CLOCK_CHANGE = """
# Calls that begin in the hour that happens twice (01:00 to 02:00 on 2026-10-25). Asterisk's unique
# id tells which one is meant; with FreeSWITCH only an `end` before the `answer` would.
"""


def expected(files: Mapping[str, list[Record]], recording: str) -> str:
    """The whole text: the files, the recording, oddities, months, and the hour that happens twice."""
    records = [each for name in sorted(files) for each in files[name] if each.kind == "rateable"]
    parts = [PREFACE]
    parts += [file_table(name, files[name]) for name in sorted(files)]
    parts += [recording, PLANTED]
    parts += [text for name in sorted(files) for text in planted_tables(name, files[name])]
    parts += [MONTHS, *month_tables(records), CLOCK_CHANGE, *clock_tables(records)]
    return "".join(parts)


def file_table(name: str, records: list[Record]) -> str:
    """How many lines of each kind one file has."""
    count = {kind: sum(each.kind == kind for each in records) for kind in KINDS}
    read = [each for each in records if each.kind != "malformed"]
    seconds = sum(each.billsec for each in records if each.kind == "rateable")
    source = "pbx-london" if name.startswith("asterisk") else "sbc-bristol"
    answered = sum(each.call.course.answered for each in read)
    return (
        f'\n[[file]]\npath = "{name}"\nsource = "{source}"\nlines = {len(records)}\n'
        f"answered = {answered}\n"
        + "".join(f"{kind} = {number}\n" for kind, number in count.items())
        + f"rateable_seconds = {seconds}\n"
    )


def planted_tables(name: str, records: list[Record]) -> Iterator[str]:
    """Where the malformed, repeated and conflicting lines of one file stand."""
    for number, each in enumerate(records, 1):
        if each.kind in ("malformed", "duplicate", "conflict"):
            fault = f'fault = "{each.fault}"\n' if each.fault else ""
            yield (
                f'\n[[planted]]\npath = "{name}"\nline = {number}\nkind = "{each.kind}"\n{fault}'
                f'unique_id = "{each.unique_id}"\n'
            )


def month_tables(records: list[Record]) -> Iterator[str]:
    """Calls and seconds of the customers with a login, month by month."""
    for account in sorted(LIVELY):
        for month in ("2026-08", "2026-09", "2026-10"):
            own = [
                each
                for each in records
                if each.call.line.account == account
                and f"{local(each.call.course.start_ms):%Y-%m}" == month
            ]
            national = sum(each.billsec for each in own if each.call.place.code in NATIONAL)
            yield (
                f'\n[[month]]\naccount = "{account}"\nmonth = "{month}"\ncalls = {len(own)}\n'
                f"seconds = {sum(each.billsec for each in own)}\nnational_seconds = {national}\n"
            )


def clock_tables(records: list[Record]) -> Iterator[str]:
    """The calls whose local start time does not say when they began."""
    for each in records:
        start_ms = each.call.course.start_ms
        if abs(start_ms - SUMMER_TIME_ENDS_MS) < HOUR_MS:
            start = datetime.fromtimestamp(start_ms // 1000, UTC)
            yield (
                f'\n[[clock_change]]\nunique_id = "{each.unique_id}"\n'
                f'start_local = "{local(start_ms):%Y-%m-%d %H:%M:%S}"\n'
                f"start = {start:%Y-%m-%dT%H:%M:%SZ}\n"
            )
