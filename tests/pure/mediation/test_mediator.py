"""Whatever a switch sends, each line ends as one thing or the other, and profiles are judged before use."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    Pairs,
    Profile,
    Quoting,
    Reject,
    SourceSettings,
    faults,
)
from bmu.mediation.profiles import PLAIN
from bmu.usage import UDR

LONDON = SourceSettings("pbx", "Europe/London", "44", "0", "00")
MEDIATORS = {code: Mediator(profile, LONDON) for code, profile in PLAIN.items()}

pieces = st.sampled_from(
    [
        *(
            b'"',
            b",",
            b'","',
            b'""',
            b"\r",
            b"\x00",
            b"\xff",
            b"=",
            b"; ",
            b"(): ",
            b": ",
            b" ",
            b"\t",
            b"\xc2\xa0",
        ),
        *(
            b"2026-08-03 09:12:44",
            b"2026-10-25 01:30:00",
            b"ANSWERED",
            b"73",
            b"0",
            b"+4420794601",
        ),
        *(b"start_time=1795254062.7", b"duration=1", b"src_user=1", b"dst_user=2", b"call_id=3"),
    ]
)
anything = st.one_of(st.binary(max_size=300), st.lists(pieces, max_size=60).map(b"".join))


@settings(deadline=None)
@given(st.sampled_from(sorted(PLAIN)), st.lists(anything, max_size=20))
def test_any_octets_end_as_usage_or_as_a_reject(code: str, lines: list[bytes]) -> None:
    """Nothing a switch sends stops the intake, and many lines at once are read like one by one."""
    mediator = MEDIATORS[code]
    alone = [mediator.take(line_no, line) for line_no, line in enumerate(lines, 5)]
    assert mediator.take_many(lines, 5) == alone
    for line_no, taken in enumerate(alone, 5):
        assert taken.line_no == line_no
        if isinstance(taken, Reject):
            assert taken.detail.isprintable()
        else:
            assert taken.quantity >= 0
            assert all(text.isprintable() for text in (taken.uid, taken.origin, taken.destination))


EXAMPLES = Path(__file__).parents[3] / "examples/usage"
REAL = {
    "asterisk-master-csv": "asterisk/Master-2026-10.csv",
    "freeswitch-cdr-csv": "freeswitch/Master-2026-10.csv",
    "kamailio-acc": "kamailio/acc-recorded.log",
}


@pytest.mark.parametrize("code", sorted(PLAIN))
def test_whose_a_line_is_can_be_told_at_a_glance(code: str) -> None:
    """Workers share a file by customers, and each leaves the others' lines to them nearly unread."""
    lines = (EXAMPLES / REAL[code]).read_bytes().splitlines()
    mediator = MEDIATORS[code]
    texts = mediator.uid_texts(lines)
    told = 0
    for text, taken in zip(texts, mediator.take_many(lines, 1), strict=True):
        if isinstance(taken, UDR) and text is not None:
            assert mediator.uid_of(text) == (taken.uid_type, taken.uid)
            told += 1
    assert told > len(lines) / 2


@settings(deadline=None)
@given(st.sampled_from(sorted(PLAIN)), st.data())
def test_a_glance_never_tells_another_customer(code: str, data: st.DataObject) -> None:
    """Also in a line that was tampered with, the glance and the whole reading name the same customer."""
    lines = (EXAMPLES / REAL[code]).read_bytes().splitlines()[:40]
    line = data.draw(st.sampled_from(lines))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(line)))
        line = line[:at] + data.draw(pieces) + line[at + data.draw(st.integers(0, 3)) :]
    mediator = MEDIATORS[code]
    (text,) = mediator.uid_texts([line])
    taken = mediator.take(1, line)
    if isinstance(taken, UDR) and text is not None:
        assert mediator.uid_of(text) == (taken.uid_type, taken.uid)


def test_nothing_is_told_where_several_fields_may_say_it() -> None:
    """Where the account's code comes before the number, a line is read whole."""
    assert Mediator(SIMPLE, LONDON).uid_texts([b"1;A7;9;3;1795254062;5;F"]) == [None]


@pytest.mark.parametrize("text", [b"", b"\xff", b"4\x004"])
def test_octets_that_name_nobody(text: bytes) -> None:
    """What no line could be usage with stands for nobody."""
    assert MEDIATORS["kamailio-acc"].uid_of(text) is None


def test_an_identifier_that_is_no_number() -> None:
    """Account codes are taken as they stand."""
    by_account = replace(SIMPLE, uids=SIMPLE.uids[:1])
    mediator = Mediator(by_account, LONDON)
    (text,) = mediator.uid_texts([b"1;A7;9;3;1795254062;5;F"])
    assert text is not None
    assert mediator.uid_of(text) == ("account", "A7")


spelt = st.text("0123456789+-()éx /", max_size=70).map(str.encode) | st.binary(max_size=70)


@given(
    st.sampled_from(("asterisk-master-csv", "kamailio-acc", "by account")),
    st.lists(spelt),
)
def test_many_numbers_are_read_as_each_of_them(code: str, texts: list[bytes]) -> None:
    """However they are spelt, and where they are no numbers: compiled or not, all at once or one by one."""
    by_account = Mediator(replace(SIMPLE, uids=SIMPLE.uids[:1]), LONDON)
    mediator = MEDIATORS.get(code, by_account)
    each = list(map(mediator.uid_of, texts))
    assert mediator.uids_of(texts) == each


SIMPLE = Profile(
    code="simple",
    name="A made-up switch",
    encoding="latin-1",
    layout=Delimited(Quoting.DOUBLED, widths=(7,), delimiter=";"),
    fields=("id", "account", "from", "to", "at", "seconds", "kind"),
    filters=(
        Filter(
            "test call",
            (Condition("kind", Match.LIKE, ("T.*",)), Condition("to", Match.IS, ("1",))),
        ),
        Filter("not final", (Condition("kind", Match.IS_NOT, ("F", "T1")),)),
        Filter(
            "abroad", (Condition("to", Match.IS, ("2",)), Condition("from", Match.IS_NOT, ("",)))
        ),
    ),
    identities=(("id",), ("at", "from")),
    uids=(
        Identifier("account", "account", Form.TEXT),
        Identifier("phone", "from", Form.NUMBER),
    ),
    usage_class="voice",
    started=Instant("at", Clock.EPOCH),
    times=(),
    quantity="seconds",
    origin="from",
    destination="to",
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1;A7;0201234567;0209876543;1795254062;5;F", ("account", "A7")),
        ("1;;0201234567;0209876543;1795254062;5;F", ("phone", "44201234567")),
        ("1;;;0209876543;1795254062;5;F", "account and from is empty; expected a value"),
        ("1;A7;;0209876543;1795254062;5;F", ("account", "A7")),
        (";A7;;0209876543;1795254062;5;F", ("account", "A7")),
        (";A7;;0209876543;;5;F", "id and at is empty; expected a value"),
        ("1;A7;;1;1795254062;5;T1", "test call: kind is 'T1', to is '1'"),
        ("1;A7;;2;1795254062;5;T1", ("account", "A7")),
        ("1;A7;9;2;1795254062;5;T1", "abroad: to is '2', from is '9'"),
        ("1;A7;9;2;1795254062;5;P", "not final: kind is 'P'"),
        ('1;"A;7";9;3;1795254062;5;F', ("account", "A;7")),
        ("1;Jörg;9;3;1795254062;5;F", ("account", "Jörg")),
    ],
)
def test_a_profile_is_data(line: str, expected: tuple[str, str] | str) -> None:
    """A switch nobody has seen before is described, not programmed: filters, identity, whose it is."""
    taken = Mediator(SIMPLE, LONDON).take(1, line.encode("latin-1"))
    if isinstance(expected, str):
        assert isinstance(taken, Reject)
        assert taken.detail == expected
    else:
        assert isinstance(taken, UDR)
        assert (taken.uid_type, taken.uid) == expected


def test_a_line_cut_off_in_quotes_spoils_no_other() -> None:
    """A record cut off in the middle is lost alone; the next line is never taken for its end."""
    cut = b'1;A7;9;3;1795254062;5;"F'
    whole = b"2;A7;9;3;1795254062;5;F"
    mediator = Mediator(SIMPLE, LONDON)
    taken = mediator.take_many([whole, cut, b'"', whole], 1)
    assert [isinstance(each, UDR) for each in taken] == [True, False, False, True]
    assert taken == [
        mediator.take(line_no, line) for line_no, line in enumerate([whole, cut, b'"', whole], 1)
    ]


def test_fields_of_an_identity_do_not_run_together() -> None:
    """Call 1 of account 23 is another than call 12 of account 3."""
    mediator = Mediator(replace(SIMPLE, identities=(("id", "account"),)), LONDON)
    calls = [mediator.take(1, b"1;23;9;3;1;5;F"), mediator.take(1, b"12;3;9;3;1;5;F")]
    assert len({call.event_key for call in calls if isinstance(call, UDR)}) == 2


@pytest.mark.parametrize("code", ["kamailio-acc", "freeswitch-cdr-csv"])
def test_a_glance_is_not_led_astray(code: str) -> None:
    """What stands before the record, or a caller called comma, makes nobody else the customer."""
    lines = (EXAMPLES / REAL[code]).read_bytes().splitlines()
    mediator = MEDIATORS[code]
    line = next(line for line in lines if isinstance(mediator.take(1, line), UDR))
    if code == "freeswitch-cdr-csv":
        line = b'",' + line[line.index(b'","') :]
    else:
        line = b"src_user=1; " + line
    taken = mediator.take(1, line)
    assert isinstance(taken, UDR)
    (text,) = mediator.uid_texts([line])
    assert text is None or mediator.uid_of(text) == (taken.uid_type, taken.uid)


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (replace(SIMPLE, quantity="time"), "quantity: no field is called 'time'"),
        (replace(SIMPLE, origin="x"), "origin: no field"),
        (replace(SIMPLE, destination="x"), "destination: no field"),
        (replace(SIMPLE, started=Instant("x", Clock.LOCAL)), "started.field: no field"),
        (replace(SIMPLE, started=Instant("at", Clock.LOCAL, "x")), "started.not_before: no field"),
        (replace(SIMPLE, times=("x",)), "times: no field"),
        (replace(SIMPLE, uids=(Identifier("phone", "x", Form.TEXT),)), "uid[1].field: no field"),
        (replace(SIMPLE, uids=()), "uid: a UDR needs"),
        (replace(SIMPLE, identities=()), "identities: an event needs"),
        (replace(SIMPLE, identities=((),)), "identities: an event needs"),
        (replace(SIMPLE, identities=(("x",),)), "identities: no field"),
        (replace(SIMPLE, fields=("id", *SIMPLE.fields)), "fields: 'id' is there 2 times"),
        (replace(SIMPLE, encoding="utf-16"), "encoding: 'utf-16'"),
        (replace(SIMPLE, encoding="shift-jis"), "encoding: 'shift-jis'"),
        (replace(SIMPLE, encoding="rot13"), "encoding: 'rot13'"),
        (replace(SIMPLE, encoding="klingon"), "encoding: 'klingon'"),
        (replace(SIMPLE, layout=Delimited(Quoting.DOUBLED, ())), "widths: not 1 to 7"),
        (replace(SIMPLE, layout=Delimited(Quoting.DOUBLED, (8,))), "widths: not 1 to 7"),
        (replace(SIMPLE, layout=Delimited(Quoting.DOUBLED, (7,), "::")), "delimiter: '::'"),
        (replace(SIMPLE, layout=Pairs("", "", "kind")), "separator: ''"),
        (replace(SIMPLE, layout=Pairs("", ";", "x")), "label: no field"),
        (replace(SIMPLE, filters=(Filter("all", ()),)), "filter[1].when: without a condition"),
        (
            replace(SIMPLE, filters=(Filter("f", (Condition("x", Match.IS, ("1",)),)),)),
            "filter[1].when[1].field: no field",
        ),
        (
            replace(SIMPLE, filters=(Filter("f", (Condition("to", Match.LIKE, ("(",)),)),)),
            "filter[1].when[1].like: at character 2 of '(': a group",
        ),
        (
            replace(SIMPLE, filters=(Filter("f", (Condition("to", Match.LIKE, ("a", "b")),)),)),
            "filter[1].when[1].like: LIKE takes one",
        ),
    ],
)
def test_a_wrong_profile_is_refused_before_it_reads_a_line(profile: Profile, words: str) -> None:
    """Whoever describes a switch is told every mistake, and what to mend."""
    assert any(words in fault for fault in faults(profile))
    assert faults(SIMPLE) == ()


def test_a_source_needs_a_zone_that_exists() -> None:
    """A source in a time zone nobody knows is refused at once, not at its first call."""
    with pytest.raises(ValueError, match="not a time zone"):
        Mediator(BUILT_IN["asterisk-master-csv"], replace(LONDON, time_zone="Europe/Lundun"))
