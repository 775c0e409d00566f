"""Lines of decoders, and rows of several kinds, read by the compiled form: the same as by the plain functions."""

import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marked import marked

from bmu.mediation import BUILT_IN, Mediator, Profile, SourceSettings
from bmu.mediation import mediator as module
from bmu.mediation.decoding import decode
from bmu.mediation.digest import NOWHERE, addresses
from bmu.mediation.layout import Delimited, Quoting
from bmu.mediation.plan import Plan, built
from bmu.mediation.profile import ClassRule, Condition, Match, Measure, RecordType
from bmu.mediation.reject import Reject
from bmu.usage import UDR

SAMPLES = Path(__file__).parents[2] / "samples"
LONDON = SourceSettings("msc", "Europe/London", "44", "0", "00")
compiled_only = pytest.mark.skipif(built() is None, reason="built without a compiler")


MSC = BUILT_IN["3gpp-msc"]
assert MSC.decoding is not None
LINES = list(decode(MSC.decoding, [(SAMPLES / "3gpp/msc.ber").read_bytes()]))


def without_compiler() -> AbstractContextManager[pytest.MonkeyPatch]:
    """Give a patch under which bmuid was installed without a compiler."""
    return pytest.MonkeyPatch.context()


def agree(
    profile: Profile, lines: Iterable[bytes], source: SourceSettings = LONDON
) -> list[UDR | Reject]:
    """Hold both ways to each other."""
    lines = list(lines)
    alone = [Mediator(profile, source).take(no, line) for no, line in enumerate(lines, 1)]
    mediator = Mediator(profile, source)
    for _ in range(2):
        assert repr(mediator.take_many(lines, 1)) == repr(alone)
    with without_compiler() as patch:
        patch.setattr(module, "compiled", None)
        assert repr(Mediator(profile, source).take_many(lines, 1)) == repr(alone)
    if built() is not None and mediator._plan is not None:
        assert marked(mediator, lines) == mediator.uid_texts(b"\n".join(lines).split(b"\n"))
    return alone


def test_records_of_all_kinds_are_read_alike() -> None:
    """Calls, a part of one, messages, and what nobody is charged for."""
    taken = agree(MSC, LINES)

    assert [type(each).__name__ for each in taken] == [
        *("UDR", "UDR", "UDR", "Reject", "Reject", "UDR", "UDR", "UDR", "Reject"),
    ]
    assert [each.usage_class for each in taken if isinstance(each, UDR)] == ["voice"] * 5 + ["sms"]


@compiled_only
def test_ordinary_calls_are_not_left_to_the_plain_functions() -> None:
    """An exchange's records cost no slow reading, with a national number neither."""
    compiled, mediator = built(), Mediator(MSC, LONDON)
    assert compiled is not None
    assert mediator._plan is not None
    left: list[int] = []

    def take(line_no: int, line: bytes) -> UDR | Reject:
        left.append(line_no)
        return mediator.take(line_no, line)

    nos = tuple(range(len(LINES)))
    compiled.take_some(mediator._plan, tuple(LINES), nos, take, UDR, sha256, addresses())
    # Those that are filtered, whose reasons the plain functions tell.
    assert left == [3, 4, 8]


ODD = [
    *(b"", b"{}", b"{", b"}", b"[]", b"{} ", b" {}", b'{"record"}', b'{"record":"moCallRecord"', b'{"a":1}'),
    *(b'{"!":"broken, at octet 1","octets":"00"}', b'{"#":"no usage"}', b'{"record":"a","record":"b"}', b'{"x":"a","x":"b"}'),
    *(b'{"record":null}', b'{"a":{"b":"c"}}', b'{"a":"b",}', b'{,"a":"b"}', b'{"a":"b" ,"c":"d"}', b'{"a":"\\u00e9"}'),
    *(b'{"a":"\xc3\xa9"}', b'{"a":"\xff"}', b'{"a":"\x01"}', b'{"a":"b""c":"d"}', b'{"a":"b"}{"a":"b"}', b'{"":""}'),
]  # fmt: skip


def test_odd_lines_are_read_alike() -> None:
    """What is no object, or none of plain texts."""
    agree(MSC, [*ODD, *(LINES[0][:-1] + b"," + odd[1:] for odd in ODD if odd[:1] == b"{")])


pieces = st.sampled_from(
    [b'"', b",", b":", b"{", b"}", b"\\", b"\r", b"\0", b" ", b"\xc3\xa9", b"\xff", b"x", b"0", b"+", b";national", b"1e5"]
)  # fmt: skip


@given(
    line=st.sampled_from(LINES),
    edits=st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 9), pieces), max_size=3),
)
@settings(deadline=None, max_examples=400)
def test_lines_that_were_changed_are_read_alike(
    line: bytes, edits: list[tuple[int, int, bytes]]
) -> None:
    """Octets put in or over others, anywhere."""
    for place, length, piece in edits:
        line = line[:place] + piece + line[place + length :]
    agree(MSC, [line, LINES[0], line])


rows = st.dictionaries(
    st.sampled_from([*MSC.fields, "tag4", "servedMSISDN.ton"]) | st.text(max_size=40),
    st.sampled_from(["", "0", "73", "moCallRecord", "moSMSRecord", "447700900123", "+447700900123", "2079460123;national", ";national", "1785744764", "x" * 70])
    | st.text(max_size=9),
    max_size=40,
)  # fmt: skip


@given(row=rows, ascii_only=st.booleans())
@settings(deadline=None, max_examples=400)
def test_any_row_is_read_alike(row: dict[str, str], *, ascii_only: bool) -> None:
    """Any names and texts, escaped or not."""
    whole = json.loads(LINES[0]) | row
    lines = [
        json.dumps(each, ensure_ascii=ascii_only, separators=(",", ":")).encode(errors="replace")
        for each in (row, whole)
    ]
    agree(MSC, lines)


def test_hundreds_of_names_in_a_line() -> None:
    """There is room for them, or the plain functions do it."""
    for count in (200, 255, 256, 257, 600):
        names = {f"name-{number:03}": "x" for number in range(count)}
        whole = json.dumps(json.loads(LINES[0]) | names, separators=(",", ":")).encode()
        agree(MSC, [whole, whole[:-1] + b',"name-007":"y"}', LINES[0]])


def _holds(field: str, *texts: str) -> tuple[Condition, ...]:
    return (Condition(field, Match.IS, texts),)


KINDS = replace(
    MSC,
    decoding=None,
    layout=Delimited(Quoting.DOUBLED, widths=(4,)),
    fields=("kind", "from", "to", "at"),
    identities=(("at", "from"),),
    filters=(),
    uids=(replace(MSC.uids[0], field="from"),),
    times=(),
    quantity="",
    measure=Measure.COUNT,
    origin="from",
    destination="to",
    started=replace(MSC.started, field="at"),
    types=(
        RecordType("one", _holds("kind", "1"), usage_class="first"),
        RecordType("two", _holds("kind", "2"), quantity="at"),
        RecordType("again", _holds("kind", "1", "3")),
    ),
    classes=(
        ClassRule("abroad", _holds("to", "0033199001234")),
        ClassRule("home", (Condition("to", Match.IS_NOT, ("118118",)),)),
    ),
)


def test_types_and_classes_of_delimited_lines_are_read_alike() -> None:
    """The first type that fits, then the first class; one with a class of its own has no other."""
    lines = [
        f"{kind},02079460123,{to},{at}".encode()
        for kind in ("1", "2", "3", "4", "", '"1"', "é")
        for to in ("0033199001234", "02079460124", "118118", "é")
        for at in ("5", "x", "")
    ]
    taken = agree(KINDS, lines)

    assert {each.usage_class for each in taken if isinstance(each, UDR)} == {
        *("first", "abroad", "home", "voice"),
    }


@pytest.mark.parametrize("match", [Match.LIKE, Match.PREFIX, Match.RANGE])
def test_conditions_that_compare_no_texts_are_left_alone(match: Match) -> None:
    """A type that is told by a pattern, a beginning or a range is found as ever."""
    texts = {Match.LIKE: ("[12]",), Match.PREFIX: ("1",), Match.RANGE: ("1", "2")}[match]
    types = (RecordType("one", (Condition("kind", match, texts),), usage_class="first"),)
    lines = [f"{kind},02079460123,118118,5".encode() for kind in ("1", "2", "3", "10", "")]

    agree(replace(KINDS, types=types), lines)


def test_a_type_of_its_own_usage_identifier_is_left_alone() -> None:
    """Whose such a row is can't be told from the field of the others."""
    types = (RecordType("one", _holds("kind", "1"), uids=(replace(MSC.uids[0], field="to"),)),)
    lines = [f"{kind},02079460123,118118,5".encode() for kind in ("1", "2")]

    agree(replace(KINDS, types=types), lines)


@compiled_only
@pytest.mark.parametrize(
    "wrong",
    [
        {"names": ()},
        {"names": ("x",) * len(MSC.fields)},
        {"quoting": 4},
        {"only": (1,)},
        {"only": ((99, True, ()),)},
        {"kinds": (None,)},
        {"kinds": ((),)},
        {"kinds": (1,) * 17},
        {"quantity": -2},
    ],
)
def test_a_plan_of_names_and_kinds_is_looked_at(wrong: dict[str, object]) -> None:
    """A mistake in what is handed over is an exception, never a crash."""
    compiled, mediator = built(), Mediator(MSC, LONDON)
    assert compiled is not None
    assert mediator._plan is not None
    plan: Plan = mediator._plan._replace(**wrong)

    with pytest.raises((ValueError, TypeError, OverflowError)):
        compiled.take_some(plan, (LINES[0],), (1,), mediator.take, UDR, sha256, NOWHERE)


@compiled_only
def test_kinds_of_rows_have_the_same_fields() -> None:
    """Places of one are places of all."""
    compiled, mediator = built(), Mediator(MSC, LONDON)
    assert compiled is not None
    assert mediator._plan is not None
    other = Mediator(KINDS, LONDON)._plan
    assert other is not None
    plan = mediator._plan._replace(kinds=(other,))

    with pytest.raises(ValueError, match="the same fields"):
        compiled.take_some(plan, (LINES[0],), (1,), mediator.take, UDR, sha256, NOWHERE)
