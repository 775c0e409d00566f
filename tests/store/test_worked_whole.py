"""The reference's worked examples as a company has them: from the catalogue and a clerk's command to charge and invoice."""

from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from asking import Asking
from conftest import Database

from bmuid import billrun

MB = 1_000_000
CATALOGUE = """
[company]
name = "Examples Inc"
currency = "USD"
time_zone = "UTC"
country = "US"
[[usage_class]]
code = "data"
name = "Data"
unit = "DATA"
rater = "CLASS"
[[usage_class]]
code = "seats"
name = "Seats"
unit = "COUNT"
rater = "CLASS"
[[usage_class]]
code = "fee"
name = "Fees"
unit = "COUNT"
rater = "CLASS"
[[rate_plan]]
code = "PLAN"
name = "Plan"
groups = ["ALL"]
[[rate_plan]]
code = "BRACKET"
name = "Bracketed"
groups = ["BRACKET"]
[[rate_plan]]
code = "PROGRESSIVE"
name = "Progressive"
groups = ["PROGRESSIVE"]
[[rate_group]]
code = "ALL"
name = "All"
[[rate_group]]
code = "BRACKET"
name = "Bracketed"
aggregate = true
[[rate_group]]
code = "PROGRESSIVE"
name = "Progressive"
aggregate = true
[[rate]]
group = "ALL"
class = "data"
type = "STANDARD"
price = "1"
per = "MB"
[[rate]]
group = "ALL"
class = "fee"
type = "STANDARD"
price = "1"
per = "1"
[[rate]]
group = "BRACKET"
class = "seats"
type = "STANDARD"
aggregation = "VOLUME"
tiers = [{ from = 0, price = "2", per = "1" }, { from = 101, price = "1.50", per = "1" }, { from = 201, price = "1", per = "1" }]
[[rate]]
group = "PROGRESSIVE"
class = "seats"
type = "STANDARD"
aggregation = "GRADUATED"
tiers = [{ from = 0, price = "2", per = "1" }, { from = 100, price = "1.50", per = "1" }, { from = 200, price = "1", per = "1" }]
[[bucket]]
code = "TEN"
name = "Ten megabytes"
unit = "DATA"
classes = ["data"]
quantity = 10000000
recurrence = "MONTH"
[[bucket]]
code = "ROLL"
name = "Ten megabytes, rolling over"
unit = "DATA"
classes = ["data"]
quantity = 10000000
recurrence = "MONTH"
rollover = true
[[bucket]]
code = "FIFTY"
name = "Fifty dollars"
unit = "COUNT"
kind = "MONEY"
classes = ["fee"]
quantity = "50"
recurrence = "MONTH"
[[tax_code]]
code = "NONE"
name = "None"
taxes = []
default = true
""" + "".join(
    f'[[package]]\ncode = "{code}"\nname = "{code}"\nprice = "{price}"\nfrequency = "MONTH"\n'
    f'rate_plan = "{plan}"\nbuckets = [{bucket}]\n'
    for code, price, plan, bucket in (
        ("INCLUDED", "5.00", "PLAN", '"TEN"'),
        ("ROLLING", "0.00", "PLAN", '"ROLL"'),
        ("MONEY", "0.00", "PLAN", '"FIFTY"'),
        ("BRACKET", "0.00", "BRACKET", ""),
        ("PROGRESSIVE", "0.00", "PROGRESSIVE", ""),
    )
)


class Company:
    """A company with one customer, who has one service."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking
        self._numbers = count(1)
        self.do("catalogue_load", document=CATALOGUE)
        self.do("account_add", number="A", name="Customer")
        dials = {"country_code": "1", "trunk_prefix": "1", "international_prefix": "011"}
        asked = {"name": "Switch", "profile": "asterisk-master-csv", "time_zone": "UTC"}
        self.do("source_add", code="switch", **asked, **dials)

    def do(self, operation: str, **texts: str) -> dict[str, Any]:
        """Have something done."""
        answered = self.asking.staff(operation, **texts)
        assert answered.done, answered.body
        return answered.body

    def sell(self, package: str, from_: str = "2026-07-01", **to: str) -> None:
        """Sell a package, with a number."""
        self.do("service_add", account="A", package=package, from_=from_, **to)
        self.do("uid_assign", type="phone", value="12125550100", account="A")

    def use(self, usage_class: str, quantity: int, day: str) -> dict[str, Any]:
        """Tell of usage at noon of a day."""
        return self.do(
            "usage_rate",
            source="switch",
            event=f"event {next(self._numbers)}",
            class_=usage_class,
            uid="12125550100",
            started_at=f"{day}T12:00:00Z",
            quantity=str(quantity),
        )

    def bill(self, as_of: str) -> list[int]:
        """Issue invoices; give their totals, in cents."""
        self.asking.sql(
            f"INSERT INTO bill_run (as_of, actor) VALUES ('{as_of}', 'test') RETURNING 1"
        )
        with closing(self.asking.database.connect("bmuid")) as connection:
            while billrun.step(connection, datetime(2026, 10, 2, tzinfo=UTC)):
                pass
        found = self.asking.sql("SELECT total_minor FROM invoice ORDER BY lower(during)")
        return [total for (total,) in found]


@pytest.fixture
def company(database: Database) -> Company:
    """Give the company of the examples."""
    return Company(Asking(database))


def test_included_and_overage_on_one_bill(company: Company) -> None:
    """E12, T16: $5 a month with 10 MB, $1 for each MB over: 13 MB are $8."""
    company.sell("INCLUDED")
    assert [company.use("data", quantity * MB, "2026-07-10")["amount"] for quantity in (8, 5)] == [
        "0",
        "3",
    ]
    assert company.bill("2026-08-01") == [800]


def test_what_is_left_is_there_next_month_or_gone(company: Company) -> None:
    """E15, T17: of 10 MB 8 were used: 12 MB in August. T19: without rollover 10 again."""
    company.sell("ROLLING")
    company.use("data", 8 * MB, "2026-07-10")
    assert company.use("data", 13 * MB, "2026-08-10")["included"] == 12 * MB

    company.do("account_add", number="B", name="Other")
    company.do("service_add", account="B", package="INCLUDED", from_="2026-07-01")
    company.do("uid_end", type="phone", value="12125550100", to="2026-08-11")
    company.do("uid_assign", type="phone", value="12125550100", account="B", from_="2026-08-11")
    company.use("data", 8 * MB, "2026-08-12")
    assert company.use("data", 13 * MB, "2026-09-10")["included"] == 10 * MB


def test_money_pays_first(company: Company) -> None:
    """E20, T24: of $50, charges of $30 and $25 leave $5 to be billed."""
    company.sell("MONEY")
    assert [company.use("fee", quantity, "2026-07-10")["amount"] for quantity in (30, 25)] == [
        "0",
        "5",
    ]
    assert company.bill("2026-08-01") == [500]


@pytest.mark.parametrize(
    ("package", "used", "cents"),
    [
        pytest.param("BRACKET", (150, 100), 25000, id="E29, T14: 250 at brackets"),
        pytest.param("BRACKET", (100,), 20000, id="24.21: 100 is the first bracket's"),
        pytest.param("BRACKET", (60, 41), 15150, id="24.21: 101 is the second's"),
        pytest.param("PROGRESSIVE", (150, 100), 40000, id="E29, T15: 250 progressively"),
        pytest.param("PROGRESSIVE", (101,), 20150, id="the 101st is the second tier's"),
    ],
)
def test_tiers_of_a_month(
    company: Company, package: str, used: tuple[int, ...], cents: int
) -> None:
    """0-100 at $2, 101-200 at $1.50, more at $1: nothing event by event, the whole on the bill."""
    company.sell(package)
    for place, quantity in enumerate(used, 10):
        assert company.use("seats", quantity, f"2026-07-{place}")["amount"] == "0"
    assert company.bill("2026-08-01") == [cents]


def test_the_first_day_counts_and_the_last_does_not(company: Company) -> None:
    """E30, T49: from July 15 to July 24: the 15th is in, the 24th is out."""
    company.sell("INCLUDED", "2026-07-15", to="2026-07-24")
    days = ("2026-07-14", "2026-07-15", "2026-07-23", "2026-07-24")
    found = [company.use("data", 1, day) for day in days]

    assert [one["state"] for one in found] == ["SUSPENDED", "RATED", "RATED", "SUSPENDED"]
    assert {one["reason"] for one in found} == {None, "UID_NOT_IN_PERIOD"}
