"""The telephone company that rating is measured with: prefixes, two tariffs a day, allowances, one tax; and its calls."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import world

from bmu.money import Rounding
from bmu.period import to_us
from bmu.rating import (
    BucketState,
    BucketTypeRow,
    CompanyTerms,
    Frequency,
    LocationPatternRow,
    LocationRow,
    Owner,
    OwnerRow,
    PackageRow,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RoundingRow,
    Tariff,
    TariffRows,
    TaxRow,
    Terms,
    TimePeriodRow,
    UsageClassRow,
    compile_tariff,
)
from bmu.usage import UDR, Rater, Unit

COMPANY = CompanyTerms("Europe/London")
GROUPS = ("PEAK", "OFFPEAK")
FIRST_US = to_us(world.FIRST)
MONTH = to_us(datetime(2026, 7, 31, 23, tzinfo=UTC)), to_us(datetime(2026, 8, 31, 23, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Shape:
    """
    How much there is of everything; each prefix has its own location and a rate in each of the two groups.

    Units:
        seconds: of a call, about; allowance: seconds that a bucket holds at first.
    """

    events: int
    prefixes: int
    uids: int
    buckets: int = 2
    seconds: int = 120
    allowance: int = 1200


def rows(shape: Shape, seed: int) -> TariffRows:
    """Give the catalogue; of its allowances one is for calls at home, the others for calls anywhere."""
    chance = random.Random(seed)
    digits = list(world.patterns(world.Size(shape.events, shape.uids, shape.prefixes), chance))
    own = {code: f"L{code}" for code in digits}
    rates = (
        (group, place, chance.randrange(1, 500) * 10**7)
        for group in GROUPS
        for place in own.values()
    )
    codes = tuple(f"M{number}" for number in range(shape.buckets))
    return TariffRows(
        usage_classes=(UsageClassRow(1, "voice", "Calls", Unit.TIME, Rater.GEOTREE),),
        locations=tuple(
            LocationRow(number, own[code], own[code], _above(code, own))
            for number, code in enumerate(digits, 1)
        ),
        location_patterns=tuple(
            LocationPatternRow(number, code, own[code]) for number, code in enumerate(digits, 1)
        ),
        time_periods=(
            TimePeriodRow(1, "PEAK", "Peak", "Europe/London", ("Mon-Fri 08:00-19:00",)),
        ),
        roundings=(RoundingRow(1, "60/6", 60, 6),),
        rate_plans=(RatePlanRow(1, "P", "Plan", "GBP", 4, Rounding.HALF_EVEN, GROUPS),),
        rate_groups=(
            RateGroupRow(1, "PEAK", "Peak", "PEAK", None, None),
            RateGroupRow(2, "OFFPEAK", "Off-peak", None, None, None),
        ),
        rates=tuple(
            RateRow(number, f"{group}/voice/{place}", group, "voice", place, "60/6",
                    RateKind.STANDARD, price, 60, 0, 0)
            for number, (group, place, price) in enumerate(rates, 1)
        ),
        bucket_types=tuple(
            BucketTypeRow(number, code, "Minutes", Unit.TIME, shape.allowance, Frequency.MONTH, ("voice",),
                          (own[world.HOME],) if number == 1 else None)
            for number, code in enumerate(codes, 1)
        ),
        taxes=(TaxRow(1, "VAT", "VAT", 200_000, None, None),),
        packages=(
            PackageRow(1, "K", "K", 1000, "GBP", Frequency.MONTH, "P", "VAT", codes),
        ),
    )  # fmt: skip


def _above(code: str, own: dict[str, str]) -> str | None:
    return next((own[code[:n]] for n in range(len(code) - 1, 0, -1) if code[:n] in own), None)


def tariff(catalogue: TariffRows) -> Tariff:
    """Compile the catalogue."""
    return compile_tariff(catalogue, 1, COMPANY)


def uid(number: int) -> str:
    """Give the telephone number of an account."""
    return f"4477{number * 7919 % 100_000_000:08d}"


def owners(shape: Shape) -> Iterator[OwnerRow]:
    """Give who owns which number: each account one."""
    terms = Terms("K", "GBP", "Europe/London")
    for number in range(1, shape.uids + 1):
        yield OwnerRow(number, "phone", uid(number), *MONTH, number, number, terms, 1)


def shelf(shape: Shape, owned: list[Owner]) -> dict[int, tuple[BucketState, ...]]:
    """Give full buckets of all who call, in the order they are drawn."""
    services = dict.fromkeys(owner.account_service_id for owner in owned)
    return {
        service: tuple(
            BucketState(service * 10 + n, service, f"M{n}", *MONTH, shape.allowance)
            for n in range(shape.buckets)
        )
        for service in services
    }


def calls(shape: Shape, catalogue: TariffRows, seed: int) -> list[UDR]:
    """Give the calls of a month in the order in which they began, nearly half of them at home."""
    chance = random.Random(seed + 1)
    away = [row.code for row in catalogue.location_patterns]
    home = [code for code in away if code.startswith(world.HOME)]
    begun = sorted(chance.randrange(world.DAYS * 86_400 - 7200) for _ in range(shape.events))
    found = []
    for number, second in enumerate(begun):
        caller = uid(int(shape.uids * chance.random() ** 1.5) + 1)
        prefix = chance.choice(home if chance.randrange(100) < 45 else away)
        called = prefix + str(chance.randrange(10**9)).zfill(9)[: max(2, 12 - len(prefix))]
        seconds = 1 + int(chance.expovariate(1 / shape.seconds))
        key = number.to_bytes(16, "big")
        found.append(
            UDR(number, key, number, "phone", caller, "voice", FIRST_US + second * 10**6, seconds, caller, called)
        )  # fmt: skip
    return found
