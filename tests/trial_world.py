"""Generated catalogues, customers and calls for simulations: each customer with a twin that has other packages in fact."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from asking import Asking
from rich_world import CATALOGUE, FR, GB, PREMIUM, US, Calls, found

FIRST = datetime(2026, 6, 1, tzinfo=UTC)
DAYS = 100
TRIED = ("P0", "P1", "P2", "TEAM-A", "TEAM-B")

# Beside the buckets of the rich catalogue; {n}: seconds that the test draws.
BUCKETS = """
[[bucket]]
code = "MONTHLY"
name = "Minutes by the month"
unit = "TIME"
classes = ["voice"]
quantity = {n}
recurrence = "MONTH"

[[bucket]]
code = "ROLLING"
name = "Minutes that roll over"
unit = "TIME"
classes = ["voice"]
locations = ["GB"]
quantity = {n}
recurrence = "MONTH"
rollover = true
rollover_max = {n}
prorated = true

[[bucket]]
code = "DAILY"
name = "Minutes by the day, for who shares them"
unit = "TIME"
classes = ["voice"]
quantity = {n}
recurrence = "DAY"
every = 3
scope = "ACCOUNT"
overage_plan = "OVER"

[[bucket]]
code = "TREE"
name = "Minutes of a group, rolling over"
unit = "TIME"
classes = ["voice"]
quantity = {n}
recurrence = "WEEK"
rollover = true
rollover_periods = 1
scope = "TREE"

[[bucket]]
code = "PASS"
name = "A week from the first call on"
unit = "TIME"
classes = ["voice"]
quantity = {n}
recurrence = "NEVER"
on_first_use = true
expires_after = 7
expires_unit = "DAY"

[[bucket]]
code = "BONUS"
name = "Minutes for premium calls"
unit = "TIME"
classes = ["voice"]
quantity = {n}
recurrence = "MONTH"
size_by = "premium"
size_per = 600

[[bucket]]
code = "TIERS"
name = "Tiers, each with its price"
unit = "TIME"
classes = ["voice"]
quantity = {n}
recurrence = "MONTH"
flat = "0.50"
tiers = [{{ quantity = {n}, flat = "0.25" }}]

[[bucket]]
code = "POOL"
name = "Minutes of a team"
unit = "TIME"
classes = ["voice"]
locations = ["GB"]
quantity = {n}
recurrence = "MONTH"
scope = "SHARE_PLAN"
rollover = true

[[share_plan]]
code = "TEAM"
name = "Minutes of a team"
level = "INVOICER"
rank = 1
buckets = ["POOL"]
participants = [{{ package = "TEAM-A", quantity = {n} }}, {{ package = "TEAM-B", quantity = {n}, limit = {n} }}]

[[rate_plan]]
code = "PAYER"
name = "All that one pays for"
groups = ["PAYER"]
fallback_plan = "RETAIL"

[[rate_plan]]
code = "MONTHS"
name = "By the month"
groups = ["MONTHLY"]
fallback_plan = "RETAIL"

[[rate_group]]
code = "PAYER"
name = "All that one pays for"
aggregate = true

[[rate]]
group = "PAYER"
class = "voice"
location = "GB"
type = "STANDARD"
aggregation = "VOLUME"
aggregate_scope = "INVOICER"
tiers = [{{ from = 0, price = "0.10", per = "min" }}, {{ from = 2000, price = "0.07", per = "min" }}]

[[rate]]
group = "PAYER"
class = "voice"
location_group = "NEIGHBOURS"
type = "STANDARD"
aggregation = "COUNTED"
aggregate_scope = "ACCOUNT"
tiers = [{{ from = 0, price = "0.30", per = "min" }}, {{ from = 2, price = "0.20", per = "min" }}]
"""
PACKAGE = """
[[package]]
code = "{code}"
name = "Package {code}"
price = "{price}"
frequency = "MONTH"
buckets = [{buckets}]
rate_plan = "{plan}"
reclass = "DEAR"
{tax}
"""
KINDS = ("MONTHLY", "ROLLING", "DAILY", "TREE", "PASS", "BONUS", "TIERS", "POUND", "WELCOME", "TWO", "TEN-A-WEEK", "STEPWISE")  # fmt: skip


@dataclass
class Customer:
    """A customer and the packages of its lines; *number* of the account, *lines* as their numbers end."""

    number: str
    packages: list[str]
    lines: list[int]
    bill_day: int
    zone: str
    begins: list[int]
    parent: str = ""
    payer: str = ""
    shares: bool = False

    def document(self, packages: list[str], twin: str, lines_from: int) -> str:
        """Write it, or its twin, with these packages."""
        text = f'\n[[account]]\nnumber = "{twin}{self.number}"\nname = "{self.number}"\n'
        text += f'bill_day = {self.bill_day}\ntime_zone = "{self.zone}"\n'
        text += f'parent = "{twin}{self.parent}"\n' if self.parent else ""
        text += f'usage_invoicer = "{twin}{self.payer}"\n' if self.payer else ""
        for package, line, day in zip(packages, self.lines, self.begins, strict=True):
            value = 441632960000 + lines_from + line
            text += f'[[account.service]]\npackage = "{package}"\nfrom = 2026-05-{day:02}\n'
            text += f'uids = [{{ type = "phone", value = "{value}" }}]\n'
        return text


@dataclass
class World:
    """A company, its customers, and what they do; the same of the same seed."""

    chance: Random
    customers: list[Customer] = field(default_factory=list)

    def catalogue(self) -> str:
        """Draw packages, and what is in their buckets."""
        parts = BUCKETS.split("{n}")
        text = parts[0] + "".join(f"{self.chance.randrange(60, 1500)}{part}" for part in parts[1:])
        text = CATALOGUE + text.replace("{{", "{").replace("}}", "}")
        for code in TRIED:
            kinds = self.chance.sample(KINDS, self.chance.randrange(4))
            text += PACKAGE.format(
                code=code,
                price=f"{self.chance.randrange(100)}.99",
                buckets=", ".join(f'"{kind}"' for kind in kinds),
                plan=self.chance.choice(("RETAIL", "RETAIL", "MONTHS", "PAYER")),
                tax=self.chance.choice(('tax = "VAT"', "")),
            )
        return text

    def draw_customers(self, count: int) -> None:
        """Draw customers, some above, beside and paying for others."""
        for number in range(count):
            services = self.chance.randrange(1, 3)
            lines = [100 + 10 * number + place for place in range(services)]
            above = self.customers[0].number if self.customers else ""
            self.customers.append(
                Customer(
                    number=f"C{number}",
                    packages=self.chance.choices(TRIED, k=services),
                    lines=lines,
                    bill_day=self.chance.choice((1, 1, 15)),
                    zone=self.chance.choice(
                        ("Europe/London", "Europe/London", "America/New_York")
                    ),
                    begins=self.chance.choices((1, 12, 31), k=services),
                    parent=above if self.chance.random() < 0.4 else "",
                    payer=above if self.chance.random() < 0.4 else "",
                    shares=not above or self.chance.random() < 0.5,
                )
            )

    def calls(self, count: int) -> Iterator[tuple[int, str, int, timedelta]]:
        """Draw calls, in the order in which they are made: line, called, seconds, how long after FIRST."""
        lines = [line for customer in self.customers for line in customer.lines]
        starts = sorted(self.chance.sample(range(DAYS * 1440), count))
        for minute in starts:
            called = self.chance.choice((GB, GB, GB, FR, US, PREMIUM))
            seconds = self.chance.choice((1, 59, 60, 61, self.chance.randrange(1, 1200)))
            yield self.chance.choice(lines), called, seconds, timedelta(minutes=minute)


# What is added to the end of a line's number to make that of its twin.
TWIN_LINES = 1000


def founded(asking: Asking, seed: int, count: int, package: str) -> World:
    """Found a company with its customers, and the twin of each, which has *package* for all its lines."""
    world = World(Random(seed))
    found(asking)
    world.draw_customers(count)
    accounts = "".join(one.document(one.packages, "", 0) for one in world.customers)
    accounts += "".join(
        one.document([package] * len(one.lines), "T-", TWIN_LINES) for one in world.customers
    )
    for name, document in (("catalogue_load", world.catalogue()), ("accounts_load", accounts)):
        loaded = asking.staff(name, document=document)
        assert loaded.done, loaded.body
    for share, twin in enumerate(("", "T-"), 1):
        head = f"{twin}{world.customers[0].number}"
        made = asking.staff("share_plan_create", account=head, plan="TEAM", from_="2026-06-01")
        assert made.done, made.body
        for one in world.customers:
            if one.shares and (one is world.customers[0] or one.payer):
                day = "2026-06-01" if one.bill_day == 1 else "2026-07-10"
                joined = asking.staff("share_plan_join", share=str(share), account=f"{twin}{one.number}", from_=day)  # fmt: skip
                assert joined.done, joined.body
    return world


def written(calls: list[tuple[int, str, int, timedelta]], name: str) -> list[str]:
    """Write calls of customers, and the same of their twins."""
    lines = Calls()
    for line, called, seconds, later in calls:
        for each in (line, line + TWIN_LINES):
            lines.call(each, called, seconds, FIRST + later)
    return [line.replace('"1.', f'"{name}.') for line in lines.lines]
