"""Profiles are checked, tried and proposed from files alone; the commands of docs/mediation.md do what it says."""

import gzip
import json
import re
import shlex
from pathlib import Path

import pytest

from bmu.mediation import BUILT_IN, document_of
from bmuid.__main__ import main

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
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
        assert status in (0, 1), (command, err)
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
    assert "the file would be held: the trailer says 4 rows (count), the file has 3" in out
    status, out, _ = said(capsys, "try", str(tmp_path / "p.toml"), str(sample), "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row.get("verdict") for row in rows[:4]] == ["UDR", "UDR", "CONFLICT", "CONFLICT"]
    assert rows[1]["udr"]["quantity"] == 6
    assert rows[2]["same_as"] == 1
    assert rows[-1]["verdicts"]["CONFLICT"] == 2


def test_a_real_file_is_tried_by_a_profile_that_comes_with_bmuid(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By its code; as many lines as are asked for."""
    sample = str(EXAMPLES / "usage/asterisk/Master-2026-10.csv")
    words = ("--country", "44", "--time-zone", "Europe/London", "--lines", "20")
    status, out, _ = said(capsys, "try", "asterisk-master-csv", sample, *words)
    assert status == 0
    assert "20 lines: " in out


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
