"""A file is held to what its trailer says, and rows that are several events are split into them."""

import json
from dataclasses import replace

import pytest
from counted import COUNTED

from bmu.mediation import Mediator, Profile, Reason, Reject, SourceSettings, profile_of
from bmu.mediation.parts import split_lines
from bmu.mediation.totals import Totals
from bmu.usage import UDR

LONDON = SourceSettings("pbx", "Europe/London", "44", "0", "00")

ROWS = ["1|02079460001|02079460002|1785542607|60", "2|02079460001|02079460002|1785542607|1.5"]
HEAD = "HDR|2026-08-01"


def profile(text: str) -> Profile:
    """Read a document without faults."""
    found = profile_of(text)
    assert isinstance(found, Profile), found
    return found


def differences(document: str, lines: list[str]) -> tuple[str, ...]:
    """Hold a file to its trailer."""
    totals = Totals(profile(document))
    for line_no, line in enumerate(lines, 1):
        totals.add(line_no, line.encode())
    return totals.faults()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([HEAD, *ROWS, "TRL|2|61.5"], None),
        (["# made on Monday", HEAD, *ROWS, "# bye", "TRL|2|61.5\r"], None),
        ([HEAD, *ROWS], "ends without its trailer: it is cut off"),
        ([HEAD, *ROWS, "TRL|3|61.5"], "says 3 rows (count), the file has 2"),
        ([HEAD, *ROWS, "TRL|2|61"], "says 61 as the sum of seconds (total), the file has 61.5"),
        ([HEAD, *ROWS, "TRL|two|61.5"], "count is 'two'; expected a figure"),
        ([HEAD, *ROWS, "TRL"], "ends without its trailer"),
        ([HEAD, *ROWS, "TRL|2"], "total is ''; expected a figure"),
        ([HEAD, *ROWS, "TRL|2|61.5|3"], "count is ''; expected a figure"),
        ([*ROWS, "TRL|2|61.5", *ROWS], "goes on behind its trailer, for 2 rows"),
        ([*ROWS, "TRL|2|61.5", "TRL|2|61.5"], "has 2 trailers"),
        ([ROWS[0], "half|a", "TRL|2|60"], None),
    ],
)
def test_a_file_is_what_its_trailer_says(lines: list[str], words: str | None) -> None:
    """A file that was cut off, or lost rows on the way, is not charged from; a row that can't be read is a row."""
    found = differences(COUNTED, lines)
    assert any(words in fault for fault in found) if words else found == ()


def test_a_trailer_may_count_itself() -> None:
    """Some switches count all lines of the file."""
    document = COUNTED.replace('count = "count"', 'count = "count"\ncounted = "ALL"')
    assert differences(document, [HEAD, *ROWS, "TRL|4|61.5"]) == ()


def test_rows_at_the_ends_are_no_usage() -> None:
    """Header, trailer and comments have their verdict like any other line."""
    taken = Mediator(profile(COUNTED), LONDON).take_many(
        [line.encode() for line in (HEAD, *ROWS, "# x", "TRL|2|61.5")], 1
    )
    assert [each.detail if isinstance(each, Reject) else each.quantity for each in taken] == [
        *("header row", 60, 2, "comment", "trailer row"),
    ]


SPLIT = """
code = "data"
name = "A gateway that counts both ways"
encoding = "utf-8"
fields = ["id", "who", "at", "up", "down"]
identities = [["id"]]
usage_class = "data"
quantity = "octets"
measure = "KIB"
splitting = ["upload", "download"]
layout = { kind = "DELIMITED", quoting = "DOUBLED", heading = true }
uid = [{ type = "account", field = "who", form = "TEXT" }]
started = { field = "at", clock = "EPOCH" }
filter = [{ name = "nothing moved", when = [{ field = "octets", is = ["0", ""] }] }]
class = [{ usage_class = "upload", when = [{ field = "split", is = ["upload"] }] }]
[[derived]]
field = "octets"
make = "COMBINE"
template = "{down}"
[[derived]]
field = "octets"
make = "COMBINE"
template = "{up}"
when = [{ field = "split", is = ["upload"] }]
"""
GATEWAY = [b"ID,Who,At,Up,Down", b"7,alice,1785542607,2,3", b"8,bob,1785542607,0,5", b"9,x"]


def test_a_row_becomes_an_event_for_each_of_its_parts() -> None:
    """What went up and what came down are charged by themselves; neither is the repeat of the other."""
    made = profile(SPLIT)
    lines = [*split_lines(made, GATEWAY)]
    assert len(lines) == 1 + 2 + 2 + 1
    taken = Mediator(made, LONDON).take_many(lines, 1)
    usage = [each for each in taken if isinstance(each, UDR)]
    assert [(each.uid, each.usage_class, each.quantity, each.destination) for each in usage] == [
        ("alice", "upload", 2048, ""),
        ("alice", "data", 3072, ""),
        ("bob", "data", 5120, ""),
    ]
    assert len({each.event_key for each in usage}) == 3
    said = [(each.reason, each.detail) for each in taken if isinstance(each, Reject)]
    assert said == [
        (Reason.FILTERED, "line that names the columns"),
        (Reason.FILTERED, "nothing moved: octets is '0'"),
        (Reason.MALFORMED_LINE, "2 fields; expected 5"),
    ]


def test_decoded_rows_are_split_with_all_they_hold() -> None:
    """Rows of a decoder are objects; a part that the source writes itself counts for nothing."""
    made = replace(profile(SPLIT.replace("heading = true", "widths = [5]")))
    decoded = replace(made, layout=profile(JSON).layout)
    rows = [
        b'{"id":"1","who":"a","at":"1","up":"1","more":{"x":"y"},"split":"z"}',
        b'{"!":"no row"}',
    ]
    lines = [json.loads(line) for line in split_lines(decoded, rows)]
    both = {"id": "1", "who": "a", "at": "1", "up": "1", "more.x": "y"}
    assert lines[:2] == [both | {"split": "upload"}, both | {"split": "download"}]
    assert lines[2]["!"] == "no row"


JSON = COUNTED[: COUNTED.index("header =")].replace(
    'layout = { kind = "DELIMITED", quoting = "NONE", delimiter = "|", widths = [5], comment = "#" }',
    'layout = { kind = "JSON_LINE" }',
)
