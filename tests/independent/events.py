"""Usage by chance, on the edges of a catalogue on purpose."""

from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from independent.people import World
from independent.worlds import CLASSES, FIRST_DAY, ZONES

from bmu.period import to_us
from bmu.rating import LocationPatternRow, Owner, RateGroupRow, RateRow, TaxRow
from bmu.usage import UDR

SECOND = 10**6
AROUND = (0, 0, 0, 1, -1, SECOND, -SECOND, 30 * SECOND, -60 * SECOND, 7_777_777, 3_600 * SECOND)
LENGTHS = (
    0, 1, 6, 7, 29, 30, 31, 59, 60, 61, 66, 67, 89, 90, 91, 100, 119, 120, 121, 126, 127, 599, 600, 601,
    999, 1000, 1001, 1007, 1008, 2007,
)  # fmt: skip
ABSURD = (-1, 2**63 - 1, 2**63, 2**62, 10**17)
NUMBERS = (
    "10.1.2.3",
    "10.1.2.4",
    "10.200.0.1",
    "192.0.2.1",
    "2001:db8::1",
    "2001:DB8:1:0::7",
    "2001:db8:9000::",
    "::1",
    "",
    "anonymous",
    "3",
)
AMOUNTS = ("0", "1.25", "0.3", "0.000005", "12.34567890125", "-1", "x", "92233720")


class Usage:
    """Draws the events of a world."""

    def __init__(self, world: World, seed: int) -> None:
        self.random = Random(seed)
        self.world = world
        self.instants = self.edges()
        # A catalogue without networks takes an address for a number; what that means is left open.
        is_known = any("." in row.code for row in world.rows.location_patterns)
        self.numbers = [each for each in NUMBERS if is_known or not {".", ":"} & set(each)]

    def edges(self) -> list[int]:
        """Give instants at which something changes: hours, days, clocks."""
        rows = self.world.rows
        zones = [*ZONES, self.world.company.zone]
        found = self.window_edges(zones)
        dated: list[RateGroupRow | RateRow | LocationPatternRow | TaxRow] = [
            *rows.rate_groups, *rows.rates, *rows.location_patterns, *rows.taxes,
        ]  # fmt: skip
        days = [day for row in dated for day in (row.valid_from, row.valid_to) if day is not None]
        found += [local(day, "00:00", self.world.company.zone) for day in days]
        for calendar in rows.calendars:
            found += [local(day, "00:00", self.random.choice(zones)) for day in calendar.days]
        for zone in ZONES:
            found += changes(zone)
        return found

    def window_edges(self, zones: list[str]) -> list[int]:
        """Give instants at which windows begin or end."""
        found = []
        for period in self.world.rows.time_periods:
            for window in period.windows:
                start, end = window.split(" ")[1].split("-")
                for shown in (start, end) * 8:
                    zone = period.zone if "/" in period.zone else self.random.choice(zones)
                    found.append(local(self.day(), shown, zone))
        return found

    def day(self) -> date:
        """Draw a day."""
        return FIRST_DAY + timedelta(self.random.randrange(-10, 375))

    def start(self, quantity: int) -> int:
        """Draw when an event begins: at an edge, shortly before or after, or so as to end there."""
        us = self.random.choice(self.instants)
        way = self.random.random()
        if way < 0.1:
            us = local(self.day(), "12:34", "UTC") + self.random.randrange(10**11)
        elif way < 0.3:
            us -= min(quantity, 10**7) * SECOND
        elif way < 0.45:
            us -= min(quantity, 10**7) * SECOND // 2
        elif way < 0.55:
            us -= self.random.choice((1, 29, 30, 31, 59, 60, 61, 90, 3_600)) * SECOND
        return us + self.random.choice(AROUND)

    def quantity(self, usage_class: str) -> int:
        """Draw how much."""
        way = self.random.random()
        if way < 0.6:
            return self.random.choice(LENGTHS)
        if way < 0.75:
            return self.random.randrange(0, 300)
        if way < 0.78:
            buckets = self.world.buckets
            return (
                self.random.choice(buckets).balance + self.random.choice((0, 1)) if buckets else 0
            )
        if usage_class in ("data", "web"):
            return self.random.choice((1500, 10**6, 10**9, 123_456))
        if usage_class == "sms":
            return self.random.choice((0, 1, 1, 2, 5, 11))
        return self.random.choice((3_599, 3_600, 3_601, 7_200, 10_000, 40_000))

    def number(self) -> str:
        """Draw a number or an address."""
        if self.random.random() < 0.8:
            return "".join(self.random.choice("1244") for _ in range(self.random.randint(1, 9)))
        return self.random.choice(self.numbers)

    def extras(self) -> dict[str, str] | None:
        """Draw fields of the company's own."""
        found = {}
        for name, chance in (("cost", 0.3), ("amount", 0.6)):
            if self.random.random() < chance:
                found[name] = self.random.choice(AMOUNTS)
        if self.random.random() < 0.5:
            found["carrier"] = self.random.choice(("ALPHA", "BETA", "GAMMA", ""))
        return found or None

    def event(self, line_no: int) -> tuple[UDR, Owner]:
        """Draw an event and whose it is; few are absurd."""
        usage_class = self.random.choice((*CLASSES, "voice", "long", "called"))
        quantity = self.quantity(usage_class)
        started_us = self.start(quantity)
        way = self.random.random()
        if way < 0.003:
            quantity = self.random.choice(ABSURD)
        elif way < 0.005:
            started_us = self.random.choice(
                (-1, 0, 221_845_392_000 * SECOND - 1, 221_845_392_000 * SECOND)
            )
        elif way < 0.007:
            usage_class = "unknown"
        number = self.number()
        if usage_class == "data" and self.random.random() < 0.7:
            number = self.random.choice(self.numbers[:8])
        udr = UDR(
            line_no, b"-" * 16, 0, self.random.choice(("phone", "")),
            self.random.choice(("u1", "u2", "u3", "u4")), usage_class, started_us, quantity,
            self.number(), number, self.extras(),
        )  # fmt: skip
        return udr, self.random.choice(self.world.owners)


def local(day: date, shown: str, zone: str) -> int:
    """The instant at which a clock shows a time; "24:00" is the next day's start."""
    if shown == "24:00":
        day, shown = day + timedelta(1), "00:00"
    return to_us(datetime.combine(day, time.fromisoformat(shown), ZoneInfo(zone)))


def changes(zone: str) -> list[int]:
    """The hours of 2026 at the end of which a zone's clocks are changed, to the half hour."""
    at = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))
    found, ahead = [], at.astimezone(ZoneInfo(zone)).utcoffset()
    for _ in range(2 * 24 * 365):
        at += timedelta(minutes=30)
        now = at.astimezone(ZoneInfo(zone)).utcoffset()
        if now != ahead:
            found += [to_us(at)] * 3
            ahead = now
    return found
