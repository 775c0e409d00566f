"""Fields made of others: each transform in a clerk's words, and what becomes of a row that does not fit."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmu.mediation import Mediator, Profile, Reason, Reject, SourceSettings, faults, profile_of
from bmu.usage import UDR

LONDON = SourceSettings("pbx", "Europe/London", "44", "0", "00", ("1400",))
BASE = """
code = "rows"
name = "Rows of an invented switch"
encoding = "utf-8"
fields = ["id", "who", "at", "a", "b"]
identities = [["id"]]
usage_class = "voice"
measure = "COUNT"
layout = { kind = "JSON_LINE" }
uid = [{ type = "account", field = "who", form = "TEXT" }]
started = { field = "at", clock = "EPOCH" }
[table.cause]
16 = "answered"
"" = "nothing"
[table.prefix]
44 = "home"
447 = "mobile"
"""


def profile(text: str) -> Profile:
    """Read a document without faults."""
    found = profile_of(BASE + text)
    assert isinstance(found, Profile), found
    return found


def derived(step: str, a: str, b: str = "") -> str | Reject:
    """Give what a derived field becomes in a row."""
    made = profile(f'[[derived]]\nfield = "x"\n{step}\n')
    row = {"id": "1", "who": "A1", "at": "1785571205", "a": a, "b": b}
    found = Mediator(made, LONDON).row(1, json.dumps(row).encode())
    return found if isinstance(found, Reject) else found.get("x", "")


TIME = 'make = "TIME"\nat = {{ field = "a", clock = "WRITTEN", written = "{}"{} }}'


@pytest.mark.parametrize(
    ("step", "a", "b", "expected"),
    [
        ('make = "TRIM"\nof = "a"', "  x y\t", "", "x y"),
        ('make = "TRIM"\nof = "a"\ncharacters = "<>"', "<x>", "", "x"),
        ('make = "CASE"\nof = "a"\nletters = "UPPER"', "abC", "", "ABC"),
        ('make = "CASE"\nof = "a"\nletters = "LOWER"', "ABc", "", "abc"),
        ('make = "CASE"\nof = "a"\nletters = "TITLE"', "jane doe", "", "Jane Doe"),
        ('make = "SUBSTITUTE"\nof = "a"\ntext = ","\nwith = "."', "1,5,0", "", "1.5.0"),
        ('make = "SUBSTITUTE"\nof = "a"\ntext = "-"\nwith = ""', "020-7946", "", "0207946"),
        ('make = "EXTRACT"\nof = "a"\npattern = "sip:(.*)@.*"', "sip:7@h", "", "7"),
        (
            'make = "EXTRACT"\nof = "a"\npattern = "(.*)-(.*)"\ntemplate = "{2}/{1}!{0}"',
            "x-y",
            "",
            "y/x!x-y",
        ),
        ('make = "EXTRACT"\nof = "a"\npattern = "(x)"\ndefault = "{a}"', "y", "", "y"),
        ('make = "EXTRACT"\nof = "a"\npattern = "(x)"\ndefault = ""', "y", "", ""),
        ('make = "LOOKUP"\nof = "a"\ntable = "cause"', "16", "", "answered"),
        ('make = "LOOKUP"\nof = "a"\ntable = "cause"', "", "", "nothing"),
        (
            'make = "LOOKUP"\nof = "a"\ntable = "cause"\ndefault = "cause {a}"',
            "17",
            "",
            "cause 17",
        ),
        ('make = "LOOKUP"\nof = "a"\ntable = "prefix"\nfit = "PREFIX"', "4479", "", "mobile"),
        ('make = "LOOKUP"\nof = "a"\ntable = "prefix"\nfit = "PREFIX"', "4420", "", "home"),
        ('make = "COMBINE"\ntemplate = "{a}-{b}%s"', "1", "2", "1-2%s"),
        ('make = "COMBINE"\ntemplate = "{{{a}}}"', "1", "", "{1}"),
        ('make = "COMBINE"\ntemplate = "always"', "", "", "always"),
        ('make = "FIRST_OF"\nfields = ["a", "b"]', "", "2", "2"),
        ('make = "FIRST_OF"\nfields = ["a", "b"]', "1", "2", "1"),
        ('make = "FIRST_OF"\nfields = ["a", "b"]', "", "", ""),
        ('make = "NORMALISE"\nof = "a"', "020 7946 0123", "", "442079460123"),
        ('make = "NORMALISE"\nof = "a"\nform = "CALLED"', "140002079460123", "", "442079460123"),
        ('make = "NORMALISE"\nof = "a"\nform = "CALLED"', "101", "", "44101"),
        ('make = "NORMALISE"\nof = "a"', "", "", ""),
        ('make = "FORMULA"\ntext = "{a} + {b}"', "4294967295", "1", "4294967296"),
        ('make = "FORMULA"\ntext = "{a} + {b} * 2"', "1", "3", "7"),
        ('make = "FORMULA"\ntext = "({a} + {b}) * 2"', "1", "3", "8"),
        ('make = "FORMULA"\ntext = "-{a} - -2"', "1", "", "1"),
        ('make = "FORMULA"\ntext = "{a} / 1024"', "512", "", "1"),
        ('make = "FORMULA"\ntext = "{a} / 1024"\nrounding = "DOWN"', "1023", "", "0"),
        ('make = "FORMULA"\ntext = "{a} / 1024"\nrounding = "UP"', "1025", "", "2"),
        ('make = "FORMULA"\ntext = "{a} / 1024"\nrounding = "UP"', "1024", "", "1"),
        ('make = "FORMULA"\ntext = "0 - {a} / 2"', "1", "", "-1"),
        ('make = "FORMULA"\ntext = "0 - {a} / 2"\nrounding = "DOWN"', "1", "", "0"),
        ('make = "FORMULA"\ntext = "{a} / 3"\ndecimals = 3', "1", "", "0.333"),
        ('make = "FORMULA"\ntext = "{a} * 0.1"\ndecimals = 2', "0.3", "", "0.03"),
        ('make = "FORMULA"\ntext = "{a} + {b}"\nempty = "0"', "5", "", "5"),
        (TIME.format("%d/%m/%Y %H:%M:%S", ""), "01/08/2026 09:00:05", "", "1785571205"),
        (TIME.format("%m/%d/%y %I:%M:%S %p", ""), "8/1/26 9:00:05 am", "", "1785571205"),
        (
            TIME.format("%d.%m.%Y %H:%M", ', zone = "Europe/Berlin"'),
            "01.08.2026 10:00",
            "",
            "1785571200",
        ),
        (TIME.format("%FT%T.%f%z", ""), "2026-08-01T13:30:05.25+05:30", "", "1785571205.25"),
        (TIME.format("%F %T %Z", ""), "2026-08-01 17:00:05 Asia/Tokyo", "", "1785571205"),
        (TIME.format("%a %b %e %H:%M:%S %Y", ""), "Sat Aug  1 09:00:05 2026", "", "1785571205"),
        (TIME.format("%d %B %Y", ""), "1 August 2026", "", "1785538800"),
        (
            TIME.format("%F", ', time_field = "b"').replace("%F", "%F %T"),
            "2026-08-01",
            "09:00:05",
            "1785571205",
        ),
        (TIME.format("%F %T", ', zone_field = "b"'), "2026-08-01 10:00:05", "+0200", "1785571205"),
        (TIME.format("%F %T", ', zone_field = "b"'), "2026-08-01 08:00:05", "Z", "1785571205"),
        (TIME.format("%F %T", ', zone_field = "b"'), "2026-08-01 09:00:05", "", "1785571205"),
        (
            TIME.format("%F %T", ', not_before = "b"'),
            "2026-10-25 01:30:00",
            "1792891800",
            "1792891800",
        ),
        (TIME.format("%F %T", ""), "2026-10-25 01:30:00", "", "1792888200"),
        (TIME.format("%F %T", ""), "1969-12-31 23:59:59", "", "-3601"),
        (TIME.format("%F %T", ""), "", "", ""),
        (
            'make = "TIME"\nat = { field = "a", clock = "EPOCH_MS" }',
            "1785571205250",
            "",
            "1785571205.25",
        ),
        (
            'make = "TIME"\nat = { field = "a", clock = "EPOCH_US" }',
            "1785571205000001",
            "",
            "1785571205.000001",
        ),
        (
            'make = "TIME"\nat = { field = "a", clock = "LOCAL" }',
            "2026-08-01 09:00:05",
            "",
            "1785571205",
        ),
        ('make = "TRIM"\nof = "a"\nwhen = [{ field = "b", is = ["1"] }]', " x ", "1", "x"),
        ('make = "TRIM"\nof = "a"\nwhen = [{ field = "b", is = ["1"] }]', " x ", "2", ""),
        (
            'make = "TRIM"\nof = "a"\nwhen = [{ field = "b", from = "2", to = "3.5" }]',
            "x",
            "3.5",
            "x",
        ),
        (
            'make = "TRIM"\nof = "a"\nwhen = [{ field = "b", from = "2", to = "3.5" }]',
            "x",
            "3.51",
            "",
        ),
        ('make = "TRIM"\nof = "a"\nwhen = [{ field = "b", to = "3" }]', "x", "few", ""),
        ('make = "TRIM"\nof = "a"\nwhen = [{ field = "b", prefix = ["4", "5"] }]', "x", "51", "x"),
        ('make = "TRIM"\nof = "a"\nwhen = [{ field = "b", like = "[a-c]+" }]', "x", "abc", "x"),
        ('make = "TRIM"\nof = "a"\nwhen = [{ field = "b", empty = true }]', "x", "", "x"),
        ('make = "TRIM"\nof = "a"\nwhen = [{ field = "b", empty = false }]', "x", "", ""),
    ],
)
def test_a_field_is_made_of_others(step: str, a: str, b: str, expected: str) -> None:
    """As docs/mediation.md says it."""
    assert derived(step, a, b) == expected


@pytest.mark.parametrize(
    ("step", "a", "reason", "words"),
    [
        (
            'make = "EXTRACT"\nof = "a"\npattern = "(x+)"',
            "y",
            Reason.BAD_FIELD,
            "a is 'y'; expected one like (x+)",
        ),
        (
            'make = "LOOKUP"\nof = "a"\ntable = "cause"',
            "17",
            Reason.BAD_FIELD,
            "not in the table cause",
        ),
        (
            'make = "FORMULA"\ntext = "{a} * 2"',
            "",
            Reason.MISSING_FIELD,
            "a is empty; expected a figure",
        ),
        (
            'make = "FORMULA"\ntext = "{a} * 2"',
            "1e5",
            Reason.BAD_FIELD,
            "a is '1e5'; expected a figure",
        ),
        ('make = "FORMULA"\ntext = "{a} * 2"', "٣", Reason.BAD_FIELD, "expected a figure"),
        ('make = "FORMULA"\ntext = "1 / {a}"', "0", Reason.BAD_FIELD, "divides by nothing"),
        (
            'make = "FORMULA"\ntext = "{a} * {a}"',
            "9" * 30,
            Reason.BAD_FIELD,
            "more than 30 digits",
        ),
        (TIME.format("%d/%m/%Y", ""), "32/01/2026", Reason.BAD_TIME, "a: '32/01/2026'"),
        (
            TIME.format("%d/%m/%Y", ""),
            "2026-01-01",
            Reason.BAD_TIME,
            "expected one written %d/%m/%Y",
        ),
        (TIME.format("%F %T", ""), "2026-03-29 01:30:00", Reason.BAD_TIME, "went forward over it"),
        (TIME.format("%F %I %p", ""), "2026-03-29 13 PM", Reason.BAD_TIME, "no time"),
        (
            TIME.format("%F %T %Z", ""),
            "2026-08-01 17:00:05 Mars",
            Reason.BAD_TIME,
            "'Mars' is no time zone",
        ),
        (
            TIME.format("%F %T%z", ""),
            "2026-08-01 17:00:05+99:00",
            Reason.BAD_TIME,
            "'+99:00' is no time zone",
        ),
        ('make = "NORMALISE"\nof = "a"', "\x07", Reason.BAD_NUMBER, "is no number"),
    ],
)
def test_a_row_that_does_not_fit_is_rejected_with_what_was_expected(
    step: str, a: str, reason: Reason, words: str
) -> None:
    """Nothing is guessed where a profile has no default."""
    found = derived(step, a)
    assert isinstance(found, Reject)
    assert found.reason is reason
    assert words in found.detail


def test_texts_do_not_grow_without_bound() -> None:
    """Fields made of fields made of fields end at a length that no record has."""
    step = '[[derived]]\nfield = "x{}"\nmake = "COMBINE"\ntemplate = "{}"\n'
    steps = "".join(step.format(n + 1, f"{{x{n}}}" * 40) for n in range(5))
    made = profile('[[derived]]\nfield = "x0"\nmake = "TRIM"\nof = "a"\n' + steps)
    found = Mediator(made, LONDON).take(1, b'{"id":"1","who":"A","at":"1","a":"xxxxxxxxxx"}')
    assert isinstance(found, Reject)
    assert "at most 10,000 are made" in found.detail


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ('make = "TRIM"\nof = "z"', "derived[1].of: no field is called 'z'"),
        ('make = "TRIM"\nof = "x"', "derived[1].of: no field is called 'x'"),
        ('make = "EXTRACT"\nof = "a"\npattern = "("', "derived[1].pattern: at character 2"),
        (
            'make = "EXTRACT"\nof = "a"\npattern = "(a)"\ntemplate = "{2}"',
            "derived[1].template: there is no group {2}; the pattern has 1",
        ),
        (
            'make = "EXTRACT"\nof = "a"\npattern = "(a)"\ndefault = "{z}"',
            "derived[1].default: no field is called 'z'",
        ),
        ('make = "LOOKUP"\nof = "a"\ntable = "tax"', "derived[1].table: there is no [table.tax]"),
        (
            'make = "COMBINE"\ntemplate = "{a"',
            "derived[1].template: a { by itself; write {{ for the sign",
        ),
        (
            'make = "FORMULA"\ntext = "{a} +"',
            "derived[1].text: expected a figure, a field in braces or ( at its end",
        ),
        ('make = "FORMULA"\ntext = "{a} {b}"', "derived[1].text: expected + - * / before"),
        ('make = "FORMULA"\ntext = "({a}"', "derived[1].text: a ( without its )"),
        ('make = "FORMULA"\ntext = "a"', "derived[1].text: not understood from 'a' on"),
        ('make = "FORMULA"\ntext = "{z}"', "derived[1].text: no field is called 'z'"),
        (f'make = "FORMULA"\ntext = "{"(" * 40}1{")" * 40}"', "derived[1].text: nested too deep"),
        ('make = "FORMULA"\ntext = "1"\ndecimals = 16', "derived[1].decimals: must be 0 to 15"),
        ('make = "FORMULA"\ntext = "1"\nempty = "none"', "derived[1].empty: must be a figure"),
        ('make = "FIRST_OF"\nfields = []', "derived[1].fields: needs a field"),
        (
            'make = "SUBSTITUTE"\nof = "a"\ntext = ""\nwith = "x"',
            "derived[1].text: must be 1 to 200",
        ),
        (TIME.format("%d/%m", ""), "derived[1].at.written: has no directive for a year"),
        (TIME.format("%F %d", ""), "derived[1].at.written: says something twice"),
        (TIME.format("%F %Q", ""), "derived[1].at.written: %Q is no directive"),
        (TIME.format("%F %I", ""), "derived[1].at.written: %I, an hour up to 12, needs %p"),
        (TIME.format("%F", ', zone = "Mars"'), "derived[1].at.zone: not a time zone"),
        (
            'make = "TIME"\nat = { field = "a", clock = "EPOCH", zone = "UTC" }',
            "derived[1].at.zone: seconds since 1970 have no",
        ),
        (
            'make = "TIME"\nat = { field = "a", clock = "LOCAL", written = "%F" }',
            "derived[1].at: written, time_field and zone_field are for",
        ),
        (
            'make = "TRIM"\nof = "a"\nwhen = [{ field = "b", from = "9", to = "1" }]',
            "derived[1].when[1]: ends before it begins",
        ),
        (
            'make = "TRIM"\nof = "a"\nwhen = [{ field = "b", from = "x" }]',
            "derived[1].when[1]: from and to must be figures",
        ),
        (
            'make = "TRIM"\nof = "a"\nwhen = [{ field = "z", is = [] }]',
            "derived[1].when[1]: asks for none",
        ),
    ],
)
def test_what_is_wrong_with_a_derived_field_is_said_with_its_place(step: str, words: str) -> None:
    """Before a line is read."""
    found = profile_of(f'{BASE}[[derived]]\nfield = "x"\n{step}\n')
    assert isinstance(found, tuple)
    assert any(fault.startswith(words) for fault in found), found


TYPES = """
filter = [
  { name = "test", when = [{ field = "a", is = ["T"] }] },
  { name = "free", when = [{ field = "kind", is = ["free"] }] },
]
[[derived]]
field = "kind"
make = "COMBINE"
template = "{a}"
[[type]]
name = "incoming"
when = [{ field = "kind", prefix = ["in"] }]
uid = [{ type = "phone", field = "peer", form = "CALLED" }]
derived = [{ field = "peer", make = "COMBINE", template = "0{b}" }, { field = "kind", make = "COMBINE", template = "free", when = [{ field = "b", empty = true }] }]
[[type]]
name = "data"
when = [{ field = "kind", is = ["data"] }]
quantity = "b"
measure = "KB"
usage_class = "data"
[[class]]
usage_class = "premium"
when = [{ field = "b", prefix = ["9"] }]
"""


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("out", "1", ("account", "A1", "voice", 1)),
        ("out", "99", ("account", "A1", "premium", 1)),
        ("in", "2079460123", ("phone", "442079460123", "voice", 1)),
        ("data", "9.5", ("account", "A1", "data", 9500)),
        ("in", "", "free: kind is 'free'"),
        ("T", "1", "test: a is 'T'"),
        ("data", "much", "b is 'much'; expected a number of KB"),
    ],
)
def test_rows_of_several_types_come_in_one_file(a: str, b: str, expected: object) -> None:
    """The type decides whose the usage is and what of it counts; filters see what was derived where they name it."""
    row = {"id": "1", "who": "A1", "at": "1785571205", "a": a, "b": b}
    made = profile_of(BASE.replace("[table.cause]", TYPES + "[table.cause]"))
    assert isinstance(made, Profile), made
    found = Mediator(made, LONDON).take(1, json.dumps(row).encode())
    if isinstance(found, Reject):
        assert found.detail == expected
    else:
        assert (found.uid_type, found.uid, found.usage_class, found.quantity) == expected


@pytest.mark.parametrize(
    ("measure", "text", "units"),
    [
        *(
            ("S", "60", 60),
            ("S", "60.001", 61),
            ("MS", "59001", 60),
            ("MS", "60000", 60),
            ("US", "1", 1),
        ),
        *(("MIN", "1.5", 90), ("MIN", "0.01", 1), ("H", "2", 7200), ("CLOCK", "01:02:03", 3723)),
        *(
            ("CLOCK", "83:45", 5025),
            ("CLOCK", "0:00", 0),
            ("CLOCK", "1:00:00.1", 3601),
            ("CLOCK", "1:60:00", None),
        ),
        *(
            ("CLOCK", "60", None),
            ("B", "7", 7),
            ("KB", "1.5", 1500),
            ("KIB", "1.5", 1536),
            ("MB", "1", 1_000_000),
        ),
        *(
            ("MIB", "0.0001", 105),
            ("GB", "2", 2_000_000_000),
            ("GIB", "1", 1_073_741_824),
            ("COUNT", "3", 3),
        ),
        *(("S", "-1", None), ("S", "", None), ("S", "1e3", None), ("S", "9" * 16, None)),
    ],
)
def test_quantities_are_counted_in_base_units(measure: str, text: str, units: int | None) -> None:
    """Seconds, octets or pieces; one begun counts, and nothing is rounded twice."""
    made = profile_of(BASE.replace('measure = "COUNT"', f'measure = "{measure}"\nquantity = "a"'))
    assert isinstance(made, Profile), made
    row = {"id": "1", "who": "A1", "at": "1785571205", "a": text}
    found = Mediator(made, LONDON).take(1, json.dumps(row).encode())
    assert (found.quantity if isinstance(found, UDR) else None) == units


STEPS = """
[[derived]]
field = "a"
make = "TRIM"
of = "a"
[[derived]]
field = "x"
make = "EXTRACT"
of = "a"
pattern = "(.*)[:;](.*)|(?:a|b)*"
template = "{2}{1}"
default = "{b}"
[[derived]]
field = "n"
make = "FORMULA"
text = "{b} * 3 / 7"
decimals = 2
when = [{ field = "b", from = "0" }]
[[derived]]
field = "t"
make = "TIME"
at = { field = "a", clock = "WRITTEN", written = "%d/%m/%Y %H:%M:%S", zone_field = "b" }
when = [{ field = "a", prefix = ["0", "1"] }]
[[derived]]
field = "p"
make = "NORMALISE"
of = "b"
form = "CALLED"
"""
LAYOUTS = {
    "json": '{ kind = "JSON_LINE" }',
    "backslash": '{ kind = "DELIMITED", quoting = "BACKSLASH", delimiter = ",", widths = [4, 5], comment = "#" }',
    "none": '{ kind = "DELIMITED", quoting = "NONE", delimiter = "|", widths = [5], skip = 1 }',
    "heading": '{ kind = "DELIMITED", quoting = "DOUBLED", heading = true }',
    "columns": '{ kind = "FIXED_WIDTH", columns = ["1-3", "4-8", "9-18", "20-39", "40-44"], shortest = 18 }',
}
pieces = st.sampled_from(
    [*(b'"', b"\\", b",", b"|", b"{", b"}", b":", b" ", b"\r", b"\xff", b"\xc3\xa9", b"\x00", b"#", b"\\u", b"\\ud800", b"null", b"[1,true]"), *(b'"id"', b'"who":"A"', b'"at":"1785571205"', b"1785571205", b"01/08/2026 09:00:05", b"+0200", b"7", b"-1.5", b"9" * 31, b"a" * 30, b"sip:x;y")]
)  # fmt: skip
lines = st.one_of(
    st.binary(max_size=80),
    st.lists(pieces, max_size=20).map(b"".join),
    st.dictionaries(
        st.sampled_from(["id", "who", "at", "a", "b", "more", "!"]),
        st.text(max_size=8)
        | st.sampled_from(["1785571205", "01/08/2026 09:00:05", "5"])
        | st.none()
        | st.lists(st.integers())
        | st.dictionaries(st.text(max_size=2), st.booleans())
        | st.floats(),
    ).map(lambda row: json.dumps(row).encode()),
    st.tuples(*[pieces] * 5).map(b"|".join),
    st.tuples(*[pieces] * 5).map(b",".join),
)


@settings(deadline=None)
@given(st.sampled_from(sorted(LAYOUTS)), st.lists(lines, max_size=12))
def test_any_octets_end_as_usage_or_as_a_reject(layout: str, some: list[bytes]) -> None:
    """Nothing a source sends stops the intake, however much is derived of it; many lines are read as one by one."""
    made = profile_of(BASE.replace('{ kind = "JSON_LINE" }', LAYOUTS[layout]) + STEPS)
    assert isinstance(made, Profile), made
    one, many = (Mediator(made, LONDON, b"b,at,who,more,id,a") for _ in range(2))
    alone = [one.take(line_no, line) for line_no, line in enumerate(some, 1)]
    assert many.take_many(some, 1) == alone
    for taken, line in zip(alone, some, strict=True):
        if isinstance(taken, Reject):
            assert taken.detail.isprintable()
            continue
        assert taken.quantity == 1
        (text,) = one.uid_texts([line])
        assert text is None or one.uid_of(text) == (taken.uid_type, taken.uid)


@pytest.mark.parametrize(
    ("layout", "line", "who"),
    [
        ("json", b'{"id":"1","who":"A \\"7\\"","at":1785571205}', 'A "7"'),
        ("json", b'{"id":1,"who":"A7","at":1785571205,"more":{"who":"B"}}', "A7"),
        ("backslash", b'1,"A\\"7\\"",1785571205,', 'A"7"'),
        ("backslash", b"1,A\\,7,1785571205,,", "A,7"),
        ("none", b'1|"A7"|1785571205||', '"A7"'),
        ("heading", b"5,1785571205,A7,x,1,", "A7"),
        ("columns", b"1  A7   1785571205", "A7"),
        ("columns", b"1  A7   1785571205 01/08/2026 09:00:05 +0200 and more", "A7"),
    ],
)
def test_a_line_of_any_layout_is_read(layout: str, line: bytes, who: str) -> None:
    """As switches write them."""
    made = profile_of(BASE.replace('{ kind = "JSON_LINE" }', LAYOUTS[layout]))
    assert isinstance(made, Profile), made
    found = Mediator(made, LONDON, b"\xef\xbb\xbfB,At, WHO ,more,id,a\r").take(9, line)
    assert isinstance(found, UDR), found
    assert (found.uid, found.started_us) == (who, 1785571205_000_000)


@pytest.mark.parametrize(
    ("layout", "line", "words"),
    [
        ("json", b'{"id":"1","id":"2"}', "a name is there twice"),
        ("json", b'{"a":{"b":"1"},"a.b":"2"}', "'a.b' is there twice"),
        ("json", b"[1]", "expected { at its beginning"),
        ("json", b'{"id":NaN}', "NaN is no figure"),
        ("json", b'{"x":' + b"[" * 5000, "nested too deep"),
        ("json", b'{"id":"\\ud800"}', "half a character"),
        ("json", b'{"!":"cut off, at octet 7","octets":"00"}', "cut off, at octet 7"),
        ("backslash", b'1,"A', "not whole"),
        ("backslash", b"# made by night", "comment"),
        ("none", b"1|2", "2 fields; expected 5"),
        ("heading", b"b,at,who,more,id,a", "line that names the columns"),
        ("heading", b"1,2,3,4,5", "5 fields; expected 6"),
        ("columns", b"1  A7", "5 characters; expected 18 or more"),
    ],
)
def test_a_line_that_is_no_row_says_why(layout: str, line: bytes, words: str) -> None:
    """In words, and shortened."""
    made = profile_of(BASE.replace('{ kind = "JSON_LINE" }', LAYOUTS[layout]))
    assert isinstance(made, Profile), made
    found = Mediator(made, LONDON, b"b,at,who,more,id,a").take(9, line)
    assert isinstance(found, Reject)
    assert words in found.detail


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"", "the file has no line that names its columns"),
        (b"id,who,at,a", "the line that names the columns has none called 'b' (it has 4)"),
        (b"id,who,at,a,b,b", "has more than one called 'b'"),
        (b'id,"who', "can't be read"),
        (b"id,\xff", "can't be read"),
    ],
)
def test_a_file_whose_columns_are_not_known_is_read_by_nobody(header: bytes, words: str) -> None:
    """Each of its lines says why."""
    made = profile_of(BASE.replace('{ kind = "JSON_LINE" }', LAYOUTS["heading"]))
    assert isinstance(made, Profile), made
    found = Mediator(made, LONDON, header).take_many([b"1,A7,1785571205,,", b"x"], 2)
    assert all(isinstance(each, Reject) and words in each.detail for each in found), found


def test_a_source_may_keep_any_column_that_a_file_names() -> None:
    """Also one that the profile has no use for, and that another file lacks."""
    made = profile_of(BASE.replace('{ kind = "JSON_LINE" }', LAYOUTS["heading"]))
    assert isinstance(made, Profile), made
    source = replace(LONDON, extras=(("trunk", "Trunk"), ("own", "a")))
    profile = replace(made, extras=(("own", "b"), ("who", "who")))
    assert faults(profile) == ()
    for header, kept in (
        (b"id,who,at,a,b,Trunk", {"own": "x", "who": "A7", "trunk": "T1"}),
        (b"id,who,at,a,b", {"own": "x", "who": "A7"}),
    ):
        line = b",".join([b"1,A7,1785571205,x,y", b"T1"][: 1 + header.endswith(b"Trunk")])
        found = Mediator(profile, source, header).take(2, line)
        assert isinstance(found, UDR), found
        assert found.extras == kept
