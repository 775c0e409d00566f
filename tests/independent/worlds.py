"""Catalogues by chance, the same for the same seed: every feature of rating in each of them."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from bmu.money import Rounding
from bmu.rating import (
    AggregateKind,
    CompanyTerms,
    ConditionRow,
    HolidayCalendarRow,
    LocationGroupRow,
    LocationPatternRow,
    LocationRow,
    Operator,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RateStep,
    RoundingRow,
    Side,
    TariffRows,
    TierRow,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.usage import Rater, Unit

ZONES = (
    "Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu",
    "Africa/Casablanca", "America/Havana", "Pacific/Chatham", "UTC",
)  # fmt: skip
ROUNDINGS = (
    RoundingRow(1, "60/6", 60, 6),
    RoundingRow(2, "60/60", 60, 60),
    RoundingRow(3, "1/1", 1, 1),
    RoundingRow(4, "0/30", 0, 30),
    RoundingRow(5, "7/1000", 7, 1000),
)
CLASSES = ("voice", "called", "data", "web", "sms", "long", "fax")
FIRST_DAY = date(2026, 1, 1)
E11 = 10**11
BY_QUANTITY = (RateKind.STANDARD, RateKind.RATED_MARKUP)
Made = TypeVar("Made")
Days = tuple[date | None, date | None]


class Maker:
    """Draws what a catalogue is made of."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def maybe(self, chance: float, make: Callable[[], Made]) -> Made | None:
        """Make something, or not."""
        return make() if self.random.random() < chance else None

    def is_so(self, chance: float) -> bool:
        """Toss."""
        return self.random.random() < chance

    def some(self, names: tuple[Made, ...], least: int, most: int) -> tuple[Made, ...]:
        """Draw some of the names, in any order."""
        count = min(len(names), self.random.randint(least, most))
        return tuple(self.random.sample(names, count))

    def day(self) -> date:
        """Draw a day of 2026, often one on which some clocks change."""
        changes = (date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1), date(2026, 4, 5))
        if self.is_so(0.3):
            return self.random.choice(changes)
        return FIRST_DAY + timedelta(self.random.randrange(365))

    def days(self, chance: float) -> Days:
        """Draw days of validity, half of them open."""
        if not self.is_so(chance):
            return None, None
        first, end = sorted((self.day(), self.day()))
        if first == end or self.is_so(0.3):
            return (first, None) if self.is_so(0.5) else (None, end)
        return first, end

    def price(self) -> int:
        """Draw a price."""
        return self.random.choice((
            0, self.random.randrange(1, 100), self.random.randrange(10**7, 10**9),
            33_333_333_333, 5 * 10**9, 10**10, 12_345_678_901,
        ))  # fmt: skip

    def minute(self) -> str:
        """Draw a minute of the day, often one that clocks leave out or show twice."""
        minutes = self.random.choice(
            (0, 60, 90, 120, 150, 180, 480, 1140, self.random.randrange(1439))
        )
        # An end of 08:59 would be refused: it is 09:00 that was meant.
        minutes -= minutes % 60 == 59
        return f"{minutes // 60:02}:{minutes % 60:02}"

    def window(self, *, holidays: bool) -> str:
        """Draw a window of the week."""
        days = ["Mon-Fri", "Sat,Sun", "Mon-Sun", "Tue,Thu-Sat", "Sun", "Mon"]
        if holidays:
            days += ["Hol", "Sat,Sun,Hol", "Hol"]
        start, end = sorted((self.minute(), self.random.choice((self.minute(), "24:00"))))
        if start == end:
            end = "24:00"
        return f"{self.random.choice(days)} {start}-{end}"


class Catalogue(Maker):
    """Draws the rows that price usage."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.company = CompanyTerms(
            self.random.choice(ZONES),
            self.maybe(0.8, lambda: "P8"),
            self.maybe(0.5, lambda: self.random.randint(0, 11)),
            self.maybe(0.5, self.mode),
        )
        self.codes: tuple[str, ...] = ("WORLD",)
        self.extra_groups: tuple[str, ...] = ()
        self.group_codes = ("G1", "G2", "G3", "G4", "G5")
        self.periods = ("T1", "T2", "T3", "T4", "T5", "T6")
        # Most of what lies beyond any column comes from prices like these.
        self.is_absurd = seed % 7 == 3
        # Nothing but what the quick ways of the engine answer themselves.
        self.is_tame = seed % 4 == 0

    def mode(self) -> Rounding:
        """Draw how amounts are rounded."""
        return self.random.choice(tuple(Rounding))

    def rows(self) -> TariffRows:
        """Draw all but what is sold."""
        locations = self.locations()
        groups = self.groups()
        return TariffRows(
            usage_classes=self.classes(),
            locations=locations,
            location_patterns=self.patterns(),
            location_groups=tuple(
                LocationGroupRow(number, code, code, self.some(self.codes, 1, 4))
                for number, code in enumerate(self.group_codes, 1)
            ),
            calendars=tuple(
                HolidayCalendarRow(n, code, code, tuple(sorted({self.day() for _ in range(40)})))
                for n, code in enumerate(("C1", "C2"), 1)
            ),
            time_periods=tuple(self.period(n, code) for n, code in enumerate(self.periods, 1)),
            roundings=ROUNDINGS,
            rate_groups=groups,
            rate_plans=self.plans(groups),
            rates=self.rates(groups),
        )

    def classes(self) -> tuple[UsageClassRow, ...]:
        """Draw the kinds of usage."""
        geo, by_class = Rater.GEOTREE, Rater.CLASS
        kinds = (
            ("voice", Unit.TIME, geo, Side.DESTINATION, not self.is_tame and self.is_so(0.7)),
            ("called", Unit.TIME, geo, Side.ORIGIN, not self.is_tame and self.is_so(0.5)),
            ("data", Unit.DATA, geo, Side.DESTINATION, False),
            ("web", Unit.DATA, by_class, Side.DESTINATION, False),
            ("sms", Unit.COUNT, by_class, Side.DESTINATION, False),
            ("long", Unit.TIME, by_class, Side.DESTINATION, not self.is_tame),
            ("fax", Unit.TIME, geo, Side.DESTINATION, False),
        )
        return tuple(
            UsageClassRow(
                n, code, code, unit, rater, side, split, self.maybe(0.4, self.service_category)
            )
            for n, (code, unit, rater, side, split) in enumerate(kinds, 11)
        )

    def service_category(self) -> str:
        """Draw a tax category."""
        return self.random.choice(("TELECOM", "GOODS"))

    def locations(self) -> tuple[LocationRow, ...]:
        """Draw a tree of places."""
        rows = [LocationRow(1, "WORLD", "World", None)]
        for number in range(2, 15):
            above = self.random.choice(rows)
            kind = self.random.choice((None, "country", "state", "operator"))
            rows.append(LocationRow(number, f"L{number:02}", "Place", above.code, kind))
        self.codes = tuple(row.code for row in rows)
        return tuple(rows)

    def patterns(self) -> tuple[LocationPatternRow, ...]:
        """Draw what numbers and addresses begin with; some belong to one place after another."""
        digits = {"1", "2", "44"} | {
            "".join(self.random.choice("124") for _ in range(self.random.randint(1, 6)))
            for _ in range(40)
        }
        networks = {
            "0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "10.128.0.0/9",
            "2001:db8::/32", "2001:db8:1::/48", "2001:db8::1", "2001:db8:8000::/33",
        }  # fmt: skip
        networks = set() if self.is_tame else networks
        rows: list[LocationPatternRow] = []
        for code in [*sorted(digits), *self.some(tuple(sorted(networks)), 5, 10)]:
            days: list[Days] = [(None, None)]
            if not self.is_tame and self.is_so(0.3):
                change = self.day()
                days = [(None, change), (change, None)]
                days = days[: self.random.randint(1, 2)]
            for first, end in days:
                place = self.random.choice(self.codes)
                rows.append(LocationPatternRow(len(rows) + 1, code, place, first, end))
        return tuple(rows)

    def period(self, number: int, code: str) -> TimePeriodRow:
        """Draw some hours."""
        if code in ("T1", "T2"):
            start, end = self.random.choice(
                (("08:00", "19:00"), ("01:00", "02:30"), ("02:00", "24:00"), ("03:07", "17:31"))
            )
            zone = self.random.choice(("ACCOUNT", "COMPANY", *ZONES))
            return TimePeriodRow(number, code, code, zone, (f"Mon-Sun {start}-{end}",))
        calendar = self.maybe(0.5, lambda: self.random.choice(("C1", "C2")))
        dates = []
        for _ in range(self.random.choice((0, 0, 0, 3))):
            first, last = sorted((self.day(), self.day()))
            dates.append(f"{first}" if self.is_so(0.2) else f"{first}..{last}")
        return TimePeriodRow(
            number, code, code,
            self.random.choice(("ACCOUNT", "COMPANY", *ZONES)),
            tuple(self.window(holidays=calendar is not None) for _ in range(self.random.randint(1, 4))),
            tuple(dates), calendar,
        )  # fmt: skip

    def condition(self) -> ConditionRow:
        """Draw something that a group asks; some of it of the account."""
        choose = self.random.choice
        asks: tuple[tuple[str, Operator, tuple[str, ...]], ...] = (
            ("origin", Operator.PREFIX, self.some(("1", "2", "44", "10."), 1, 2)),
            ("destination", Operator.REGEX, (choose(("1+2.*", ".*4", "(12|2)*4.*", ".*2{2,3}.*", r"[^4]*", r"\d+\..*")),)),
            ("quantity", Operator.RANGE, choose((("60", ""), ("", "999"), ("10", "100"), ("7", "60")))),
            ("usage_class", Operator.IN, self.some(CLASSES, 2, 5)),
            ("uid", Operator.EQUALS, (choose(("u1", "u2", "u3")),)),
            ("uid_type", Operator.EMPTY, ()),
            ("carrier", Operator.EMPTY, ()),
            ("carrier", Operator.IN, ("ALPHA", "BETA")),
            ("carrier", Operator.RANGE, ("A", "B")),
            ("account.country", Operator.EQUALS, (choose(("GB", "CA", "L02")),)),
            ("account.category", Operator.EMPTY, ()),
            ("account.currency", Operator.EQUALS, ("GBP",)),
            ("account.zone", Operator.PREFIX, ("Europe/", "America/")),
            ("account.segment", Operator.IN, ("gold", "silver")),
            ("service.package", Operator.REGEX, (choose((".[13]", "K")),)),
            ("service.price_plan", Operator.EMPTY, ()),
            ("service.sim", Operator.RANGE, ("5", "20")),
        )  # fmt: skip
        return ConditionRow(*choose(asks), negated=self.is_so(0.3))

    def groups(self) -> tuple[RateGroupRow, ...]:
        """Draw groups of every sort; the last of each currency asks nothing."""
        rows = []
        for number in range(1, 19):
            sort = self.random.choice(
                ("", "", "", "", "", "", "cost", "cost", "aggregate", "pass")
            )
            sort = "" if self.is_tame else sort
            first, end = self.days(0.25)
            rows.append(RateGroupRow(
                number, f"R{number:02}", "Group",
                self.maybe(0.55, lambda: self.random.choice(self.periods)), first, end,
                self.random.choice((None, None, None, "GBP", "EUR")),
                tuple(self.condition() for _ in range(0 if self.is_tame else self.random.choice((0, 0, 1, 1, 2)))),
                sort == "cost", sort == "aggregate", sort == "pass",
                self.maybe(0.3, lambda: self.random.randint(0, 11)), self.maybe(0.3, self.mode),
            ))  # fmt: skip
        for number, code in enumerate(("COST", "LAST", "ODD", "DAY", "NIGHT"), 19):
            period = {"DAY": "T1", "NIGHT": "T2"}.get(code)
            rows.append(
                RateGroupRow(number, code, "All", period, None, None, for_cost=code == "COST")
            )
        return tuple(rows)

    def plans(self, groups: tuple[RateGroupRow, ...]) -> tuple[RatePlanRow, ...]:
        """Draw plans; those of higher numbers are fallen back on. P7 to P9 have no plan behind them."""
        codes = tuple(group.code for group in groups[:18])
        self.extra_groups = ("DAY", "NIGHT") if self.is_tame else ("COST", "DAY", "NIGHT")
        rows = []
        for number in range(1, 10):
            behind = f"P{self.random.randint(min(number, 8) + 1, 9)}"
            fallback = behind if number < 7 and self.is_so(0.5) else None
            order = self.some(
                (*self.some(codes, 3, 9), *self.some(self.extra_groups, 1, 3)), 12, 12
            )
            if fallback is None:
                order += (self.random.choice(("LAST", "LAST", "LAST", "ODD")),)
            rows.append(RatePlanRow(
                number, f"P{number}", "Plan", "GBP",
                self.maybe(0.6, lambda: self.random.randint(0, 11)), self.maybe(0.6, self.mode),
                order, fallback,
            ))  # fmt: skip
        order = self.some(codes, 3, 9)
        rows.append(RatePlanRow(10, "E1", "Plan", "EUR", None, None, (*order, "LAST")))
        return tuple(rows)

    def rates(self, groups: tuple[RateGroupRow, ...]) -> tuple[RateRow, ...]:
        """Draw rates: at several places, some for some days only; LAST and COST have one for everything."""
        rows: list[RateRow] = []
        for group in groups:
            for usage_class in CLASSES:
                if group.code in ("LAST", "COST", "DAY", "NIGHT"):
                    places: list[tuple[str | None, str | None]] = [(None, None)]
                elif group.code == "ODD" or not self.is_so(0.55):
                    continue
                else:
                    places = self.places_of(usage_class)
                for place in places:
                    days: list[Days] = [(None, None)]
                    if self.is_so(0.2) and group.code != "LAST":
                        change = self.day()
                        days = [(None, change), (change, None)][: self.random.randint(1, 2)]
                    rows += [
                        self.rate(len(rows) + 1 + number, group, usage_class, place, each)
                        for number, each in enumerate(days)
                    ]
        # One that is not absurd must be there for ODD to be more than an empty name.
        odd = next(group for group in groups if group.code == "ODD")
        rows.append(self.rate(len(rows) + 1, odd, "sms", (None, None), (None, None)))
        return tuple(rows)

    def places_of(self, usage_class: str) -> list[tuple[str | None, str | None]]:
        """Draw where a class has prices: (location, None), (None, group) or everywhere."""
        if usage_class in ("web", "sms", "long"):
            return [(None, None)]
        places: list[tuple[str | None, str | None]] = [
            (code, None) for code in self.some(self.codes, 0, 3)
        ]
        places += [(None, code) for code in self.some(self.group_codes, 0, 2)]
        return places + [(None, None)] * self.is_so(0.5)

    def kinds_of(self, group: RateGroupRow) -> tuple[RateKind, ...]:
        """Tell which kinds of rates a group may have."""
        if group.aggregate:
            return (RateKind.STANDARD, RateKind.STANDARD, RateKind.RATED_MARKUP)
        if group.pass_through:
            return (RateKind.STANDARD, RateKind.PASS_THROUGH)
        if group.for_cost or group.code == "LAST" or (self.is_tame and self.is_so(0.9)):
            return (RateKind.STANDARD, RateKind.STANDARD, RateKind.FIXED)
        if group.code in ("DAY", "NIGHT"):
            return tuple(kind for kind in RateKind if kind is not RateKind.PASS_THROUGH)
        return tuple(RateKind)

    def rate(
        self, number: int, group: RateGroupRow, usage_class: str,
        place: tuple[str | None, str | None], days: Days,
    ) -> RateRow:  # fmt: skip
        """Draw a rate of any kind that its group may have."""
        kind = self.random.choice(self.kinds_of(group))
        least = self.random.choice((0, 0, 0, 10**9, 3 * 10**11))
        has_steps = kind in BY_QUANTITY and not group.aggregate and not self.is_tame
        price = self.price()
        if kind is RateKind.MARKUP:
            price = self.random.choice((0, E11, 3 * E11 // 2, 133_333_333_333))
        if self.is_absurd and self.is_so(0.1):
            price = 2**62
        return RateRow(
            number, f"{group.code}/{usage_class}/{number}", group.code, usage_class, place[0],
            self.maybe(0.7, lambda: self.random.choice(ROUNDINGS).code),
            kind, price, self.random.choice((1, 1, 7, 60, 1000)),
            self.random.choice((0, 0, 5 * 10**9, 7)), least,
            None if self.is_tame else self.random.choice((None, None, least, least + 10**11)),
            place[1],
            self.random.choice((0, 0, 10, 60, 90)) if has_steps else 0,
            self.steps() if has_steps else (),
            AggregateKind.GRADUATED if group.aggregate else None,
            (TierRow(0, 10**9, 60),) if group.aggregate else (),
            *days,
        )  # fmt: skip

    def steps(self) -> tuple[RateStep, ...]:
        """Draw up to three steps."""
        starts = sorted(self.some((1, 30, 60, 61, 90, 120, 600), 0, 3))
        return tuple(
            RateStep(
                start, self.price(), self.random.choice((1, 7, 60)),
                self.maybe(0.4, lambda: self.random.choice((1, 6, 60))),
            )
            for start in starts
        )  # fmt: skip
