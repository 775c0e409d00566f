"""The demo company and its call records are what examples/README.md says they are."""

import csv
import re
import subprocess
import sys
import tomllib
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
USAGE = EXAMPLES / "usage"
CATALOGUE = tomllib.loads((EXAMPLES / "demo" / "catalogue.toml").read_text("utf-8"))
ACCOUNTS = tomllib.loads((EXAMPLES / "demo" / "accounts.toml").read_text("utf-8"))["account"]
SOURCES = tomllib.loads((EXAMPLES / "demo" / "sources.toml").read_text("utf-8"))["source"]
EXPECTED = tomllib.loads((USAGE / "expected.toml").read_text("utf-8"))
FILES = {table["path"]: table for table in EXPECTED["file"]}
KINDS = [
    "rateable",
    "not_answered",
    "internal",
    "unknown_owner",
    "no_rate",
    "malformed",
    "duplicate",
    "conflict",
]
LONDON = ZoneInfo("Europe/London")

# E.164 without "+"; examples/README.md names who keeps each range free.
RESERVED = re.compile(
    r"44(?:1632960|11[34568]4960|1174960|1[23456]14960|1914980|2079460|2920180|7700900|3069990"
    r"|8081570|9098790)\d{3}"
    r"|1[2-9]\d\d55501\d\d"
    r"|33(?:19900|26191|46571|63998)\d{4}"
    r"|49(?:3023125|6990009|4066969|2214710|8999998)\d{3}|49(?:17139200|176040690)\d\d"
    r"|3532091\d{5}"
    r"|46(?:3139006|4062804|8465004)\d\d|467017406(?:0[5-9]|[1-9]\d)"
    r"|61[2378]5550\d{4}|61491570(?:15[6-9]|110)"
    r"|8815\d{8}"
)


class Told(NamedTuple):
    """What a line of a call record file says, whatever its layout."""

    key: str
    caller: str
    called: str
    internal: bool
    answered: bool
    start: datetime
    seconds: str


def e164(dialled: str) -> str:
    """A number as dialled in Britain, in E.164 without "+"."""
    if dialled.startswith("+"):
        return dialled[1:]
    return dialled[2:] if dialled.startswith("00") else f"44{dialled[1:]}"


def told_by_asterisk(line: str) -> Told:
    """The fields of Master.csv that matter for a bill; ValueError if it is no record."""
    fields = next(csv.reader([line], strict=True))
    if len(fields) != 18:
        raise ValueError(line)
    start = datetime.fromisoformat(fields[9]).replace(tzinfo=LONDON)
    return Told(
        key=fields[16],
        caller=fields[1],
        called=fields[2],
        internal=fields[3] == "internal",
        answered=fields[14] == "ANSWERED",
        start=start,
        seconds=str(int(fields[13])),
    )


def told_by_freeswitch(line: str) -> Told:
    """The same from mod_cdr_csv's line."""
    fields = re.findall(r'"([^"]*)"(?:,|$)', line)
    if len(fields) != 15:
        raise ValueError(line)
    return Told(
        key=fields[10],
        caller=fields[1],
        called=fields[2],
        internal=False,
        answered=fields[5] != "",
        start=datetime.fromisoformat(fields[4]).replace(tzinfo=LONDON),
        seconds=str(int(fields[8])),
    )


def told_by_kamailio(line: str) -> Told:
    """The same from a line of Kamailio's accounting."""
    record = line.split("(): ", 1)[1].removeprefix("ACC: call missed: ")
    pairs = dict(re.findall(r"(\w+)=([^;]*)(?:; ?|$)", record))
    began = float(pairs.get("start_time") or pairs["time_attr"])
    return Told(
        key=pairs["call_id"],
        caller=pairs["src_user"],
        called=pairs["dst_user"],
        internal=False,
        answered="duration" in pairs,
        start=datetime.fromtimestamp(began, UTC),
        seconds=pairs.get("duration", "0"),
    )


READERS = {
    "asterisk": told_by_asterisk,
    "freeswitch": told_by_freeswitch,
    "kamailio": told_by_kamailio,
}


def read(path: str) -> list[Told | None]:
    """Every line of a file, None where no record can be read from it."""
    told: list[Told | None] = []
    reader = READERS[Path(path).parts[0]]
    for line in (USAGE / path).read_text("utf-8").splitlines():
        try:
            told.append(reader(line))
        except (ValueError, csv.Error):
            told.append(None)
    return told


def owners() -> dict[str, list[tuple[date, date, str]]]:
    """Number -> who held it from when to when."""
    held: dict[str, list[tuple[date, date, str]]] = {}
    for account in ACCOUNTS:
        for service in account["service"]:
            for uid in service["uids"]:
                first = uid.get("from", service["from"])
                last = uid.get("to", date(9999, 1, 1))
                held.setdefault(uid["value"], []).append((first, last, account["number"]))
    return held


def kind_of(
    told: Told, seen: dict[str, str], held: dict[str, list[tuple[date, date, str]]]
) -> str:
    """Which of the kinds of expected.toml a readable line is; `seen` grows."""
    if told.internal:
        return "internal"
    if not told.answered:
        return "not_answered"
    if told.key in seen:
        return "duplicate" if seen[told.key] == told.seconds else "conflict"
    seen[told.key] = told.seconds
    day = told.start.astimezone(LONDON).date()
    if not any(a <= day < b for a, b, _ in held.get(e164(told.caller), [])):
        return "unknown_owner"
    return "no_rate" if e164(told.called).startswith("881") else "rateable"


def location_of(number: str) -> str:
    """The location whose pattern fits a number best."""
    patterns: dict[str, str] = {
        p: at["code"] for at in CATALOGUE["location"] for p in at["patterns"]
    }
    return next(patterns[number[:n]] for n in range(len(number), 0, -1) if number[:n] in patterns)


def test_the_same_records_are_made_on_every_run(tmp_path: Path) -> None:
    """Whoever makes the demo's call records again gets the very octets that are here."""
    script = EXAMPLES / "make_usage.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, timeout=60)
    made = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert len(made) == 8
    for name in made:
        assert (tmp_path / name).read_bytes() == (USAGE / name).read_bytes(), name


def test_the_counts_that_other_tests_rely_on_are_those_of_the_files() -> None:
    """Each line of each file is of the kind that expected.toml counts it under."""
    held, seen = owners(), dict[str, dict[str, str]]()
    for path in sorted(FILES):
        table, told = FILES[path], read(path)
        switch = seen.setdefault(table["source"], {})
        kinds = ["malformed" if each is None else kind_of(each, switch, held) for each in told]
        counts = Counter(kinds)
        assert {kind: counts[kind] for kind in KINDS} == {kind: table[kind] for kind in KINDS}, (
            path
        )
        assert table["lines"] == len(told) == sum(table[kind] for kind in KINDS)
        assert table["answered"] == sum(each is not None and each.answered for each in told)
        rateable = [e for e, kind in zip(told, kinds, strict=True) if e and kind == "rateable"]
        total = sum(Decimal(each.seconds) for each in rateable)
        milliseconds = table.get("rateable_milliseconds", table.get("rateable_seconds", 0) * 1000)
        assert total * 1000 == milliseconds, path


def test_the_readme_tells_the_same_counts() -> None:
    """Whoever reads examples/README.md is told what is in the files."""
    readme = (EXAMPLES / "README.md").read_text("utf-8")
    for path, table in FILES.items():
        row = [table[name] for name in ("lines", "answered", *KINDS)]
        assert f"| `{path}` | {' | '.join(map(str, row))} |" in readme


def test_there_are_ten_thousand_records_over_three_months() -> None:
    """The demo is large enough to look like a company: 10,000 records, August to October."""
    lines = sum(table["lines"] for path, table in FILES.items() if not path.startswith("kamailio"))
    assert lines >= 10_000
    months = {
        f"{each.start:%Y-%m}"
        for path in FILES
        if not path.startswith("kamailio")
        for each in read(path)
        if each is not None
    }
    assert months == {"2026-08", "2026-09", "2026-10"}


@pytest.mark.parametrize("path", sorted(FILES))
def test_no_number_can_reach_anybody(path: str) -> None:
    """Whoever dials a number of the demo by mistake disturbs nobody."""
    for told in read(path):
        if told is not None and not told.internal:
            assert RESERVED.fullmatch(e164(told.caller)), told
            assert RESERVED.fullmatch(e164(told.called)), told


def test_a_number_has_one_holder_at_a_time() -> None:
    """A customer is never billed for calls made while a number was somebody else's."""
    changes = 0
    for number, periods in owners().items():
        assert RESERVED.fullmatch(number)
        ordered = sorted(periods)
        changes += len(ordered) - 1
        for (_, ended, _), (began, _, _) in pairwise(ordered):
            assert ended <= began, number
    assert changes == 1


def test_demo_logins_are_plainly_demo_logins() -> None:
    """Nobody can take a demo login for a real person's."""
    logins = [login for account in ACCOUNTS for login in account.get("login", [])]
    assert ACCOUNTS[0]["number"] == "A1001"
    assert ACCOUNTS[0]["login"]
    assert len(logins) == 3
    for login in logins:
        assert login["login"].endswith(".example")
        assert len(login["password"]) >= 15
        assert "demo" in login["password"]


def test_every_code_in_the_catalogue_is_declared() -> None:
    """No rate, package or account refers to something that the catalogue lacks."""
    codes = {
        kind: [each["code"] for each in CATALOGUE[kind]]
        for kind in CATALOGUE
        if "code" in (CATALOGUE[kind][0] if isinstance(CATALOGUE[kind], list) else {})
    }
    for kind, names in codes.items():
        assert len(names) == len(set(names)), kind
    for at in CATALOGUE["location"]:
        assert at.get("parent", "UK") in codes["location"]
    for rate in CATALOGUE["rate"]:
        assert rate["group"] in codes["rate_group"]
        assert rate["class"] in codes["usage_class"]
        # Data and messages cost the same wherever they go.
        assert rate["class"] in {"data", "sms"} or rate["location"] in codes["location"]
        assert rate["class"] in {"data", "sms"} or rate["rounding"] in codes["rounding"]
        assert all(isinstance(rate.get(name, ""), str) for name in ("price", "connect"))
    for package in CATALOGUE["package"]:
        assert package["rate_plan"] in codes["rate_plan"]
        assert package["tax"] in codes["tax"]
        assert set(package["buckets"]) <= set(codes["bucket"])
    packages = {service["package"] for account in ACCOUNTS for service in account["service"]}
    assert packages == set(codes["package"])
    sources = {source["code"] for source in SOURCES}
    assert {table["source"] for table in FILES.values()} == sources


def test_no_number_belongs_to_two_locations() -> None:
    """A clerk who looks a number up finds one place."""
    patterns = [p for at in CATALOGUE["location"] for p in at["patterns"]]
    assert len(patterns) == len(set(patterns))
    assert all(p.isascii() and p.isdigit() for p in patterns)


def test_every_call_but_those_to_satellites_has_a_rate_in_both_plans() -> None:
    """A call waits without a price only where the demo means to show that."""
    parents = {at["code"]: at.get("parent") for at in CATALOGUE["location"]}
    priced = {(rate["group"], rate.get("location")) for rate in CATALOGUE["rate"]}
    always = {
        g["code"] for g in CATALOGUE["rate_group"] if "time_period" not in g and "to" not in g
    }
    called = {
        e164(each.called) for path in FILES for each in read(path) if each and not each.internal
    }
    for plan in CATALOGUE["rate_plan"]:
        groups = set(plan["groups"])
        peak = next(g for g in groups if g.endswith("-PEAK"))
        for number in called:
            at: str | None = location_of(number)
            rated = False
            while at is not None:
                rated |= any((group, at) in priced for group in {peak, *(groups & always)})
                at = parents[at]
            assert rated is not number.startswith("881"), number


def test_peak_and_off_peak_fill_the_week_once() -> None:
    """At any minute of the week a UK call is peak or off-peak, never both, never neither."""
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    minutes = [0] * (7 * 1440)
    for period in CATALOGUE["time_period"]:
        for window in period["windows"]:
            span, clock = window.split(" ")
            first, last = (days.index(day) for day in (span.split("-") * 2)[:2])
            begin, end = (int(at[:2]) * 60 + int(at[3:]) for at in clock.split("-"))
            for day in range(first, last + 1):
                for minute in range(begin, end):
                    minutes[day * 1440 + minute] += 1
    assert set(minutes) == {1}
    pairs = {
        (rate["group"].replace("OFF", ""), rate["location"]): 0
        for rate in CATALOGUE["rate"]
        if rate["group"].endswith("PEAK")
    }
    counted = Counter(
        (rate["group"].replace("OFF", ""), rate["location"])
        for rate in CATALOGUE["rate"]
        if rate["group"].endswith("PEAK")
    )
    assert all(counted[pair] == 2 for pair in pairs)


def test_the_first_customer_uses_up_the_inclusive_minutes_in_some_months_only() -> None:
    """The first demo login shows a month within the allowance and a month beyond it."""
    used = {
        m["month"]: m["national_seconds"] for m in EXPECTED["month"] if m["account"] == "A1001"
    }
    assert min(used.values()) < 60_000 < max(used.values())


def test_the_hour_that_happens_twice_is_told_apart_by_the_unique_id() -> None:
    """A call at 01:10 in the night of the clock change is billed at the right one of two 01:10s."""
    asterisk = [each for each in EXPECTED["clock_change"] if "-" not in each["unique_id"]]
    assert len(asterisk) == 4
    for each in asterisk:
        assert int(each["unique_id"].split(".")[0]) == each["start"].timestamp()
        assert f"{each['start'].astimezone(LONDON):%Y-%m-%d %H:%M:%S}" == each["start_local"]


def test_the_recording_holds_the_calls_that_were_to_be_made() -> None:
    """What Kamailio recorded are the calls of numbers.csv, each once, none lost."""
    rows = (USAGE / "kamailio" / "numbers.csv").read_text("utf-8").splitlines()[1:]
    wanted = Counter(
        (a, b, outcome == "answer") for a, b, outcome, _ in (r.split(";") for r in rows)
    )
    told = [each for each in read("kamailio/acc-recorded.log") if each is not None]
    assert Counter((each.caller, each.called, each.answered) for each in told) == wanted
    assert len({each.key for each in told}) == len(told)
