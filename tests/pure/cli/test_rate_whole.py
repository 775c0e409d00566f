"""Offline, too, all allowances are granted and all periods priced, as a clerk computes them by hand."""

import csv
import io
import json
from pathlib import Path

import pytest

from bmuid.cli.rate import main

CATALOGUE = """
[company]
name = "Company"
currency = "GBP"
time_zone = "Europe/London"
country = "GB"
[[usage_class]]
code = "data"
name = "Data"
unit = "DATA"
rater = "CLASS"
[[usage_class]]
code = "api"
name = "Requests"
unit = "COUNT"
rater = "CLASS"
[[usage_class]]
code = "fee"
name = "Support"
unit = "COUNT"
rater = "CLASS"
[[rate_plan]]
code = "P"
name = "Plan"
places = 2
rounding = "HALF_UP"
groups = ["WHOLE", "GOLD", "EACH"]
[[rate_group]]
code = "WHOLE"
name = "By the period"
aggregate = true
conditions = [{ field = "service.package", operator = "EQUALS", values = ["TIERS"] }]
[[rate_group]]
code = "GOLD"
name = "Gold customers"
conditions = [{ field = "account.segment", operator = "EQUALS", values = ["gold"] }]
[[rate_group]]
code = "EACH"
name = "Each"
[[rate]]
group = "WHOLE"
class = "api"
type = "STANDARD"
aggregation = "GRADUATED"
tiers = [{ from = 0, price = "2", per = "1" }, { from = 100, price = "1.50", per = "1" }, { from = 200, price = "1", per = "1" }]
[[rate]]
group = "WHOLE"
class = "data"
type = "STANDARD"
aggregation = "COUNTED"
aggregate_scope = "ACCOUNT"
tiers = [{ from = 0, price = "0.02", per = "1" }, { from = 2, price = "0.01", per = "1" }]
[[rate]]
group = "WHOLE"
class = "fee"
type = "STANDARD"
aggregation = "PERCENTAGE"
aggregate_scope = "ACCOUNT"
tiers = [{ from = 0, price = "0.05", per = "1" }]
[[rate]]
group = "GOLD"
class = "api"
type = "STANDARD"
price = "0.5"
per = "1"
[[rate]]
group = "EACH"
class = "api"
type = "STANDARD"
price = "1"
per = "1"
[[rate]]
group = "EACH"
class = "data"
type = "STANDARD"
price = "1"
per = "MB"
[[bucket]]
code = "ROLL"
name = "10 MB, rolling"
unit = "DATA"
classes = ["data"]
quantity = 10000000
recurrence = "MONTH"
rollover = true
[[bucket]]
code = "PART"
name = "310 requests a month"
unit = "COUNT"
classes = ["api"]
quantity = 310
recurrence = "MONTH"
prorated = true
[[bucket]]
code = "MONEY"
name = "Fifty pounds"
kind = "MONEY"
unit = "COUNT"
classes = ["api"]
quantity = "50"
recurrence = "MONTH"
[[bucket]]
code = "SIZED"
name = "A byte each request"
unit = "DATA"
classes = ["data"]
quantity = 1000
size_by = "api"
size_per = 1
recurrence = "MONTH"
[[bucket]]
code = "PASS"
name = "A week from the first need on"
unit = "COUNT"
classes = ["api"]
quantity = 100
recurrence = "WEEK"
on_first_use = true
[[bucket]]
code = "TREE"
name = "100 requests for all"
unit = "COUNT"
classes = ["api"]
quantity = 100
recurrence = "MONTH"
scope = "TREE"
[[tax]]
code = "VAT"
name = "VAT 20%"
rate = "0.20"
from = 2011-01-04
[[tax]]
code = "CITY"
name = "City tax"
rate = "0.05"
compound = true
[[tax_code]]
code = "ALL"
name = "All"
taxes = ["VAT"]
default = true
[[tax_code]]
code = "SHOPS"
name = "Shops"
taxes = ["VAT", "CITY"]
account_category = "shop"
country = "FR"
""" + "".join(
    f"""
[[package]]
code = "{code}"
name = "{code}"
price = "0"
frequency = "MONTH"
rate_plan = "P"
buckets = {json.dumps(buckets)}
"""
    for code, buckets in (
        ("TIERS", []), ("ROLL", ["ROLL"]), ("PART", ["PART"]), ("MONEY", ["MONEY"]),
        ("SIZED", ["SIZED"]), ("PASS", ["PASS"]), ("TREE", ["TREE"]), ("PLAIN", []),
    )
)  # fmt: skip
NOON = "T12:00:00Z"


def rated(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    head: str,
    lines: list[str],
    *words: str,
    catalogue: str = CATALOGUE,
) -> list[dict[str, str]]:
    """Rate lines of usage; give the records that are written."""
    (tmp_path / "catalogue.toml").write_text(catalogue, encoding="utf-8")
    usage = tmp_path / "usage.csv"
    usage.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    status = main(["--catalogue", str(tmp_path / "catalogue.toml"), "--usage", str(usage), *words])
    out, err = capsys.readouterr()
    assert status == 0, err
    return list(csv.DictReader(io.StringIO(out)))


HEAD = "package,account,service,class,started_at,quantity"


def test_graduated_tiers_are_priced_at_the_end_of_the_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """250 requests of two days cost 400, not each day's 185 and 300; the next month begins anew."""
    lines = [
        f"TIERS,A,1,api,2026-11-02{NOON},100",
        f"TIERS,A,1,api,2026-11-03{NOON},150",
        f"TIERS,A,1,api,2026-12-03{NOON},1",
    ]
    found = rated(capsys, tmp_path, HEAD, lines, "--explain")

    assert [(row["id"], row["rate"], row["quantity"], row["amount"], row["tax"]) for row in found] == [
        ("", "WHOLE/api", "100", "0", "0"),
        ("", "WHOLE/api", "150", "0", "0"),
        ("", "WHOLE/api", "1", "0", "0"),
        ("period", "WHOLE/api", "250", "400", "80"),
        ("period", "WHOLE/api", "1", "2", "0.4"),
    ]  # fmt: skip
    assert found[3]["explain"].startswith("All of the period: 250. From 0: 2 × 100")  # noqa: RUF001


def test_services_are_counted_and_a_percentage_is_of_all_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Two services make 1,000 bytes cost 10.00; support is 5 % of that and of 100 requests at 2.00 each."""
    lines = [
        f"TIERS,A,1,data,2026-11-02{NOON},600",
        f"TIERS,A,2,data,2026-11-03{NOON},400",
        f"TIERS,A,2,fee,2026-11-03{NOON},1",
        f"TIERS,A,2,api,2026-11-03{NOON},100",
    ]
    found = rated(capsys, tmp_path, HEAD, lines)
    summary = rated(capsys, tmp_path, HEAD, lines, "--summary")

    assert {row["class"]: row["amount"] for row in found[4:]} == {
        "data": "10", "fee": "10.5", "api": "200",
    }  # fmt: skip
    assert [(row["class"], row["events"], row["total"]) for row in summary] == [
        ("api", "1", "240"), ("data", "2", "12"), ("fee", "1", "12.6"),
    ]  # fmt: skip


def test_what_is_left_rolls_over(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """10 MB, 8 used: the next month has 12; a batch's size changes nothing."""
    lines = [f"ROLL,A,1,data,2026-11-02{NOON},8000000", f"ROLL,A,1,data,2026-12-02{NOON},13000000"]
    found = rated(capsys, tmp_path, HEAD, lines)

    assert [(row["drawn"], row["billable"], row["amount"]) for row in found] == [
        ("ROLL=8000000", "0", "0"),
        ("ROLL=2000000 ROLL=10000000", "1000000", "1"),
    ]


def test_a_month_begun_late_grants_its_part(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """310 for July, had from the 10th on, are 220; without a day it is the whole month."""
    lines = [
        f"PART,A,1,api,2026-07-12{NOON},300,2026-07-10",
        f"PART,B,1,api,2026-07-12{NOON},300,",
    ]
    found = rated(capsys, tmp_path, HEAD + ",service_from", lines)

    assert [row["drawn"] for row in found] == ["PART=220", "PART=300"]


def test_money_pays_until_it_is_used_up(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Of 50.00, charges of 30.00 and 25.00 leave 5.00 to pay."""
    lines = [f"MONEY,A,1,api,2026-07-12{NOON},30", f"MONEY,A,1,api,2026-07-13{NOON},25"]
    found = rated(capsys, tmp_path, HEAD, lines)

    assert [(row["drawn"], row["amount"]) for row in found] == [
        ("MONEY=30", "0"),
        ("MONEY=20", "5"),
    ]


def test_usage_makes_the_size(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Each request brings 1,000 bytes, those before and not those after."""
    lines = [
        f"SIZED,A,1,api,2026-07-12{NOON},2",
        f"SIZED,A,1,data,2026-07-13{NOON},3000",
        f"SIZED,A,1,api,2026-07-14{NOON},1",
        f"SIZED,A,1,data,2026-07-15{NOON},3000",
    ]
    found = rated(capsys, tmp_path, HEAD, lines)

    assert [row["drawn"] for row in found] == ["", "SIZED=2000", "", "SIZED=1000"]


def test_lines_may_say_all_that_decides_prices(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Attributes choose the group, category and country the taxes, a certificate spares one of them."""
    lines = [
        f"PLAIN,A,1,api,2026-07-12{NOON},2,gold,,,",
        f"PLAIN,B,1,api,2026-07-12{NOON},2,,shop,FR,",
        f"PLAIN,C,1,api,2026-07-12{NOON},2,,shop,FR,VAT=C-77",
        f"PLAIN,D,1,api,2026-07-12{NOON},2,,shop,FR,C-78",
    ]
    head = HEAD + ",account.segment,category,country,exemption"
    found = rated(capsys, tmp_path, head, lines)

    assert [(row["amount"], row["tax"]) for row in found] == [
        ("1", "0.2"), ("2", "0.52"), ("2", "0.1"), ("2", "0"),
    ]  # fmt: skip


def test_a_pass_grants_nothing_for_days_before_its_first_use(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Begun on Sunday the 12th, it is of weeks from that day on; a line of the day before pays, also if it comes later."""
    days = (("12", 70), ("11", 50), ("18", 50), ("19", 50))
    lines = [f"PASS,P,1,api,2026-07-{day}{NOON},{count}" for day, count in days]
    found = rated(capsys, tmp_path, HEAD, lines)

    assert [(row["drawn"], row["amount"]) for row in found] == [
        ("PASS=70", "0"), ("", "50"), ("PASS=30", "20"), ("PASS=50", "0"),
    ]  # fmt: skip


def test_accounts_below_draw_from_those_above(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A company's 100 requests serve its branch, which brings none, whichever of the two comes first."""
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(
        """
        [[account]]
        number = "TOP"
        name = "Company"
        [[account.service]]
        package = "TREE"
        from = 2026-01-01
        uids = [{ type = "phone", value = "441632960001" }]
        [[account]]
        number = "LOW"
        name = "Branch"
        parent = "TOP"
        attributes = { segment = "gold" }
        [[account.service]]
        package = "PLAIN"
        from = 2026-01-01
        uids = [{ type = "phone", value = "441632960002" }]
        """,
        encoding="utf-8",
    )
    lines = [f"441632960002,api,2026-07-12{NOON},70", f"441632960001,api,2026-07-13{NOON},40"]
    found = rated(
        capsys, tmp_path, "uid,class,started_at,quantity", lines, "--accounts", str(accounts)
    )

    assert [(row["account"], row["drawn"], row["amount"]) for row in found] == [
        ("LOW", "TREE=70", "0"),
        ("TOP", "TREE=30", "10"),
    ]


def test_a_percentage_of_what_a_payer_pays_goes_by_its_month(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A shop's month begins on the 15th, its bank's on the 1st: 5 % of the 100.00 and 20.00 that the bank pays for July."""
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(
        """
        [[account]]
        number = "BANK"
        name = "Who pays"
        [[account]]
        number = "SHOP"
        name = "Shop"
        bill_day = 15
        usage_invoicer = "BANK"
        [[account.service]]
        package = "PLAIN"
        from = 2026-01-01
        uids = [{ type = "phone", value = "441632960001" }]
        [[account.service]]
        package = "TIERS"
        from = 2026-01-01
        uids = [{ type = "phone", value = "441632960002" }]
        """,
        encoding="utf-8",
    )
    days = (("07-02", 100), ("07-20", 20), ("08-02", 7))
    lines = [f"441632960001,api,2026-{day}{NOON},{count}" for day, count in days]
    lines.insert(2, f"441632960002,fee,2026-07-21{NOON},1")
    of_payer = CATALOGUE.replace(
        'aggregation = "PERCENTAGE"\naggregate_scope = "ACCOUNT"',
        'aggregation = "PERCENTAGE"\naggregate_scope = "INVOICER"',
    )
    words = ("--accounts", str(accounts))
    head = "uid,class,started_at,quantity"
    found = rated(capsys, tmp_path, head, lines, *words, catalogue=of_payer)

    assert [row["amount"] for row in found if row["id"] == "period"] == ["6"]
