"""Usage is rated from files alone; what can't be rated is told line by line."""

import csv
import io
import json
import random
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from bmuid.cli.rate import main

EXAMPLES = Path(__file__).parents[3] / "examples"
CATALOGUE = str(EXAMPLES / "offline" / "catalogue")
USAGE = str(EXAMPLES / "offline" / "usage.csv")
HEAD = "id,account,package,uid,class,started_at,quantity,destination"
CALL = "c1,A1,MOBILE,447700900101,voice,2026-11-02T09:00:00+00:00,75,441632960555"


def rated(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Type `bmuid rate`: its exit status, what it writes, what it complains of."""
    status = main(words)
    out, err = capsys.readouterr()
    return status, out, err


def usage(tmp_path: Path, *lines: str, name: str = "usage.csv") -> str:
    """Give a file of usage."""
    path = tmp_path / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def test_the_example_costs_what_a_clerk_computes(capsys: pytest.CaptureFixture[str]) -> None:
    """Inclusive minutes first, the rest by the rate of place and hour, rounded, taxed."""
    status, out, err = rated(capsys, "--catalogue", CATALOGUE, "--usage", USAGE)
    found = {row["id"]: row for row in csv.DictReader(io.StringIO(out))}

    assert [(row["id"], row["rounded"], row["drawn"], row["amount"], row["tax"]) for row in found.values()] == [
        ("c1", "78", "100-MIN=78", "0", "0"),
        ("c2", "6204", "100-MIN=5922", "0.423", "0.0846"),
        ("c3", "90", "", "0.23", "0.046"),
        ("c4", "2500608", "", "0.0125", "0.0025"),
        ("c5", "66", "100-MIN=66", "0", "0"),
    ]  # fmt: skip
    assert (found["c2"]["location"], found["c2"]["pattern"], found["c2"]["rate"]) == (
        "UK-MOB",
        "447",
        "PEAK/voice/UK",
    )
    assert status == 1
    assert err.splitlines() == [
        "bmuid rate: line 7: BAD_LINE: quantity: '-5' is no whole number of base units",
        "bmuid rate: line 8: NO_LOCATION: no pattern begins the number '99900000000'",
        "bmuid rate: 7 events, 5 rated, 2 not; 0.7986 GBP with tax",
    ]


def test_json_lines_give_the_same_figures(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What comes as JSON and leaves as JSON costs what the same table costs."""
    table = list(csv.DictReader(Path(USAGE).read_text("utf-8").splitlines()))
    lines = [json.dumps({**row, "quantity": int(row["quantity"]), "trunk": None}) for row in table]
    file = usage(tmp_path, *lines, name="usage.jsonl")

    _, as_csv, _ = rated(capsys, "--catalogue", CATALOGUE, "--usage", USAGE)
    _, as_json, _ = rated(capsys, "--catalogue", CATALOGUE, "--usage", file, "--output", "jsonl")
    ours = [json.loads(line) for line in as_json.splitlines()]
    theirs = csv.DictReader(io.StringIO(as_csv))
    assert [(row["id"], row["amount"], row["tax"], str(row["billable"])) for row in ours] == [
        (row["id"], row["amount"], row["tax"], row["billable"]) for row in theirs
    ]


def test_bad_lines_go_to_the_file_with_their_numbers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Whoever mends the file is told which line, which field and why; the other lines are rated."""
    rejects = tmp_path / "rejects.csv"
    lines = [
        HEAD,
        CALL,
        CALL.replace("09:00:00+00:00", "09:00:00"),
        "",
        CALL.replace(",75,", ",7.5,"),
        CALL.replace("voice", ""),
        CALL.replace("voice", "telex"),
        CALL.replace("MOBILE", "GONE"),
        CALL.replace("MOBILE", ""),
        CALL + ",more",
        CALL.replace("c1", '"c1'),
        CALL.replace("A1", "A\x01"),
        CALL.replace(",75,", ",99999999999999999999,"),
    ]
    words = ("--catalogue", CATALOGUE, "--usage", usage(tmp_path, *lines))
    status, out, _ = rated(capsys, *words, "--rejects", str(rejects))
    found = list(csv.DictReader(rejects.read_text("utf-8").splitlines()))

    assert (status, len(out.splitlines())) == (1, 2)
    assert [(row["line"], row["reason"], row["detail"].partition(":")[0]) for row in found] == [
        ("3", "BAD_LINE", "started_at"),
        ("5", "BAD_LINE", "quantity"),
        ("6", "BAD_LINE", "class"),
        ("7", "NO_USAGE_CLASS", "no usage class 'telex'"),
        ("8", "NO_PACKAGE", "no package GONE in the catalogue"),
        ("9", "BAD_LINE", "package"),
        ("10", "BAD_LINE", "has 9 fields, the first line 8"),
        ("11", "BAD_LINE", "can't be read as CSV"),
        ("12", "BAD_LINE", "account"),
        ("13", "BAD_LINE", "quantity"),
    ]
    assert found[0]["usage"] == lines[2]


def test_the_status_tells_whether_all_was_rated(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A script needs not read what is said: 0 all, 1 some not, 2 nothing could be done."""
    good = usage(tmp_path, HEAD, CALL)
    assert rated(capsys, "--catalogue", CATALOGUE, "--usage", good)[0] == 0
    assert rated(capsys, "--catalogue", CATALOGUE, "--usage", USAGE)[0] == 1
    for words, said in (
        (("--catalogue", str(tmp_path / "none"), "--usage", good), "No such file"),
        (("--catalogue", str(tmp_path), "--usage", good), "usage.csv: is no table of a catalogue"),
        (("--catalogue", CATALOGUE, "--usage", str(tmp_path / "none")), "No such file"),
        (("--catalogue", CATALOGUE, "--usage", usage(tmp_path, "a,b", "1,2")), "names no column"),
        (("--catalogue", CATALOGUE, "--usage", good, "--accounts", CATALOGUE), "Is a directory"),
    ):
        status, out, err = rated(capsys, *words)
        assert (status, out) == (2, ""), words
        assert said in err


def test_a_faulty_catalogue_is_told_whole(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """File, line and field of everything to mend, at once; nothing is rated."""
    shutil.copytree(CATALOGUE, tmp_path / "catalogue")
    rates = tmp_path / "catalogue" / "rates.csv"
    rates.write_text(
        rates.read_text("utf-8").replace("0.09,", "0;09,").replace("voice,FR", "voice,XX"), "utf-8"
    )
    main_ = tmp_path / "catalogue" / "catalogue.toml"
    main_.write_text(
        main_.read_text("utf-8").replace("increment = 6\n", "increment = 0\n"), "utf-8"
    )
    words = ("--catalogue", str(tmp_path / "catalogue"), "--usage", USAGE)
    status, out, err = rated(capsys, *words)

    assert (status, out) == (2, "")
    assert err.splitlines() == [
        "bmuid rate: rates.csv:2: price: not a decimal number: '0;09'",
        "bmuid rate: catalogue.toml:28: rounding[1]: 60-6 increment is 0, less than 1",
        "bmuid rate: rates.csv:5: ALWAYS/voice/XX names the location 'XX', which does not exist",
    ]


def test_customers_of_a_file_own_their_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo's accounts: a number that changed hands belongs to whom it belonged when the call began."""
    usage_file = EXAMPLES / "offline" / "demo-usage.csv"
    demo = EXAMPLES / "demo"
    status, out, _ = rated(
        capsys, "--catalogue", str(demo / "catalogue.toml"), "--accounts", str(demo / "accounts.toml"),
        "--usage", str(usage_file),
    )  # fmt: skip
    found = [(row["line"], row["account"]) for row in csv.DictReader(io.StringIO(out))]
    assert found == [("2", "A1021"), ("3", "A1022")]
    assert status == 1


def test_totals_are_the_sums_of_the_events(capsys: pytest.CaptureFixture[str]) -> None:
    """The summary says by account and class what the events say one by one, to the last digit."""
    words = ("--catalogue", CATALOGUE, "--usage", USAGE)
    _, events, _ = rated(capsys, *words)
    _, summary, _ = rated(capsys, *words, "--summary", "--output", "jsonl")
    totals = [json.loads(line) for line in summary.splitlines()]
    assert [(one["account"], one["class"], one["events"], one["total"]) for one in totals] == [
        ("A1", "data", 1, "0.015"),
        ("A1", "voice", 3, "0.7836"),
        ("A2", "voice", 1, "0"),
    ]
    assert sum(one["quantity"] for one in totals) == sum(
        int(row["quantity"]) for row in csv.DictReader(io.StringIO(events))
    )


def test_each_amount_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """With --explain, every event tells which rate, what was included and how the amount was made."""
    words = ("--catalogue", CATALOGUE, "--usage", USAGE, "--explain", "--output", "jsonl")
    _, out, _ = rated(capsys, *words)
    second = json.loads(out.splitlines()[1])
    told = {step["title"]: step["text"] for step in second["explain"]}
    assert "5,922 s from 100 minutes within the UK" in told["What is included"]
    assert "0.423 GBP" in told["The amount"]


def test_custom_columns_are_taken(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Columns that mean nothing to rating by themselves do no harm."""
    file = usage(tmp_path, HEAD + ",trunk", CALL + ",T1")
    assert rated(capsys, "--catalogue", CATALOGUE, "--usage", file)[0] == 0


def test_memory_does_not_grow_with_the_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A file ten times as long needs no more room: lines are rated as they are read."""
    chance = random.Random(5)
    peaks = []
    for count in (3_000, 30_000):
        lines = [CALL.replace(",75,", f",{chance.randrange(3600)},") for _ in range(count)]
        file = usage(tmp_path, HEAD, *lines)
        words = ("--catalogue", CATALOGUE, "--usage", file, "--summary")
        tracemalloc.start()
        assert rated(capsys, *words)[0] == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0], peaks


def test_it_runs_without_the_libraries_of_the_database() -> None:
    """Rating offline loads neither the driver of PostgreSQL nor the reactor."""
    code = (
        "import sys; from bmuid.__main__ import main; main(sys.argv[1:]);"
        "assert not {'psycopg2', 'twisted.internet.reactor'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "rate", "--catalogue", CATALOGUE, "--usage", USAGE],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("line,id,account")
