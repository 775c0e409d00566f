"""Profiles are checked, tried and proposed from files alone; the commands of docs/mediation.md do what it says."""

import gzip
import json
import re
import shlex
from pathlib import Path

import pytest

from bmu.mediation import BUILT_IN, document_of
from bmuid.__main__ import main
from bmuid.intake.decoding import decode

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
SAMPLES = ROOT / "tests/samples"
PAGE = (ROOT / "docs/mediation.md").read_text("utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
    if line.startswith("bmuid profile ")
]


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Type `bmuid profile`: its exit status, what it writes, what it complains of."""
    status = main(["profile", *words])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_walk_of_the_page_is_gone_as_it_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A newcomer gets from an unknown file to a profile that reads it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(EXAMPLES)
    assert len(COMMANDS) >= 3
    for command in COMMANDS:
        line, _, into = command.partition("#")[0].partition(">")
        status, out, err = said(capsys, *shlex.split(line)[2:])
        assert status == 0, (command, err)
        assert out
        if into:
            (tmp_path / into.strip()).write_text(out, encoding="utf-8")
    assert "25 lines: 18 UDR, 7 FILTERED" in out


@pytest.mark.parametrize("code", sorted(BUILT_IN))
def test_profiles_that_come_with_bmuid_are_in_order(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their documents can be taken as a beginning."""
    path = tmp_path / "x.toml"
    path.write_text(document_of(BUILT_IN[code]), encoding="utf-8")
    assert said(capsys, "check", str(path)) == (0, f"{path}: {code} is in order\n", "")


def test_every_fault_of_a_document_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With file and place, a line each."""
    path = tmp_path / "x.toml"
    text = document_of(BUILT_IN["freeswitch-cdr-csv"])
    path.write_text(
        text.replace('"uuid"', '"uuid", "uuid"').replace(
            'quantity = "billsec"', 'quantity = "seconds"'
        )
    )
    status, out, err = said(capsys, "check", str(path))
    assert (status, out) == (2, "")
    assert f"bmuid profile: {path}: quantity: no field is called 'seconds'\n" in err
    assert f"bmuid profile: {path}: fields: 'uuid' is there 2 times\n" in err


SPLIT = """
code = "gateway"
name = "A gateway"
encoding = "utf-8"
fields = ["id", "who", "at", "up", "down"]
identities = [["id"]]
usage_class = "data"
quantity = "octets"
measure = "B"
splitting = ["upload", "download"]
layout = { kind = "DELIMITED", quoting = "NONE", widths = [5] }
uid = [{ type = "account", field = "who", form = "TEXT" }]
started = { field = "at", clock = "EPOCH" }
[trailer]
row = { begins = "END", fields = ["mark", "count"] }
count = "count"
[[derived]]
field = "octets"
make = "COMBINE"
template = "{down}"
[[derived]]
field = "octets"
make = "COMBINE"
template = "{up}"
when = [{ field = "split", is = ["upload"] }]
[[type]]
name = "guest"
when = [{ field = "who", prefix = ["g-"] }]
usage_class = "guest"
"""


def test_each_stage_of_each_row_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What came, what was derived, which type it is, what usage it makes, and what is the same again."""
    (tmp_path / "p.toml").write_text(SPLIT)
    sample = tmp_path / "sample.gz"
    sample.write_bytes(gzip.compress(b"1,g-7,1785571205,5,6\n1,g-7,1785571205,5,7\nx\nEND,4\n"))
    status, out, err = said(capsys, "try", str(tmp_path / "p.toml"), str(sample))
    assert (status, err) == (1, "")
    assert out.splitlines()[:5] == [
        "line 1",
        "  row      id=1  who=g-7  at=1785571205  up=5  down=6  split=upload",
        "  derived  octets = 6",
        "  derived  octets = 5",
        "  type     guest",
    ]
    assert "  usage    account g-7  guest  2026-08-01T08:00:05Z  5  - -> -" in out
    assert "  CONFLICT: the same event as line 1" in out
    assert "  REJECTED MALFORMED_LINE: 1 fields; expected 5" in out
    assert "  filtered FILTERED: trailer row" in out
    assert "6 lines: 2 UDR, 2 CONFLICT, 1 MALFORMED_LINE, 1 FILTERED" in out
    assert "such a file would be held: the trailer says 4 rows (count), the file has 3" in out
    status, out, _ = said(capsys, "try", str(tmp_path / "p.toml"), str(sample), "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row.get("verdict") for row in rows[:4]] == ["UDR", "UDR", "CONFLICT", "CONFLICT"]
    assert rows[1]["udr"]["quantity"] == 6
    assert rows[2]["same_as"] == 1
    assert rows[-1]["verdicts"]["CONFLICT"] == 2


@pytest.mark.parametrize(
    ("sample", "status", "told"),
    [
        (
            "id,from,to,answered,talk\n1,02079460001,0033199001234,01/08/2026 09:00:05,60\n",
            0,
            "started.written: answered may be %d/%m/%Y",
        ),
        (
            "id,from,to,answered\n1,02079460001,0033199001234,2026-08-01 09:00:05\n",
            1,
            "quantity: no column holds a duration that is known",
        ),
    ],
)
def test_a_script_goes_on_where_only_guesses_are_to_be_looked_at(
    sample: str, status: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The document is written in any case, and what is to be looked at is said; what is missing stops a script."""
    (tmp_path / "calls.csv").write_text(sample)
    found, out, err = said(capsys, "propose", str(tmp_path / "calls.csv"))
    assert found == status
    assert told in err
    assert told in out
    assert '\ncode = "calls"\n' in out


def test_a_real_file_is_tried_by_a_profile_that_comes_with_bmuid(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By its code; as many lines as are asked for."""
    sample = str(EXAMPLES / "usage/asterisk/Master-2026-10.csv")
    words = ("--country", "44", "--time-zone", "Europe/London", "--lines", "20")
    status, out, _ = said(capsys, "try", "asterisk-master-csv", sample, *words)
    assert status == 0
    assert "20 lines: " in out


# Of each profile that comes with bmuid, a file and how many UDRs its rows, or the sessions of its rows, come to.
TRIED = {
    "3gpp-msc": ("3gpp/msc.ber", 6),
    "3gpp-pgw": ("3gpp/pgw.cdr", 3),
    "3gpp-smf": ("3gpp/chf.ber", 1),
    "asterisk-cdr-adaptive": ("asterisk/cdr-adaptive.csv", 1),
    "asterisk-master-csv": (EXAMPLES / "usage/asterisk/Master-2026-10.csv", 0),
    "broadworks-cdr": ("broadworks/BW-CDR-20260803090000-2-00005E005340-000001.csv", 1),
    "cisco-cucm-cdr": ("cisco/cdr_StandAloneCluster_01_202608030910_1", 1),
    "cloudevents-usage": ("cloudevents/batch.json", 2),
    "docsis-samis-ipdr": ("ipdr/samis.xml", 1),
    "freeradius-detail": ("freeradius/detail-20260803", 1),
    "freeswitch-cdr-csv": (EXAMPLES / "usage/freeswitch/Master-2026-10.csv", 0),
    "freeswitch-json-cdr": ("freeswitch/json-cdr.json", 1),
    "freeswitch-xml-cdr": ("freeswitch/xml-cdr.xml", 1),
    "gsma-tap3": ("gsma/CDGBRT1DEUT100042", 4),
    "kamailio-acc": (EXAMPLES / "usage/kamailio/acc-recorded.log", 0),
    "kamailio-cdrs-csv": ("kamailio/cdrs.csv", 1),
    "netflow": ("netflow/private.ipfix", 4),
    "opensips-acc": ("opensips/acc.log", 1),
    "opensips-acc-csv": ("opensips/acc.csv", 1),
    # What the port of RADIUS writes: the same records, a line each.
    "radius-accounting": ("freeradius/detail-20260803", 1),
    "radius-accounting-split": ("freeradius/detail-20260803", 2),
}


@pytest.mark.parametrize("code", BUILT_IN)
def test_every_profile_that_comes_with_bmuid_can_be_tried(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a file of its kind, whatever it is: it is told what each row, and each session of rows, comes to."""
    name, count = TRIED[code]
    sample = SAMPLES / name
    if code.startswith("radius-"):
        decoding = BUILT_IN["freeradius-detail"].decoding
        assert decoding is not None
        rows = b"".join(line + b"\n" for line in decode(decoding, [sample.read_bytes()]))
        sample = tmp_path / "packets"
        sample.write_bytes(rows)
    words = ("--country", "44", "--time-zone", "Europe/London", "--lines", "100")
    status, text, err = said(capsys, "try", code, str(sample), *words)
    # The batch of events has one on purpose that can't be read.
    assert (status, err) == (code == "cloudevents-usage", "")
    _, out, _ = said(capsys, "try", code, str(sample), *words, "--json")
    *told, summary = [json.loads(line) for line in out.splitlines()]
    udrs = [each["udr"] for each in told if "udr" in each]
    assert len(udrs) == count if count else udrs
    assert summary["held"] == []
    assert text.count("\n  usage    ") == len(udrs)


BEGAN = 1_785_571_200


def packet(kind: str, session: str, at_s: int, octets: int = 0, node: str = "bras-1") -> bytes:
    """Write a record as the port of RADIUS does."""
    row = {
        "User-Name": "ada",
        "Acct-Status-Type": kind,
        "NAS": node,
        "Acct-Session-Time": str(at_s),
        "Event-Time": str(BEGAN + at_s),
        **({"Acct-Unique-Session-Id": session} if session else {}),
        **({"Input-Octets": str(octets)} if octets else {}),
    }
    return json.dumps(row).encode() + b"\n"


def test_what_becomes_of_sessions_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which session a record is of, what it is and counts; what is the same again; then what sessions come to."""
    sample = tmp_path / "packets"
    sample.write_bytes(
        packet("Start", "s1", 0)
        + packet("Interim-Update", "s1", 60, 70)
        + packet("Interim-Update", "s1", 60, 70)
        + packet("Interim-Update", "s1", 60, 80)
        + packet("Interim-Update", "s2", 60, 5, "bras-2")
        + packet("Stop", "", 60)
        + packet("Failed", "s1", 61)
        + packet("Accounting-On", "", 600)
        + packet("Start", "s3", 700)
        + packet("Stop", "s3", 800)
    )
    status, out, err = said(capsys, "try", "radius-accounting", str(sample))
    assert (status, err) == (1, "")
    assert "  session  bras-1 s1\n  record   INTERIM  2026-08-01T08:01:00Z  Input-Octets=70" in out
    assert "  duplicate: the same record as line 2\n" in out
    assert "  CONFLICT: the same record as line 2\n" in out
    assert "  REJECTED MISSING_FIELD: Acct-Unique-Session-Id is empty" in out
    assert "  filtered FILTERED: no session: Acct-Status-Type is 'Failed'" in out
    assert "it ends the sessions of bras-1 from before it, which were 1\n" in out
    _, *sessions = out.split("\nsession ")
    assert [each.splitlines()[0] for each in sessions] == [
        "bras-1 s1: usage 1, NODE, of 2 records, missing: stop",
        (
            "bras-2 s2: usage 1, TIMED_OUT (it is open yet: this is what it comes to if nothing more comes), "
            "of 1 records, missing: start stop"
        ),
        "bras-1 s3: usage 1, STOPPED, of 2 records",
    ]
    assert "  usage    login ada  data  2026-08-01T08:00:00Z  70  - -> -" in sessions[0]
    assert "  usage    login ada  data  2026-08-01T08:00:00Z  5  - -> -" in sessions[1]
    assert "  filtered FILTERED: no octets" in sessions[2]
    assert out.splitlines()[-2:] == [
        "10 lines: 5 RECORD, 2 FILTERED, 1 DUPLICATE, 1 CONFLICT, 1 MISSING_FIELD",
        "usage of their sessions: 2 UDR, 1 FILTERED",
    ]


@pytest.mark.parametrize(
    ("code", "octets", "why"),
    [
        ("kamailio-cdrs-csv", b"from,to\n1,2\n", "the line that names the columns has none called 'cdr_id'"),
        ("cisco-cucm-cdr", b"from,to\n1,2\n", " has none called "),
        ("kamailio-cdrs-csv", b"", "the file has no line that names its columns"),
        ("docsis-samis-ipdr", b"from,to\n1,2\n", "it can't be read as IPDR: "),
        ("gsma-tap3", b"", "it can't be read as BER: "),
        ("docsis-samis-ipdr", b"<a/>", "no row"),
        ("asterisk-master-csv", b"BZh91AY&SY", "bzip2"),
        ("broadworks-cdr", b"from,to\n", "no row in 8 octets"),
        ("cisco-cucm-cdr", b"from,to\n1,2\n", "has none called 'cdrRecordType'"),
    ],
)  # fmt: skip
def test_a_file_that_would_be_held_is_said_to_be(
    code: str, octets: bytes, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever tries a file that intake would not work learns that, and why, instead of each row's fault."""
    (tmp_path / "sample").write_bytes(octets)
    status, out, err = said(capsys, "try", code, str(tmp_path / "sample"))
    assert (status, err) == (1, "")
    assert out.startswith("such a file would be held: ")
    assert why in out
    status, out, _ = said(capsys, "try", code, str(tmp_path / "sample"), "--json")
    assert status == 1
    assert why in json.loads(out)["held"][0]


@pytest.mark.parametrize(
    ("octets", "told"),
    [(b"", "0 lines: nothing in it"), (b"x\ny\n", "2 lines: 2 MALFORMED_LINE")],
)
def test_a_file_of_which_nothing_can_be_read_is_no_success(
    octets: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script that tries a profile before it loads it is not told that all is well."""
    (tmp_path / "sample").write_bytes(octets)
    status, out, _ = said(capsys, "try", "asterisk-master-csv", str(tmp_path / "sample"))
    assert status == 1
    assert out.endswith(f"{told}\n")


def test_a_trailer_is_of_all_lines_however_few_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A long file is judged as a whole."""
    (tmp_path / "p.toml").write_text(SPLIT)
    (tmp_path / "sample").write_bytes(b"1,g-7,1785571205,5,6\n2,g-7,1785571205,5,7\nEND,3\n")
    words = ("try", str(tmp_path / "p.toml"), str(tmp_path / "sample"), "--lines", "1")
    status, out, _ = said(capsys, *words)
    assert status == 1
    assert out.endswith(
        "such a file would be held: the trailer says 3 rows (count), the file has 2\n"
    )


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("try", "no-such", "x"), "no-such: neither a document nor one of 3gpp-msc, "),
        (("try", "asterisk-master-csv", "missing.csv"), "missing.csv: No such file"),
        (("check", "missing.toml"), "missing.toml: No such file"),
        (("propose", "missing.csv"), "missing.csv: No such file"),
        (("try", "asterisk-master-csv", "page", "--time-zone", "Mars"), "not a time zone: 'Mars'"),
        (("propose", "page"), "no rows of columns"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_line(
    words: tuple[str, ...],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing ends with a trace of the program."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page").write_text("just words\n")
    status, out, err = said(capsys, *words)
    assert (status, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1
