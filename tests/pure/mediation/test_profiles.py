"""Lines as real switches write them: each becomes the usage a clerk would read in it, or says why not."""

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from bmu.mediation import BUILT_IN, Mediator, Reason, Reject, SourceSettings, faults
from bmu.mediation.extras import extras_of, missing_fields
from bmu.period import from_us
from bmu.usage import UDR

EXAMPLES = Path(__file__).parents[3] / "examples"
SOURCES = {
    each["code"]: each
    for each in tomllib.loads((EXAMPLES / "demo/sources.toml").read_text("utf-8"))["source"]
}
EXPECTED = tomllib.loads((EXAMPLES / "usage/expected.toml").read_text("utf-8"))


def mediator(source: str) -> Mediator:
    """Give the mediator of a source of the demo company."""
    settings = SOURCES[source]
    return Mediator(
        BUILT_IN[settings["profile"]],
        SourceSettings(
            source,
            settings["time_zone"],
            settings["country"],
            settings["trunk_prefix"],
            settings["international_prefix"],
        ),
    )


ASTERISK = (
    '"A1001","{src}","{dst}","{context}","""Ada, ""Countess"""" <02079460123>","PJSIP/a1001-0000002a",'
    '"PJSIP/carrier-a-0000002b","Dial","PJSIP/0@carrier-a,60,T","2026-08-03 09:12:40",{answer},'
    '"2026-08-03 09:13:57",77,{billsec},"{disposition}","DOCUMENTATION"'
)
PLAIN = {
    "src": "02079460123",
    "dst": "0033199001234",
    "context": "outbound",
    "answer": '"2026-08-03 09:12:44"',
    "billsec": "73",
    "disposition": "ANSWERED",
}
UNIQUE = ',"1785744760.42",""'


def asterisk(tail: str = UNIQUE, **fields: str) -> bytes:
    """Write a line of Master.csv."""
    return (ASTERISK.format(**PLAIN | fields) + tail).encode()


def test_a_call_through_asterisk_is_read() -> None:
    """A call to Paris, answered at 09:12:44 London summer time, costs its seconds from then on."""
    udr = mediator("pbx-london").take(7, asterisk())
    assert isinstance(udr, UDR)
    assert udr.line_no == 7
    assert f"{from_us(udr.started_us):%Y-%m-%d %H:%M:%S}" == "2026-08-03 08:12:44"
    assert (udr.uid_type, udr.uid, udr.usage_class, udr.quantity, udr.origin, udr.destination) == (
        ("phone", "442079460123", "voice", 73, "442079460123", "33199001234")
    )
    assert len(udr.event_key) == 16
    assert -(2**63) <= udr.content < 2**63


@pytest.mark.parametrize(
    ("line", "reason", "words"),
    [
        (
            asterisk(answer="", billsec="0", disposition="NO ANSWER"),
            Reason.FILTERED,
            "not answered: disposition is 'NO ANSWER'",
        ),
        (asterisk(billsec="0"), Reason.FILTERED, "not answered: billsec is '0'"),
        (
            asterisk(src="201", dst="205", context="internal"),
            Reason.FILTERED,
            "internal call: dcontext is 'internal', src is '201', dst is '205'",
        ),
        (asterisk(answer=""), Reason.MISSING_FIELD, "answer: is empty"),
        (asterisk(answer='"2026-08-32 09:12:44"'), Reason.BAD_TIME, "'2026-08-32 09:12:44'"),
        (asterisk(billsec="n/a"), Reason.BAD_QUANTITY, "billsec is 'n/a'; expected"),
        (asterisk(billsec="-3"), Reason.BAD_QUANTITY, "'-3'"),
        (asterisk(billsec="1" * 16), Reason.BAD_QUANTITY, "1111"),
        (asterisk(billsec=""), Reason.MISSING_FIELD, "billsec is empty"),
        (asterisk(src=""), Reason.MISSING_FIELD, "src is empty"),
        (asterisk(dst=""), Reason.MISSING_FIELD, "dst is empty"),
        (asterisk(dst="1\x00"), Reason.BAD_NUMBER, "'1\\x00' is no number"),
        (asterisk()[:100], Reason.MALFORMED_LINE, "not whole"),
        (asterisk(tail=""), None, ""),
        (asterisk(tail=',"x"'), Reason.MALFORMED_LINE, "17 fields; expected 18 or 16 or 21"),
        (asterisk().replace(b"Countess", b"\xff"), Reason.BAD_ENCODING, "0xFF) is not utf-8"),
        (b"", Reason.MALFORMED_LINE, "0 fields"),
        (b'"two\rlines"', Reason.MALFORMED_LINE, "1 fields"),
    ],
)
def test_a_line_of_asterisk_that_is_no_usage_says_why(
    line: bytes, reason: Reason | None, words: str
) -> None:
    """Whoever looks at a refused line sees what was read and what was expected."""
    taken = mediator("pbx-london").take(3, line)
    if reason is None:
        assert isinstance(taken, UDR)
        return
    assert isinstance(taken, Reject)
    assert (taken.line_no, taken.reason) == (3, reason)
    assert words in taken.detail


def test_a_call_context_called_internal_may_lead_outside() -> None:
    """A house that calls its context for all telephones "internal" is still paid for calls abroad."""
    assert isinstance(mediator("pbx-london").take(1, asterisk(context="internal")), UDR)


def key_of(source: str, line: bytes) -> bytes:
    """Give the event key of a good line."""
    udr = mediator(source).take(1, line)
    assert isinstance(udr, UDR)
    return udr.event_key


def test_the_same_call_is_known_again() -> None:
    """A corrected copy of a record is the same call; another call is another, and so is another switch."""
    first = asterisk()
    assert key_of("pbx-london", first) == key_of("pbx-london", asterisk(billsec="110"))
    assert key_of("pbx-london", first) != key_of("pbx-london", asterisk(',"1785744760.43",""'))
    udr, longer = (mediator("pbx-london").take(1, each) for each in (first, asterisk(billsec="9")))
    assert isinstance(udr, UDR)
    assert isinstance(longer, UDR)
    assert udr.content != longer.content
    elsewhere = Mediator(
        BUILT_IN["asterisk-master-csv"], SourceSettings("two", "Europe/London", "44", "0", "00")
    )
    other = elsewhere.take(1, first)
    assert isinstance(other, UDR)
    assert other.event_key != udr.event_key


def test_identity_without_unique_ids() -> None:
    """Where Asterisk writes no unique ids, start, numbers and duration tell calls apart."""
    assert key_of("pbx-london", asterisk("")) != key_of("pbx-london", asterisk("", dst="201"))
    newest = ',"1785744760.42","","A1001","1785744760.42",{}'
    assert key_of("pbx-london", asterisk(newest.format(8))) != key_of(
        "pbx-london", asterisk(newest.format(9))
    )


KEPT = {
    "asterisk": (
        SourceSettings(
            "s", "UTC", "44", "0", "00", (), (("trunk", "dstchannel"), ("cost", "userfield"))
        ),
        asterisk(tail=',"1785744760.42","0.05"'),
        {"trunk": "PJSIP/carrier-a-0000002b", "cost": "0.05"},
    ),
    "asterisk without it": (
        SourceSettings("s", "UTC", "44", "0", "00", (), (("cost", "userfield"),)),
        asterisk(tail=""),
        None,
    ),
}


@pytest.mark.parametrize(("source", "line", "extras"), KEPT.values(), ids=KEPT.keys())
def test_fields_of_the_companys_own_are_kept(
    source: SourceSettings, line: bytes, extras: dict[str, str] | None
) -> None:
    """What a source is told to keep is on the usage record as the switch wrote it; what is empty is not there."""
    udr = Mediator(BUILT_IN["asterisk-master-csv"], source).take(1, line)
    assert isinstance(udr, UDR)
    assert udr.extras == extras


@pytest.mark.parametrize("text", ["x" * 257, "a\x7fb", "a\x00"])
def test_a_field_that_can_t_be_kept_is_refused(text: str) -> None:
    """A call is not charged without the field that its price may hang on: somebody has to look."""
    source = SourceSettings("s", "UTC", "44", "0", "00", (), (("cost", "userfield"),))
    taken = Mediator(BUILT_IN["asterisk-master-csv"], source).take(
        1, asterisk(tail=f',"1785744760.42","{text}"')
    )
    assert isinstance(taken, Reject)
    assert taken.reason is Reason.BAD_FIELD


def test_pairs_that_a_profile_does_not_know_may_be_kept() -> None:
    """Kamailio writes whatever extra field it is told to; one that the source names is no fault of the line."""
    source = SourceSettings("s", "UTC", "44", "0", "00", (), (("trunk", "gw"),))
    line = KAMAILIO.encode() + b"; gw=carrier-b"
    udr = Mediator(BUILT_IN["kamailio-acc"], source).take(1, line)
    assert isinstance(udr, UDR)
    assert udr.extras == {"trunk": "carrier-b"}
    assert isinstance(mediator("sip-edge").take(1, line), Reject)


@pytest.mark.parametrize(
    "text",
    [
        *("trunk", "=x", "trunk=", "Trunk=x", "uid=x", "started_us=x", "a=x,a=y", "a=x,", "a=x y"),
        ",".join(f"a{n}=x" for n in range(21)),
    ],
)
def test_a_slip_in_what_is_kept_is_told(text: str) -> None:
    """A name that conditions could not mean, or a field that is none, is refused when it is set."""
    with pytest.raises(ValueError, match="name"):
        extras_of(text)


def test_what_is_kept_must_be_in_the_records() -> None:
    """A column that a switch's records don't have is named; further pairs may come with any record of pairs."""
    extras = extras_of("trunk=gw,cost=userfield")
    assert list(missing_fields(BUILT_IN["asterisk-master-csv"], extras)) == ["gw"]
    assert list(missing_fields(BUILT_IN["kamailio-acc"], extras)) == []
    assert extras_of("") == ()


FREESWITCH = (
    '"Ada "Countess" Brook","+442079460123","01632960555","default","2026-08-03 09:12:40",'
    '"2026-08-03 09:12:44","2026-08-03 09:13:57","77","73","NORMAL_CLEARING",'
    '"496ea61c-cd58-4a2e-a810-27d5135f87b1","","A1010","PCMA","PCMA"'
)


def test_a_call_through_freeswitch_is_read() -> None:
    """A caller whose name holds quotes, which FreeSWITCH does not escape, is billed like all others."""
    udr = mediator("sbc-bristol").take(1, FREESWITCH.encode() + b"\r")
    assert isinstance(udr, UDR)
    assert (udr.uid, udr.quantity, udr.destination) == ("442079460123", 73, "441632960555")
    assert f"{from_us(udr.started_us):%H:%M:%S}" == "08:12:44"


@pytest.mark.parametrize(
    ("was", "now", "reason"),
    [
        ('"2026-08-03 09:12:44"', '""', Reason.FILTERED),
        ('"73"', '"0"', Reason.FILTERED),
        ('"73"', '""', Reason.MISSING_FIELD),
        ('"PCMA","PCMA"', '"PCMA"', Reason.MALFORMED_LINE),
        ('"PCMA","PCMA"', '"PCMA","PC', Reason.MALFORMED_LINE),
        ("Countess", 'x","y', Reason.MALFORMED_LINE),
        ("2026-08-03 09:12:40", "2026-09-31 09:12:40", Reason.BAD_TIME),
        ("2026-08-03 09:13:57", "2026-08-03 24:13:57", Reason.BAD_TIME),
    ],
)
def test_a_line_of_freeswitch_that_is_no_usage_says_why(
    was: str, now: str, reason: Reason
) -> None:
    """Also a caller's name can't move one field into the place of another."""
    taken = mediator("sbc-bristol").take(1, FREESWITCH.replace(was, now).encode())
    assert isinstance(taken, Reject)
    assert taken.reason is reason


KAMAILIO = (
    " 4(4134) NOTICE: acc [acc_cdr.c:395]: log_write_cdr(): start_time=1795254062.747; "
    "end_time=1795254063.950; duration=1.203; call_id=1-4140@127.0.0.1; src_user=+442079460123; "
    "dst_user=+441632960555"
)
MISSED = (
    " 4(4134) NOTICE: acc [acc.c:268]: acc_log_request(): ACC: call missed: timestamp=1795254061;"
    "time_attr=1795254061.906;method=INVITE;from_tag=a;to_tag=b;call_id=2-4140@127.0.0.1;code=486;"
    "reason=Busy Here;src_user=+442079460124;dst_user=+33199001234"
)


def test_a_call_through_kamailio_is_read() -> None:
    """A second that was begun counts."""
    udr = mediator("sip-edge").take(1, KAMAILIO.encode())
    assert isinstance(udr, UDR)
    assert (udr.started_us, udr.quantity) == (1795254062747000, 2)
    assert (udr.uid, udr.destination) == ("442079460123", "441632960555")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (MISSED, Reason.FILTERED),
        (KAMAILIO.replace("1.203", "0.000"), Reason.FILTERED),
        (KAMAILIO.replace("1.203", "0"), Reason.FILTERED),
        (KAMAILIO.replace("1.203", "1,203"), Reason.BAD_QUANTITY),
        (KAMAILIO.replace("1795254062.747", "soon"), Reason.BAD_TIME),
        (KAMAILIO.replace("src_user=+442079460123; ", ""), Reason.MISSING_FIELD),
        (KAMAILIO.replace("start_time=1795254062.747; ", ""), Reason.MISSING_FIELD),
        (KAMAILIO.replace("+442079460123", "1; dst_user=08081570000"), Reason.MALFORMED_LINE),
        (KAMAILIO + "; colour=red", Reason.MALFORMED_LINE),
        (KAMAILIO + "; colour", Reason.MALFORMED_LINE),
        (KAMAILIO.replace("call_id=1-4140@127.0.0.1; ", ""), Reason.MISSING_FIELD),
        (" 0(1) INFO: <core> [main.c:1]: main(): started", Reason.MALFORMED_LINE),
        ("Kamailio 5.6.3", Reason.MALFORMED_LINE),
    ],
)
def test_a_line_of_kamailio_that_is_no_usage_says_why(line: str, reason: Reason) -> None:
    """A caller can't choose the number that is billed by writing it into the own name."""
    taken = mediator("sip-edge").take(1, line.encode())
    assert isinstance(taken, Reject)
    assert taken.reason is reason


@pytest.mark.parametrize("file", EXPECTED["file"], ids=lambda file: file["path"])
def test_the_example_files_hold_what_they_should(file: dict[str, str | int]) -> None:
    """Of each file of the demo exactly the calls that somebody answered are usage."""
    lines = (EXAMPLES / "usage" / str(file["path"])).read_bytes().split(b"\n")[:-1]
    taken = mediator(str(file["source"])).take_many(lines, 1)
    rejects = Counter(
        each.detail.partition(":")[0] if each.reason is Reason.FILTERED else "malformed"
        for each in taken
        if isinstance(each, Reject)
    )
    usage = ("rateable", "unknown_owner", "no_rate", "duplicate", "conflict")
    assert sum(isinstance(each, UDR) for each in taken) == sum(int(file[kind]) for kind in usage)
    assert rejects == Counter(
        {
            "not answered": file["not_answered"],
            "internal call": file["internal"],
            "malformed": file["malformed"],
        }
    )


def test_the_hour_that_comes_twice() -> None:
    """With Asterisk's unique ids a call in the repeated hour of October is placed in the right one."""
    lines = (EXAMPLES / "usage/asterisk/Master-2026-10.csv").read_bytes().split(b"\n")[:-1]
    taken = mediator("pbx-london").take_many(lines, 1)
    checked = 0
    for each in EXPECTED["clock_change"]:
        found = [
            udr
            for line, udr in zip(lines, taken, strict=True)
            if each["unique_id"].encode() in line and isinstance(udr, UDR)
        ]
        for udr in found:
            late = from_us(udr.started_us) - each["start"]
            assert 0 <= late.total_seconds() < 120, each
            checked += 1
    assert checked > 2


def test_the_built_in_profiles_have_no_faults() -> None:
    """What comes with the program can be used as it is."""
    assert all(faults(profile) == () for profile in BUILT_IN.values())
    assert all(code == profile.code for code, profile in BUILT_IN.items())
