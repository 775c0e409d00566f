"""A file of calls that nobody described is read by the profile that is proposed for it, and doubts are told."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmu.mediation import Mediator, SourceSettings, document_of, profile_of
from bmu.mediation.headed import has_heading, head_of
from bmu.mediation.proposal import Proposal, propose
from bmu.period import from_us
from bmu.usage import UDR

EXAMPLES = Path(__file__).parents[3] / "examples"
LONDON = SourceSettings("pbx", "Europe/London", "44", "0", "00")
CALL = ("2026-08-01T08:00:05+00:00", 60, "442079460001", "33199001234")


def read(octets: bytes, proposal: Proposal) -> list[UDR]:
    """Read a sample by the profile proposed for it, as its document has it."""
    profile = profile_of(proposal.document)
    assert profile == proposal.profile, profile
    assert profile_of(document_of(proposal.profile)) == proposal.profile
    lines = octets.split(b"\n")
    head = lines[: head_of(profile)]
    mediator = Mediator(profile, LONDON, head[-1] if has_heading(profile) else b"")
    return [each for each in mediator.take_many(lines, 1) if isinstance(each, UDR)]


@pytest.mark.parametrize(
    ("sample", "doubts"),
    [
        # One of a switch that says all.
        (
            (
                "uuid,caller_id_number,destination_number,start_stamp,answer_stamp,end_stamp,duration,billsec\n"
                "u1,02079460001,0033199001234,2026-08-01 08:59:58,2026-08-01 09:00:05,2026-08-01 09:01:05,67,60\n"
                "u2,02079460001,0033199001234,2026-08-01 08:59:58,,2026-08-01 09:01:05,67,0\n"
            ),
            [],
        ),
        # Names with signs, semicolons, quotes, days first.
        (
            (
                '"Call-ID";"Calling No.";"Called No.";"Calling Party Number";"Called Party Number";"Connect Date/Time";"Talk Time"\n'
                '"1";"x";"y";"+442079460001";"+33199001234";"01.08.2026 09:00:05";"60"\n'
                '"2";"x";"y";"+442079460001";"+33199001234";"31.08.2026 09:00:05";"60"\n'
            ),
            [],
        ),
        # Seconds since 1970, thousandths, camel case; the time talked in thousandths.
        (
            (
                "recordId|callingNumber|calledNumber|answerTime|billableMs\n"
                "1|02079460001|0033199001234|1785571205000|59999\n"
                "2|02079460001|0033199001234|1785571205000|60000\n"
            ),
            [],
        ),
        # Months first, told by another row; the day and the hour in columns of their own.
        (
            (
                "ID\tFrom\tTo\tDate\tTime\tBillable seconds\n"
                "a\t02079460001\t0033199001234\t08/01/2026\t09:00:05\t60\n"
                "b\t02079460001\t0033199001234\t08/31/2026\t09:00:05\t60\n"
            ),
            [],
        ),
        # Hours, minutes and seconds, offset in the time, lines before the heading, comments.
        (
            (
                "Export of Monday\n# by night\nCDR ID,ANI,DNIS,Connect Time,Call Length\n"
                "7,+442079460001,+33199001234,2026-08-01T10:00:05+02:00,00:01:00\n"
                "8,+442079460001,+33199001234,2026-08-01T10:00:05+02:00,00:01:00\n"
            ),
            ["may count from the ringing on"],
        ),
        # The day, and the hours of ringing and answer, in columns of their own; an id that no name tells.
        (
            (
                "Ref;Date;Start;Answered;End;Caller;Called;Talk time;Result\n"
                "K-1001;01.08.2026;08:59:58;09:00:05;09:01:05;02079460001;0033199001234;60;ANSWERED\n"
                "K-1002;01.08.2026;08:59:58;;09:01:05;02079460001;0033199001234;0;NO ANSWER\n"
                "K-1003;31.08.2026;08:59:58;09:00:05;09:01:05;02079460001;0033199001234;60;ANSWERED\n"
            ),
            [
                "Date may be the day of Start: a call answered past midnight would be a day early",
                "Ref looks like one: it never repeats in the sample",
            ],
        ),
        # Figures that count on are an id, too; a price that never repeats is none.
        (
            (
                "Price;Row;Answered;Caller;Called;Talk time\n"
                "7.20;1001;2026-08-01 09:00:05;02079460001;0033199001234;60\n"
                "7.10;1002;2026-08-01 09:00:05;02079460001;0033199001234;60\n"
                "7.30;1003;2026-08-01 09:00:05;02079460001;0033199001234;60\n"
            ),
            ["Row looks like one: it never repeats in the sample"],
        ),
        # No id, and nothing says days or months first.
        (
            "caller,called,answered,talk\n02079460001,0033199001234,01/08/2026 09:00:05,60\n",
            ["may be %d/%m/%Y %H:%M:%S or %m/%d/%Y", "no column is an id"],
        ),
        # No heading at all.
        (
            (
                "2026-08-01 09:00:05;02079460001;0033199001234;00:01:00\n"
                "2026-08-01 09:00:07;02079460002;0033199001234;00:00:00\n"
            ),
            ["no column is an id", "c2 is a guess", "c3 is a guess", "ringing"],
        ),
    ],
)
def test_a_call_is_read_as_what_it_was(sample: str, doubts: list[str]) -> None:
    """Whatever the columns are called and however times are written, the first call is the same one."""
    found = propose(sample.encode(), "acme")
    assert isinstance(found, Proposal)
    assert len(found.doubts) == len(doubts), found.doubts
    for words in doubts:
        assert any(words in doubt for doubt in found.doubts), (words, found.doubts)
        assert words in found.document
    first = read(sample.encode(), found)[0]
    at = first.started_us // 1_000_000
    assert (at, first.quantity, first.origin, first.destination) == (1785571205, *CALL[1:])


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (b"", "no rows of columns"),
        (b"just text\nof no columns\n", "no rows of columns"),
        (b"from,to\n", "no rows of columns"),
        (b"\x00\x01\x02,\x00", "it is no text"),
    ],
)
def test_what_is_no_file_of_calls_is_said_to_be_none(sample: bytes, words: str) -> None:
    """Nothing is invented for a file that has no rows."""
    found = propose(sample, "acme")
    assert isinstance(found, str)
    assert words in found


def test_what_could_not_be_told_stands_in_the_document() -> None:
    """A file that is of no calls gets a document to go on with, in which the gaps are named."""
    found = propose(b"colour,size\nred,large\nblue,small\n", "acme")
    assert isinstance(found, Proposal)
    said = " ".join(found.doubts)
    for gap in ("started:", "quantity:", "uid and origin:", "destination:", "identities:"):
        assert gap in said
        assert f"# - {gap}" in found.document
    # All but what calls are told apart by, for which there is always an answer.
    assert [gap.partition(":")[0] for gap in found.gaps] == [
        "started",
        "quantity",
        "uid and origin",
        "destination",
    ]


@pytest.mark.parametrize(
    ("names", "hours", "used"),
    [
        # Of calls that nobody answered it has a dash.
        ("Start;Answered", ["08:59:58;09:00:05", "08:59:58;-"], "08:59:58"),
        # The beginning has its day, the answer has none.
        ("Begin time;Answered", ["2026-08-01 08:59:58;09:00:05"] * 2, "08:59:58"),
        # Nobody knows what it is.
        ("Start;Zeit", ["2026-08-01 08:59:58;2026-08-01 09:00:05"] * 2, "08:59:58"),
    ],
)
def test_a_time_that_is_not_used_is_told(names: str, hours: list[str], used: str) -> None:
    """Where calls may be charged from the ringing on because of a guess, somebody is to look."""
    rows = [
        f"{n};2026-08-01;{each};02079460001;0033199001234;60\n" for n, each in enumerate(hours)
    ]
    sample = f"id;Day;{names};Caller;Called;Talk time\n{''.join(rows)}".encode()
    found = propose(sample, "acme")
    assert isinstance(found, Proposal)
    name = names.partition(";")[2]
    assert any(f"a column of times is not used: {name};" in doubt for doubt in found.doubts)
    assert found.gaps == ()
    began = from_us(read(sample, found)[0].started_us)
    assert began.astimezone(ZoneInfo("Europe/London")).strftime("%H:%M:%S") == used


def test_calls_that_came_in_are_told_of() -> None:
    """Where a column says which way a call went, somebody has to say whose the calls are that came in."""
    sample = (
        "id;direction;from;to;answered at;talk\n"
        "1;out;02079460001;0033199001234;2026-08-01 09:00:05;60\n"
        "2;in;07700900123;02079460001;2026-08-01 09:00:05;60\n"
    )
    found = propose(sample.encode(), "acme")

    assert isinstance(found, Proposal)
    [doubt] = found.doubts
    assert doubt.startswith("filter: direction says 'in', 'out'")
    assert "direction" in found.profile.fields


def test_the_example_is_read_without_a_doubt_but_one() -> None:
    """The newcomer's walk in docs/mediation.md works."""
    octets = (EXAMPLES / "unknown/calls.csv").read_bytes()
    found = propose(octets, "calls")
    assert isinstance(found, Proposal)
    assert ["ringing" in doubt for doubt in found.doubts] == [True]
    usage = read(octets, found)
    assert len(usage) == octets.count(b"ANSWERED")


@settings(deadline=None, max_examples=60)
@given(
    st.binary(max_size=200)
    | st.lists(st.text('ab,;"\t|\\01:/- \n', max_size=30), max_size=8).map(
        lambda some: "\n".join(some).encode()
    )
)
def test_any_octets_get_a_profile_that_is_in_order_or_a_reason(octets: bytes) -> None:
    """Whatever is handed to it, what is proposed can be loaded."""
    found = propose(octets, "acme")
    if isinstance(found, Proposal):
        assert profile_of(found.document) == found.profile
