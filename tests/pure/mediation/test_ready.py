"""Files as real switches, routers and servers write them: each row becomes the usage a clerk would read in it."""

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from bmu.mediation import Mediator, Reason, Reject, SourceSettings, UndecodableError, profile_of
from bmu.mediation.assembled import assembled, assembled_line
from bmu.mediation.partials import Partials
from bmu.mediation.profile import Profile
from bmu.mediation.ready import BUILT_IN
from bmu.mediation.rows import FAULT_BEGINS
from bmu.mediation.session import NEW, Emission, Gathering
from bmu.period import from_us
from bmu.usage import UDR
from bmuid.intake.decoding import decode

SAMPLES = Path(__file__).parents[2] / "samples"
FILTERED = "FILTERED"

Expected = tuple[str, str, str, int, str] | str


def call(answered: str, seconds: int = 73, caller: str = "442079460123") -> Expected:
    """Give the call to Paris that every exchange has recorded."""
    return (f"phone {caller}", "voice", answered, seconds, "33199001234")


LONDON_TIME = "2026-08-03 08:12:44"
# Profile, sample, the source's time zone; then of each row the usage, or why it is none.
READ: list[tuple[str, str, str, list[Expected]]] = [
    ("asterisk-cdr-adaptive", "asterisk/cdr-adaptive.csv", "Europe/London",
     [FILTERED, call(LONDON_TIME), FILTERED, FILTERED]),
    ("freeswitch-json-cdr", "freeswitch/json-cdr.json", "Europe/London", [call(LONDON_TIME), FILTERED]),
    ("freeswitch-xml-cdr", "freeswitch/xml-cdr.xml", "Europe/London", [call(LONDON_TIME)]),
    ("kamailio-cdrs-csv", "kamailio/cdrs.csv", "UTC", [FILTERED, call(LONDON_TIME), FILTERED]),
    ("opensips-acc", "opensips/acc.log", "Europe/London", [call(LONDON_TIME), FILTERED]),
    ("opensips-acc-csv", "opensips/acc.csv", "Europe/London", [FILTERED, call(LONDON_TIME), FILTERED]),
    ("cisco-cucm-cdr", "cisco/cdr_StandAloneCluster_01_202608030910_1", "Europe/London",
     [call(LONDON_TIME), FILTERED, FILTERED]),
    ("broadworks-cdr", "broadworks/BW-CDR-20260803090000-2-00005E005340-000001.csv", "Europe/London",
     [call("2026-08-03 08:12:44.500000"), FILTERED, FILTERED]),
    ("cloudevents-usage", "cloudevents/batch.json", "Europe/London", [
        ("subject ada-1001", "event", LONDON_TIME, 3, ""),
        ("subject bob-1002", "event", LONDON_TIME, 2, ""),
        "MALFORMED_LINE",
    ]),
]  # fmt: skip


# The same of records of which several are one session.
SESSIONS: list[tuple[str, str, list[Expected]]] = [
    ("freeradius-detail", "freeradius/detail-20260803",
     [("login ada@example.net", "data", "2026-08-03 08:00:00", 5_000_000_000 + 11_410_065_408, "")]),
    ("docsis-samis-ipdr", "ipdr/samis.xml",
     [("mac 00-00-5e-00-53-01", "data", "2026-08-03 08:00:00", 7_500_000_000, "")]),
]  # fmt: skip


def lines_of(profile: Profile, octets: bytes) -> Iterable[bytes]:
    """Give the lines of a file as intake makes them."""
    if profile.decoding is None:
        return octets.removesuffix(b"\n").split(b"\n")
    return decode(profile.decoding, [octets])


def read(taken: UDR | Reject) -> Expected:
    """Give what a clerk looks at."""
    if isinstance(taken, Reject):
        return taken.reason.value
    began = str(from_us(taken.started_us).replace(tzinfo=None))
    return (
        f"{taken.uid_type} {taken.uid}",
        taken.usage_class,
        began,
        taken.quantity,
        taken.destination,
    )


@pytest.mark.parametrize(
    ("code", "sample", "zone", "expected"), READ, ids=[row[0] for row in READ]
)
def test_a_sample_is_the_usage_that_it_tells(
    code: str, sample: str, zone: str, expected: list[Expected]
) -> None:
    """From the file as it came to what is charged, by the profile that comes with bmuid."""
    lines = list(lines_of(BUILT_IN[code], (SAMPLES / sample).read_bytes()))
    header = lines[0] if BUILT_IN[code].decoding is None else b""
    mediator = Mediator(BUILT_IN[code], SourceSettings("one", zone, "44", "0", "00"), header)
    assert [read(mediator.take(no, line)) for no, line in enumerate(lines, 1)] == expected


@pytest.mark.parametrize(
    ("code", "sample", "expected"), SESSIONS, ids=[row[0] for row in SESSIONS]
)
def test_the_records_of_a_session_are_its_usage(
    code: str, sample: str, expected: list[Expected]
) -> None:
    """Counters that go on from record to record are charged once, as high as they came."""
    profile, source = BUILT_IN[code], SourceSettings("one", "Europe/London", "44", "0", "00")
    assert profile.aggregation is not None
    gathering, session = Gathering(profile.aggregation, "Europe/London"), NEW
    made: list[Emission] = []
    lines = list(lines_of(profile, (SAMPLES / sample).read_bytes()))
    for row in Partials(profile, profile.aggregation, source).rows(lines, 1):
        assert not isinstance(row, Reject), row
        session, told = gathering.taken(session, row)
        made += told
    mediator = Mediator(assembled(profile), source)
    found = [assembled_line(7, each) for each in made]
    assert [read(mediator.take(1, line)) for line in found if line is not None] == expected


@pytest.mark.parametrize("code", BUILT_IN)
def test_profiles_that_come_with_bmuid_can_be_used(code: str) -> None:
    """Whoever names one of them gets it, and each is there by its own code."""
    assert BUILT_IN[code].code == code
    assert code in BUILT_IN


def test_there_is_no_other_profile() -> None:
    """A code that is not there is not there."""
    assert "unknown" not in BUILT_IN
    with pytest.raises(KeyError):
        BUILT_IN["unknown"]


@pytest.mark.parametrize("code", [row[0] for row in READ])
def test_a_file_for_another_profile_is_refused_or_full_of_faults(code: str) -> None:
    """A file that was handed in for the wrong source makes no usage of nonsense."""
    profile = BUILT_IN[code]
    for other, sample, _, _ in READ:
        octets = (SAMPLES / sample).read_bytes()
        if profile.decoding is None or BUILT_IN[other].decoding == profile.decoding:
            continue
        try:
            lines = list(lines_of(profile, octets))
        except UndecodableError:
            continue
        mediator = Mediator(profile, SourceSettings("one", "UTC", "44", "0", "00"))
        taken = [mediator.take(no, line) for no, line in enumerate(lines, 1)]
        assert all(isinstance(each, Reject) for each in taken), (code, other)


@pytest.mark.parametrize(
    "layout",
    [
        'kind = "DELIMITED"\nquoting = "DOUBLED"\nwidths = [3]',
        'kind = "FIXED_WIDTH"\ncolumns = ["1-5", "6-10", "11-12"]',
        'kind = "PAIRS"\nafter = ""\nseparator = ";"\nlabel = "id"',
    ],
)
def test_a_line_that_could_not_be_read_says_so_in_any_layout(layout: str) -> None:
    """Also of text in another encoding, whoever looks at a refused line sees what was wrong, and where."""
    profile = profile_of(
        'code = "x"\nname = "x"\nencoding = "utf-8"\nfields = ["id", "from", "seconds"]\n'
        'identities = [["id"]]\nusage_class = "voice"\nquantity = "seconds"\n'
        '[decoding]\nformat = "TEXT"\nsettings = { encoding = "utf-16" }\n'
        f"[layout]\n{layout}\n"
        '[[uid]]\ntype = "phone"\nfield = "from"\nform = "TEXT"\n[started]\nfield = "id"\nclock = "EPOCH"\n'
    )
    assert isinstance(profile, Profile), profile
    mediator = Mediator(profile, SourceSettings("one", "UTC", "44", "0", "00"))
    octets = "a\n".encode("utf-16-le") + b"\x00\xd8" + "\n".encode("utf-16-le")
    _, line = lines_of(profile, octets)
    for taken in (mediator.take(2, line), *mediator.take_many([line], 2)):
        assert isinstance(taken, Reject)
        assert (taken.reason, taken.detail) == (
            Reason.MALFORMED_LINE,
            "not utf-16-le, at octet 5",
        )


DECODED = [
    (code, sample)
    for code, sample in ((row[0], row[1]) for row in (*READ, *SESSIONS))
    if BUILT_IN[code].decoding is not None
]


@pytest.mark.parametrize(("code", "sample"), DECODED, ids=[row[0] for row in DECODED])
def test_a_sample_that_was_cut_off_gives_the_rows_before_the_cut(code: str, sample: str) -> None:
    """Wherever an upload broke off: no row is another than it was, and at most one line tells of the cut."""
    profile, octets = BUILT_IN[code], (SAMPLES / sample).read_bytes()
    whole = list(lines_of(profile, octets))
    for cut in range(0, len(octets), 3):
        found: list[bytes] = []
        with contextlib.suppress(UndecodableError):
            found.extend(lines_of(profile, octets[:cut]))
        if found and found[-1].startswith(FAULT_BEGINS) and found != whole[: len(found)]:
            assert b"at octet" in found.pop()
        if found and found[-1] != whole[len(found) - 1]:
            # The last row of CSV without its end may lack the end of its last field.
            last, meant = json.loads(found.pop()), json.loads(whole[len(found)])
            [*_, name] = [each for each in meant if meant[each] != last[each]]
            assert meant.pop(name).startswith(last.pop(name))
            assert last == meant
        assert found == whole[: len(found)]
