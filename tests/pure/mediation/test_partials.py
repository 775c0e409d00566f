"""Records of RADIUS and 3GPP as they are written: which session each is of, and what it counts."""

import json
from dataclasses import replace

import pytest

from bmu.mediation import (
    Clock,
    Condition,
    Filter,
    Form,
    Identifier,
    Instant,
    JSONLine,
    Match,
    Mediator,
    Profile,
    Reject,
    SourceSettings,
    faults,
)
from bmu.mediation.aggregation import Aggregation, Cut, Gathered, Take
from bmu.mediation.assembled import assembled, assembled_line
from bmu.mediation.partial import Kind, Row
from bmu.mediation.partials import Partials
from bmu.mediation.session import NEW, Gathering
from bmu.usage import UDR

SOURCE = SourceSettings("bras", "Europe/London", "44", "0", "00")
RADIUS = Profile(
    code="radius",
    name="RADIUS",
    encoding="utf-8",
    layout=JSONLine(),
    fields=(
        *("id", "nas", "nas6", "status", "time", "user", "number"),
        *("seconds", "in", "in_giga", "address"),
    ),
    identities=(("id",),),
    uids=(Identifier("phone", "user", Form.NUMBER),),
    usage_class="data",
    started=Instant("session.from", Clock.EPOCH),
    quantity="in",
    origin="user",
    destination="number",
    filters=(
        Filter("test user", (Condition("user", Match.IS, ("test",)),)),
        Filter("nothing", (Condition("in", Match.IS, ("0",)),)),
    ),
    aggregation=Aggregation(
        session=("id",),
        record=("status", "time"),
        kind="status",
        starts=("Start",),
        interims=("Interim-Update",),
        stops=("Stop",),
        nodes=("Accounting-On",),
        node=("nas", "nas6"),
        gathered=(Gathered("in", Take.COUNTER, high="in_giga"), Gathered("seconds", Take.COUNTER)),
        at=Instant("time", Clock.EPOCH),
        elapsed="seconds",
    ),
)
assert RADIUS.aggregation is not None
PARTIALS = Partials(RADIUS, RADIUS.aggregation, SOURCE)


def line(**fields: object) -> bytes:
    """Give a record of a session of a customer."""
    row = {
        "id": "7", "nas": "192.0.2.1", "status": "Interim-Update", "time": "1795000600", "user": "+442079460123",
        "number": "internet", "seconds": "600", "in": "17", "in_giga": "", "address": "192.0.2.7",
    }  # fmt: skip
    return json.dumps(row | {name: str(each) for name, each in fields.items()}).encode()


def row(**fields: object) -> Row:
    """Give what is read of it."""
    [found] = PARTIALS.rows([line(**fields)], 1)
    assert isinstance(found, Row), found
    return found


def test_a_record_is_read_whole() -> None:
    """Its session and switch, when it was made, what it counts with its gigawords, and all that it says else."""
    found = row(in_giga=2)

    assert (found.kind, found.name) == (Kind.INTERIM, "7")
    assert (found.at_us, found.elapsed_s) == (1_795_000_600_000_000, 600)
    assert found.figures == {"in": 2 * 2**32 + 17, "seconds": 600}
    assert (found.texts["address"], "in" in found.texts) == ("192.0.2.7", False)


def test_records_of_one_session_are_told_apart() -> None:
    """Same session, same switch, another event; said again it is the same event, with other counters no repeat."""
    first, later, again, other = (
        row(), row(time=1795000900, seconds=900), row(address="192.0.2.9"), row(**{"in": 18}),
    )  # fmt: skip

    assert first.session == later.session
    assert first.node == later.node == row(id="8").node
    assert first.event_key != later.event_key
    assert (first.event_key, first.content) == (again.event_key, again.content)
    assert (first.event_key, first.content != other.content) == (other.event_key, True)
    assert row(id="8").session != first.session
    assert row(nas="", nas6="2001:db8::1").node != first.node
    elsewhere = Partials(RADIUS, RADIUS.aggregation, replace(SOURCE, code="other"))
    assert elsewhere.rows([line()], 1)[0].event_key != first.event_key


def test_a_switch_that_begins_names_itself() -> None:
    """Its record has no session; the sessions that end are those whose records name the same switch."""
    found = row(status="Accounting-On", id="", seconds="", **{"in": ""})

    assert (found.kind, found.node, found.name) == (Kind.NODE, row().node, "192.0.2.1")


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({"id": ""}, "MISSING_FIELD", "id is empty"),
        ({"status": "Failed"}, "FILTERED", "status is 'Failed': no record of a session"),
        ({"user": "test"}, "FILTERED", "test user"),
        ({"time": "noon"}, "BAD_TIME", "time: 'noon'"),
        ({"time": ""}, "MISSING_FIELD", "time: is empty"),
        ({"in": "-3"}, "BAD_QUANTITY", "in is '-3'; expected a whole number up to"),
        ({"in": "1_000"}, "BAD_QUANTITY", "in is '1_000'"),
        ({"in": 2**64}, "BAD_QUANTITY", "up to 18446744073709551615"),
        ({"in": 2**32, "in_giga": 1}, "BAD_QUANTITY", "up to 4294967295"),
        ({"address": "\0"}, "BAD_FIELD", "NUL"),
        ({"in_giga": "x"}, "BAD_QUANTITY", "in_giga is 'x'"),
        ({"status": "Accounting-On", "nas": ""}, "MISSING_FIELD", "nas or nas6 is empty"),
    ],
)
def test_what_is_no_record_says_why(fields: dict[str, object], reason: str, words: str) -> None:
    """Each line that can't be taken into a session is rejected with what was read and what was expected."""
    [found] = PARTIALS.rows([line(**fields)], 5)

    assert isinstance(found, Reject)
    assert (found.line_no, found.reason.value) == (5, reason)
    assert words in found.detail


def test_octets_that_are_no_record_are_rejected() -> None:
    """Whatever lies in the file: each line has its verdict."""
    lines = [b"\xff", b"{", b"[]", b"", b'{"id": "7"}\r', b'{"!": "no record, at octet 9"}']
    found = PARTIALS.rows(lines, 1)

    assert [each.reason.value for each in found if isinstance(each, Reject)] == [
        "BAD_ENCODING", *["MALFORMED_LINE"] * 3, "FILTERED", "MALFORMED_LINE",
    ]  # fmt: skip


def test_filters_of_figures_are_asked_of_the_whole() -> None:
    """A start has counted nothing yet, and is no usage that is left out; a session that ends with nothing is."""
    assert row(status="Start", seconds=0, **{"in": 0}).figures["in"] == 0
    session, _ = Gathering(RADIUS.aggregation, "UTC").taken(NEW, row(**{"in": 0}, status="Stop"))
    [made] = Gathering(RADIUS.aggregation, "UTC").taken(NEW, row(**{"in": 0}, status="Stop"))[1]
    written = assembled_line(1, made)
    assert written is not None
    found = Mediator(assembled(RADIUS), SOURCE).take(1, written)

    assert isinstance(found, Reject)
    assert found.detail.startswith("nothing")
    assert session.rows == 1


def test_usage_of_a_session_is_read_by_the_same_profile() -> None:
    """What a session came to is a row with the fields of its records, and when it began."""
    gathering = Gathering(RADIUS.aggregation, "UTC")
    session, _ = gathering.taken(NEW, row())
    _, [made] = gathering.taken(
        session, row(status="Stop", time=1795000900, seconds=900, in_giga=1)
    )
    written = assembled_line(12, made)
    assert written is not None
    found = Mediator(assembled(RADIUS), SOURCE).take(3, written)

    assert isinstance(found, UDR)
    assert (found.quantity, found.uid, found.started_us) == (
        2**32 + 17, "442079460123", 1_795_000_000_000_000,
    )  # fmt: skip
    again = Mediator(assembled(RADIUS), SOURCE).take(9, written)
    assert isinstance(again, UDR)
    assert again.event_key == found.event_key


def test_all_that_is_wrong_with_settings_is_told_at_once() -> None:
    """Nobody mends a profile one fault at a time."""
    wrong = replace(
        RADIUS,
        aggregation=Aggregation(
            session=("call",),
            kind="status",
            stops=(),
            starts=("x",),
            interims=("x",),
            nodes=("on",),
            gathered=(Gathered("in", Take.LAST, high="out"), Gathered("in", Take.SUM)),
            elapsed="seconds",
            cut=Cut.DAY,
            timeout_s=0,
            wait_s=60,
            sequence_first=7,
        ),
    )

    assert faults(RADIUS) == ()
    assert faults(wrong) == (
        "aggregation.session: no field is called 'call'",
        "aggregation.gather.high: no field is called 'out'",
        "aggregation.record: a record needs fields that tell it from the others of its session, or a sequence",
        "aggregation.node: say which fields name the switch that ends its sessions",
        "aggregation.stops: say which records end a session",
        "aggregation.kind: 'x' is there 2 times",
        "aggregation.gather: 'in' is there 2 times",
        "aggregation.gather.high: 'in' is no figure",
        "aggregation.elapsed: 'seconds' is not gathered as COUNTER",
        "aggregation.elapsed: it says nothing without *at*, when a record was made",
        "aggregation.timeout_s: not 1 to 31622400 seconds",
        "aggregation.wait_s: without a sequence nothing is known to be missing",
        "aggregation.sequence_first: 0 or 1",
        "aggregation.cut: needs *at*, when a record was made",
    )
