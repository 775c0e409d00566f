"""Lines read by the compiled form: the same to the last octet as by the plain functions, whatever a switch sends."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from hashlib import sha256, sha512
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from marked import marked

from bmu.mediation import (
    BUILT_IN,
    Clock,
    Condition,
    Delimited,
    Filter,
    Form,
    Identifier,
    Instant,
    Match,
    Mediator,
    Profile,
    Quoting,
    Reject,
    SourceSettings,
    faults,
)
from bmu.mediation import mediator as module
from bmu.mediation.digest import NOWHERE, addresses
from bmu.mediation.mediator import MARK, NOT_TOLD
from bmu.mediation.plan import Plan, built
from bmu.mediation.profiles import PLAIN
from bmu.usage import UDR

EXAMPLES = Path(__file__).parents[3] / "examples/usage"
REAL = {
    "asterisk-master-csv": "asterisk/Master-2026-10.csv",
    "freeswitch-cdr-csv": "freeswitch/Master-2026-10.csv",
    "kamailio-acc": "kamailio/acc-recorded.log",
}
LONDON = SourceSettings("pbx", "Europe/London", "44", "0", "00")
SOURCES = (
    LONDON,
    # Half an hour comes twice there; no trunk prefix.
    SourceSettings("lhi", "Australia/Lord_Howe", "61", "", "0011"),
    SourceSettings("né", "America/New_York", "1", "1", "011"),
    SourceSettings("", "UTC", "", "", ""),
    SourceSettings("long" * 300, "UTC", "1", "5" * 17, "00"),
    SourceSettings(
        "gw", "Europe/London", "44", "0", "00", ("1400", "+44Dxx=+44", "+x4x=+", "0xx0=0")
    ),
)
CALLED_MUELLER = (
    '"A1","+447732895526","+442508080792","outbound","""Jörg Müller"" <1>","PJSIP/a-1","PJSIP/b-2",'
    '"Dial","PJSIP/1@b,60,T","2026-08-01 01:03:27","2026-08-01 01:03:36","2026-08-01 01:04:54",87,78,'
    '"ANSWERED","DOCUMENTATION","1785542607.3",""'
).encode()

Outcomes = list[UDR | Reject]
compiled_only = pytest.mark.skipif(built() is None, reason="built without a compiler")


@cache
def real(code: str) -> list[bytes]:
    """Give lines of a real switch: a month with a change of clocks, thinned out but for that night."""
    lines = (EXAMPLES / REAL[code]).read_bytes().split(b"\n")[:-1]
    return [line for n, line in enumerate(lines) if n % 9 == 0 or b"2026-10-25 0" in line]


@contextmanager
def no_compiler() -> Iterator[None]:
    """Be as where bmuid was installed without a compiler."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "compiled", None)
        yield


def keeping(source: SourceSettings, profile: Profile) -> SourceSettings:
    """Give a source of whose records a few fields are kept, one of them twice."""
    fields = profile.fields
    extras = (
        ("last", fields[-1]),
        ("to", profile.destination),
        ("again", fields[-1]),
        ("1", fields[0]),
    )
    return replace(source, extras=extras)


def agree(profile: Profile, source: SourceSettings, lines: list[bytes]) -> Outcomes:
    """Hold all ways of reading lines to each other, each with a mediator that has seen nothing before, and one that has."""
    one_by_one, blocks, compiled = (Mediator(profile, source) for _ in range(3))
    line_nos = list(range(7, 7 + len(lines)))
    alone = [one_by_one.take(line_no, line) for line_no, line in zip(line_nos, lines, strict=True)]
    with no_compiler():
        assert blocks.take_some(lines, line_nos) == alone
    texts = blocks.uid_texts(b"\n".join(lines).split(b"\n") if lines else [])
    for _ in range(2):
        together = compiled.take_some(lines, line_nos)
        assert together == alone
        # Equal is not enough: True is 1.
        assert repr(together) == repr(alone)
    if compiled._plan is not None and built() is not None:
        assert marked(compiled, lines) == texts
    return alone


# Those that the compiled form knows.
QUOTINGS = (Quoting.DOUBLED, Quoting.ALL_BARE, Quoting.NONE)

pieces = st.one_of(
    st.binary(min_size=1, max_size=1),
    st.sampled_from(
        [
            *(
                b'"',
                b",",
                b'","',
                b'""',
                b'"",',
                b"\r",
                b"\n",
                b"\x00",
                b"\xff",
                b"=",
                b"; ",
                b": ",
            ),
            *(
                b"\xc3\xa9",
                b"\xef\xbb\xbf",
                b"\xed\xa0\x80",
                b"+",
                b"(0)",
                b" ",
                b".5",
                b".",
                b"T",
            ),
            *(b"00", b"0044", b"118118", b"1234567890" * 7, b"9" * 15, b"internal", b"ANSWERED"),
            *(b"2026-10-25 01:30:00", b"2026-03-29 01:30:00", b"2026-10-25 01:60:00"),
            *(b"2026-02-30 10:00:00", b"2026-08-03 09:12:44", b"2026-08-03T09:12:44"),
        ]
    ),
)


@st.composite
def mutated(draw: st.DrawFn, code: str) -> bytes:
    """Give a line of a real switch, with some octets changed, put in or gone."""
    line = draw(st.sampled_from(real(code)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(line)))
        gone = draw(st.integers(0, 3))
        line = line[:at] + draw(st.one_of(st.just(b""), pieces)) + line[at + gone :]
    return line + draw(st.sampled_from([b"", b"", b"", b"\r", b"\r\r"]))


@pytest.mark.parametrize("code", sorted(PLAIN))
def test_real_lines_are_read_alike(code: str) -> None:
    """A month of real calls, the night of the clock change with it, is the same usage with a compiler and without."""
    taken = agree(BUILT_IN[code], LONDON, real(code))
    assert sum(isinstance(each, UDR) for each in taken) > len(taken) / 2


@settings(deadline=None, max_examples=300)
@given(st.data(), st.sampled_from(sorted(PLAIN)), st.sampled_from(SOURCES))
def test_tampered_lines_are_read_alike(
    data: st.DataObject, code: str, source: SourceSettings
) -> None:
    """A line broken anywhere becomes the same UDR, or is refused in the same words, with a compiler and without."""
    profile = BUILT_IN[code]
    source = keeping(source, profile) if data.draw(st.booleans()) else source
    agree(profile, source, data.draw(st.lists(mutated(code), min_size=1, max_size=8)))


@settings(deadline=None)
@given(st.sampled_from(sorted(PLAIN)), st.lists(st.binary(max_size=60), max_size=8))
def test_any_octets_are_read_alike(code: str, lines: list[bytes]) -> None:
    """Octets that never were a line are refused in the same words with a compiler and without."""
    agree(BUILT_IN[code], LONDON, lines)


# What stands at an edge of some rule, for any field.
NUMBERS = (
    *("02079460123", "+442079460123", "00442079460123", "0033199001234", "118118", "101", "201"),
    *("0", "00", "+", "++1", "1", "44", "441", "00123", "0012345", "001234", "012345", "01234"),
    *("123456", "1234567", "+123456", "+12345", "0612345", "001112345", "00111234", "01112345"),
    *("15550", "112345", "011123", "9" * 64, "9" * 65, "+" + "9" * 64, "+" + "9" * 65, "0" * 64),
    *("020 7946-0123", "anonymous", "*67", "x" * 64, "x" * 65, "é" * 64, "\x7f", "a~", "٣٤٥", ""),
    *("140002079460123", "1400", "14001234", "140012345", "+44D122079460123", "+14412345", "0330"),
    *("033012345", "02079460123x12", "02079460123;rn=1", "101#", "1400101#", "0330123456#7"),
    *("(0)1", "+1.5", "a\tb", "a\x00b", 'a"b', 'a""b', "a,b", 'a","b', "a\rb", "a\nb", "\r", " 1"),
)
TIMES = (
    *("2026-08-03 09:12:44", "2026-08-03T09:12:44", "2026-08-03 09:59:59", "2026-08-03 09:60:00"),
    *("2026-08-03 09:00:60", "2026-08-03 09:0a:00", "2026-08-03 09:00:0a", "2026-08-03 09:00.00"),
    *("2026-08-03 09-00:00", "2026-08-03 09:00:000", "2026-08-03 09:00:0", "2026-08-03 24:00:00"),
    *("2026-03-29 01:30:00", "2026-03-29 00:30:00", "2026-10-25 01:30:00", "2026-04-05 01:45:00"),
    *("2026-11-01 01:30:00", "2026-03-08 02:30:00", "2026-06-31 00:00:00", "2026-02-29 00:00:00"),
    *(
        "2026-08-03",
        "never",
        "0000-01-01 00:00:00",
        "9999-12-31 23:59:59",
        "2026-08-03 09:12:44.5",
    ),
    *("1795254062", "1795254062.7", "1795254062.123456789", "1795254062.1234567890"),
    *(
        "99999999999.999999",
        "999999999999",
        "1795254062.",
        ".7",
        "1.7.2",
        "1,7",
        "-1",
        "+1",
        "1e3",
    ),
)
QUANTITIES = (
    *("73", "0", "00", "007", "9" * 15, "9" * 16, "1" + "0" * 14, "1.0", "1.000000000"),
    *(
        "1.000000001",
        "1.0000000001",
        "9" * 15 + ".9",
        "9" * 16 + ".9",
        "1.",
        ".5",
        "٣",
        "1_0",
        "1 ",
    ),
)
TEXTS = (
    "F",
    "T1",
    "é",
    "x" * 1100,
    "x" * 256,
    "x" * 257,
    "~\x7f",
    "0.05",
    "\ufeff",
    "€",
    "internal",
    "A-1",
)
EDGES = sorted({*NUMBERS, *TIMES, *QUANTITIES, *TEXTS})

numbers = st.sampled_from(NUMBERS)
times = st.one_of(
    st.datetimes().map(lambda at: f"{at:%Y-%m-%d %H:%M:%S}"),
    st.from_regex(r"[0-9]{1,12}(\.[0-9]{0,10})?", fullmatch=True),
    st.sampled_from(TIMES),
)
quantities = st.one_of(st.integers(0, 10**16).map(str), st.sampled_from(QUANTITIES))
texts = st.one_of(st.sampled_from(EDGES), st.text('a;",|é€F\x00', max_size=9))

INVENTED = Profile(
    code="invented",
    name="A made-up switch",
    encoding="utf-8",
    layout=Delimited(Quoting.DOUBLED, widths=(8, 9)),
    fields=("id", "account", "from", "to", "at", "until", "seconds", "kind", "note"),
    filters=(
        Filter(
            "test call",
            (Condition("kind", Match.LIKE, ("T.*",)), Condition("to", Match.IS, ("101", "é"))),
        ),
        Filter("not final", (Condition("kind", Match.IS_NOT, ("F", "é", "")),)),
        Filter(
            "abroad", (Condition("to", Match.IS, ("1",)), Condition("from", Match.IS_NOT, ("",)))
        ),
    ),
    identities=(("id", "kind"), ("at", "from")),
    uids=(Identifier("account", "account", Form.TEXT), Identifier("phone", "from", Form.NUMBER)),
    usage_class="voice",
    started=Instant("at", Clock.LOCAL, not_before="id"),
    times=("until",),
    quantity="seconds",
    origin="from",
    destination="to",
)
MORE_FILTERS = (
    Filter("long", (Condition("seconds", Match.RANGE, ("3600", "")),)),
    Filter("service", (Condition("to", Match.PREFIX, ("1", "00800")),)),
)
UIDS = (INVENTED.uids, INVENTED.uids[1:], INVENTED.uids[:1])
WRITTEN = "%d.%m.%Y %H:%M:%S"
CLOCKS = (Clock.EPOCH, Clock.LOCAL, Clock.WRITTEN)


def instant(clock: Clock) -> Instant:
    """Give how times are written by a clock."""
    return Instant("at", clock, "id", WRITTEN if clock is Clock.WRITTEN else "")


profiles = st.builds(
    lambda encoding, layout, clock, uids, filters: replace(
        INVENTED,
        encoding=encoding,
        layout=layout,
        started=instant(clock),
        uids=uids,
        filters=filters,
    ),
    st.sampled_from(
        ["utf-8", "UTF8", "latin-1", "cp1252", "ascii", "utf-8-sig", "mac-roman", "koi8-r"]
    ),
    st.builds(
        Delimited,
        st.sampled_from(QUOTINGS),
        st.just((8, 9)),
        st.sampled_from([",", ";", "|", "\t", "1", "^", "]", "-", "\\", "é"]),
        skipped=st.sampled_from([0, 0, 8]),
        comment=st.sampled_from(["", "", "17", '"1']),
    ),
    st.sampled_from(CLOCKS),
    st.sampled_from(UIDS),
    st.sampled_from([INVENTED.filters, INVENTED.filters[2:], MORE_FILTERS, ()]),
).filter(lambda profile: not faults(profile))


LINE = ("1795254062.7", "A7", "02079460123", "0033199001234", "", "", "73", "F", "a note")
AT = {
    Clock.EPOCH: "1795254062.747",
    Clock.LOCAL: "2026-08-03 09:12:44",
    Clock.WRITTEN: "03.08.2026 09:12:44",
}
KINDS_OF_FIELDS = (texts, texts, numbers, numbers, times, times, quantities, texts, texts)


def good_fields(profile: Profile) -> list[str]:
    """Give the fields of a line that nothing odd is about."""
    at = AT[profile.started.clock]
    return [*LINE[:4], at, at, *LINE[6:]]


def line_of(profile: Profile, fields: list[str], quote: Callable[[str], bool]) -> str:
    """Write fields as the switch does, those in quotes that need not be so as is asked."""
    layout = profile.layout
    assert isinstance(layout, Delimited)
    if layout.quoting is Quoting.ALL_BARE:
        return '"' + f'"{layout.delimiter}"'.join(fields) + '"'
    if layout.quoting is Quoting.NONE:
        return layout.delimiter.join(fields)
    doubled = [f'"{each.replace(chr(34), chr(34) * 2)}"' for each in fields]
    return layout.delimiter.join(
        quoted if quote(plain) else plain for quoted, plain in zip(doubled, fields, strict=True)
    )


QUOTE: list[Callable[[str], bool]] = [
    lambda _text: True,
    lambda _text: False,
    lambda text: bool({*text} & {*'",;|\t1^]-\\\r\né'}),
]


@st.composite
def written(draw: st.DrawFn, profile: Profile) -> bytes:
    """Give a line with a few fields of any kind, ended early at times, in the encoding or in another."""
    fields = good_fields(profile)
    for place in draw(st.sets(st.integers(0, 8), max_size=2)):
        fields[place] = draw(KINDS_OF_FIELDS[place])
    fields = fields[: draw(st.sampled_from([9, 9, 8, 8, 7]))]
    line = line_of(profile, fields, draw(st.sampled_from(QUOTE)))
    end = draw(st.sampled_from([b"", b"", b"\r"]))
    return line.encode(draw(st.sampled_from([profile.encoding, "utf-8"])), "replace") + end


@settings(deadline=None, max_examples=300)
@given(st.data(), profiles, st.sampled_from(SOURCES))
def test_lines_of_invented_switches_are_read_alike(
    data: st.DataObject, profile: Profile, source: SourceSettings
) -> None:
    """Delimiters, quotes, encodings, clocks and number rules of any switch mean the same with a compiler and without."""
    source = keeping(source, profile) if data.draw(st.booleans()) else source
    agree(profile, source, data.draw(st.lists(written(profile), min_size=1, max_size=8)))


@pytest.mark.parametrize(
    ("quoting", "clock", "uids"),
    [
        *product((Quoting.DOUBLED, Quoting.ALL_BARE), (Clock.EPOCH, Clock.LOCAL), UIDS),
        (Quoting.NONE, Clock.LOCAL, UIDS[0]),
        (Quoting.DOUBLED, Clock.WRITTEN, UIDS[1]),
    ],
)
def test_each_oddity_in_each_field_is_read_alike(
    quoting: Quoting, clock: Clock, uids: tuple[Identifier, ...]
) -> None:
    """The longest allowed and one longer, the last minute of an hour and one after it: told apart by both alike."""
    profile = replace(
        INVENTED,
        layout=Delimited(quoting, (8, 9)),
        started=instant(clock),
        uids=uids,
    )
    good = good_fields(profile)
    lines = [line_of(profile, good, quote).encode() for quote in QUOTE]
    for place in range(9):
        for text in EDGES:
            fields = [*good[:place], text, *good[place + 1 :]]
            if place > 1 and len(uids) > 1:
                fields[1] = ""  # no account: then it is the telephone's
            lines += {line_of(profile, fields, quote).encode() for quote in QUOTE}
    for line in lines[:3]:
        lines += [line[:at] for at in range(len(line))]
        lines += [
            line[:at] + each + line[at + gone :]
            for at in range(len(line) + 1)
            for each in (b"\r", b'"', b",", b"\n")
            for gone in (0, 1)
        ]
    for source in (*SOURCES[:3], SOURCES[-1], keeping(LONDON, profile)):
        taken = agree(profile, source, lines)
        assert sum(isinstance(each, UDR) for each in taken) > len(taken) / 4


@compiled_only
@pytest.mark.parametrize("field", INVENTED.fields)
@pytest.mark.parametrize("quoting", QUOTINGS)
def test_a_glance_at_any_field_is_the_same(quoting: Quoting, field: str) -> None:
    """Whichever field says whose a line is, each worker with a compiler and each without leave it to the same one."""
    profile = replace(
        INVENTED,
        layout=Delimited(quoting, (9,)),
        uids=(Identifier("account", field, Form.TEXT),),
    )
    good = good_fields(profile)
    whole = [line_of(profile, good, quote).encode() for quote in QUOTE]
    lines = [line[:at] for line in whole for at in range(len(line) + 1)]
    lines += [
        line[:at] + each + line[at + gone :]
        for line in whole
        for at in range(len(line) + 1)
        for each in (b"\r", b'"', b",", b'","', b"\n", b"\xff")
        for gone in (0, 1)
    ]
    lines += [line + b"\r" for line in lines]
    mediator = Mediator(profile, LONDON)
    told = marked(mediator, lines)
    assert told == mediator.uid_texts(b"\n".join(lines).split(b"\n"))
    assert good[INVENTED.fields.index(field)].encode() in told


def left_over(mediator: Mediator, lines: list[bytes]) -> list[bytes]:
    """Give the lines that the compiled form leaves to the plain functions."""
    compiled = built()
    assert compiled is not None
    assert mediator._plan is not None
    left: list[bytes] = []

    def take(line_no: int, line: bytes) -> UDR | Reject:
        left.append(line)
        return mediator.take(line_no, line)

    numbers_of_lines = tuple(range(len(lines)))
    compiled.take_some(
        mediator._plan, tuple(lines), numbers_of_lines, take, UDR, sha256, addresses()
    )
    return left


@compiled_only
@pytest.mark.parametrize("code", ["asterisk-master-csv", "freeswitch-cdr-csv"])
def test_ordinary_calls_are_read_by_the_compiled_form(code: str) -> None:
    """A customer's answered call outside the odd hours costs no slow reading, once its hour was seen."""
    profile, lines = BUILT_IN[code], real(code)
    source = keeping(LONDON, profile)
    mediator = Mediator(profile, replace(source, extras=source.extras[:3]))
    calls = [
        line
        for line in lines
        if isinstance(mediator.take(1, line), UDR) and b"2026-10-25 01:" not in line
    ]
    calls += [CALLED_MUELLER, CALLED_MUELLER + b"\r"] if "asterisk" in code else []
    mediator.take_many(calls, 1)
    left = left_over(mediator, calls)
    # A number with spaces in it, and the like.
    assert len(left) < len(calls) / 100


@compiled_only
def test_a_name_in_any_script_takes_no_longer() -> None:
    """Customers called Müller are not served more slowly, and octets that are no text are still refused."""
    mediator = Mediator(BUILT_IN["asterisk-master-csv"], LONDON)
    mediator.take(1, CALLED_MUELLER)
    broken = CALLED_MUELLER.replace("ü".encode(), b"\xc3")
    assert left_over(mediator, [CALLED_MUELLER, broken, CALLED_MUELLER + b"\r"]) == [broken]


def test_without_a_compiler_the_plain_functions_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bmuid could not be compiled it reads the same, more slowly, and says nothing of it."""
    code = "asterisk-master-csv"
    lines = real(code)
    expected = Mediator(BUILT_IN[code], LONDON).take_many(lines, 1)
    monkeypatch.setitem(sys.modules, "bmu.mediation._batch", None)
    assert built() is None
    monkeypatch.setattr(module, "compiled", built())
    mediator = Mediator(BUILT_IN[code], LONDON)
    assert mediator.take_many(lines, 1) == expected
    assert [text is not None for text in mediator.uid_texts(lines)].count(True) > len(lines) / 2


junk = st.one_of(
    st.none(),
    st.integers(),
    st.sampled_from([-1, 0, 63, 64, 2**63, 1.5, "", "x", b"", b"x" * 17, (), (None,), ((),), {}]),
    st.recursive(
        st.one_of(st.integers(-1, 70), st.booleans(), st.binary(max_size=2)),
        lambda inner: st.lists(inner, max_size=3).map(tuple),
    ),
)


@compiled_only
@settings(deadline=None, max_examples=400)
@given(st.integers(0, len(Plan._fields) - 1), junk)
@example(0, True)
def test_a_plan_is_looked_at_before_it_is_used(at: int, value: object) -> None:
    """A mistake in what is handed to the compiled form is an exception, never a crash."""
    compiled = built()
    assert compiled is not None
    mediator = Mediator(BUILT_IN["asterisk-master-csv"], LONDON)
    assert mediator.take(0, CALLED_MUELLER)
    plan = mediator._plan
    assert plan is not None
    wrong = Plan._make([*plan[:at], value, *plan[at + 1 :]])
    refused = (ValueError, TypeError, OverflowError)
    lines = (CALLED_MUELLER, b"", *real("asterisk-master-csv")[:3])
    try:
        taken = compiled.take_some(
            wrong, lines, (0, 1, 2, 3, 4), mediator.take, UDR, sha256, NOWHERE
        )
        octets = bytearray(b"".join(line + b"\n" for line in lines))
        marks, _ = compiled.marks(wrong, octets, len(octets), 99, 99, True)
        assert len(taken) == len(marks) // MARK.size == len(lines)
    except refused:
        # Whose a line is does not hang on what kind it is of.
        if Plan._fields[at] != "kinds":
            with pytest.raises(refused):
                compiled.marks(wrong, bytearray(), 0, 99, 99, True)


@compiled_only
@given(
    st.binary(max_size=60).map(lambda text: text.replace(b"x", b"\n")),
    st.integers(0, 60),
    st.integers(0, 6),
    st.integers(0, 20),
)
def test_lines_are_found_where_they_lie(
    octets: bytes, end: int, lines_max: int, longest: int
) -> None:
    """Each whole line of the octets that count, no more than are asked for, the long ones as if they were cut there."""
    mediator = Mediator(BUILT_IN["asterisk-master-csv"], LONDON)
    end = min(end, len(octets))
    *lines, _ = octets[:end].split(b"\n")
    lines = lines[:lines_max]
    cut = [line[:longest] for line in lines]

    found = mediator.marks(bytearray(octets), end, lines_max, longest)

    assert found is not None
    each = list(MARK.iter_unpack(found[0]))
    assert [octets[at:stop] for at, stop, _, _ in each] == cut
    texts = [None if text == NOT_TOLD else octets[text:stop] for _, _, text, stop in each]
    assert texts == mediator.uid_texts(cut)
    assert found[1] == sum(map(len, lines)) + len(lines)


@compiled_only
def test_marks_of_no_such_octets_are_refused() -> None:
    """Nothing beyond the octets is looked at."""
    mediator = Mediator(BUILT_IN["asterisk-master-csv"], LONDON)
    for end, longest in ((4, 9), (-1, 9), (3, -1)):
        with pytest.raises(ValueError, match="no such octets"):
            mediator.marks(bytearray(b"abc"), end, 9, longest)


class NoHashError(Exception):
    """What a hash raises here."""


def no_hash(_octets: bytes) -> object:
    """Fail."""
    raise NoHashError


@compiled_only
@pytest.mark.parametrize(
    ("lines", "hashed", "expected"),
    [
        ((CALLED_MUELLER, CALLED_MUELLER), sha256, ValueError),
        ((CALLED_MUELLER,), no_hash, NoHashError),
        ((CALLED_MUELLER,), lambda _octets: None, AttributeError),
        ((CALLED_MUELLER,), sha512, ValueError),
        ((b"",), sha256, ZeroDivisionError),
    ],
)
def test_what_goes_wrong_beneath_is_passed_on(
    lines: tuple[bytes, ...], hashed: Callable[[bytes], object], expected: type[Exception]
) -> None:
    """An exception of a function that the compiled form calls is the caller's to see."""
    compiled = built()
    assert compiled is not None
    mediator = Mediator(BUILT_IN["asterisk-master-csv"], LONDON)
    mediator.take(0, CALLED_MUELLER)
    assert mediator._plan is not None

    def take(line_no: int, _line: bytes) -> UDR | Reject:
        raise ZeroDivisionError(line_no)

    with pytest.raises(expected):
        compiled.take_some(mediator._plan, lines, (1,), take, UDR, hashed, NOWHERE)
