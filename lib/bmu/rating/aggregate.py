"""What a whole period's usage costs at one rate; for half of the period the same, so far."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from heapq import merge
from typing import NamedTuple

from bmu.money import ONE_E11, SCALE, Rounding, divide
from bmu.rating.kept import list_of, object_of, whole_of
from bmu.rating.kinds import (
    AggregateKind,
    AggregateScope,
    RateKind,
)
from bmu.rating.rows import (
    RateRow,
    TierRow,
)
from bmu.rating.tier import reached, slices


class AggregateKey(NamedTuple):
    """
    What usage is added up together: that of one owner, at one rate of one class, in one period.

    Shapes:
        owner_id: of a service, of an account, or of the account that pays, as the scope says.
    """

    scope: AggregateScope
    owner_id: int
    usage_class_id: int
    rate_id: int
    from_us: int


@dataclass(frozen=True, slots=True)
class PeriodUsage:
    """
    What was used at one rate in a period so far, after buckets.

    Shapes:
        samples: the quantity of each event, the least first; only where a percentile is asked for.
        counted: the services, at the end of the period, that choose the tier of a COUNTED rate.

    Units:
        quantity, largest, samples: base units. others_e11: the period's other charges, that PERCENTAGE is of.
        cost_e11: what the usage cost the company.
    """

    quantity: int = 0
    largest: int = 0
    samples: tuple[int, ...] = ()
    counted: int = 0
    others_e11: int = 0
    cost_e11: int = 0

    def __add__(self, other: "PeriodUsage") -> "PeriodUsage":
        """Give the usage of both; services counted are of the later one."""
        return PeriodUsage(
            quantity=self.quantity + other.quantity,
            largest=max(self.largest, other.largest),
            samples=tuple(merge(self.samples, other.samples)),
            counted=other.counted,
            others_e11=self.others_e11 + other.others_e11,
            cost_e11=self.cost_e11 + other.cost_e11,
        )


def usage_of(kind: AggregateKind, quantities: Iterable[int]) -> PeriodUsage:
    """Add up the quantities of events, as far as a kind of rate asks for them."""
    events = sorted(quantities)
    return PeriodUsage(
        quantity=sum(events),
        largest=max(events, default=0),
        samples=tuple(events) if kind is AggregateKind.PERCENTILE_95 else (),
    )


@dataclass(frozen=True, slots=True)
class TierPart:
    """
    What one tier adds: *quantity* at *price_e11* for *per* of it, and *flat_e11*.

    Units:
        from_: where the tier begins. quantity: base units; of a PERCENTAGE, 10^-11 of the currency.
    """

    from_: int
    quantity: int
    price_e11: int
    per: int
    flat_e11: int = 0

    @property
    def amount_e11(self) -> Fraction:
        """What it adds, exactly."""
        return Fraction(self.quantity * self.price_e11, self.per) + self.flat_e11


@dataclass(frozen=True, slots=True)
class AggregatePrice:
    """
    The price of a period's usage, with what it was made of.

    Units:
        measured: what the kind goes by: the sum, the largest event, the percentile, other charges in 10^-11.
        cost_e11: of the usage, part of the price where the rate is a markup.
        amount_e11: the price, before tax.
    """

    kind: AggregateKind
    measured: int
    parts: tuple[TierPart, ...]
    cost_e11: int
    amount_e11: int

    def data(self) -> dict[str, object]:
        """Give the same as JSON data."""
        return {
            "kind": self.kind.value,
            "measured": self.measured,
            "parts": [
                {
                    "from": part.from_,
                    "quantity": part.quantity,
                    "price_e11": part.price_e11,
                    "per": part.per,
                    "flat_e11": part.flat_e11,
                }
                for part in self.parts
            ],
            "cost_e11": self.cost_e11,
            "amount_e11": self.amount_e11,
        }


def aggregate_of(data: object) -> AggregatePrice:
    """
    Read what `AggregatePrice.data` gave.

    Errors:
        ValueError: something else.
    """
    found = object_of(data)
    parts = (object_of(each) for each in list_of(found.get("parts")))
    names = ("from", "quantity", "price_e11", "per", "flat_e11")
    return AggregatePrice(
        kind=AggregateKind(found.get("kind")),
        measured=whole_of(found.get("measured")),
        parts=tuple(TierPart(*(whole_of(part.get(name)) for name in names)) for part in parts),
        cost_e11=whole_of(found.get("cost_e11")),
        amount_e11=whole_of(found.get("amount_e11")),
    )


def aggregate_price(
    rate: RateRow, usage: PeriodUsage, places: int, mode: Rounding
) -> AggregatePrice:
    """
    Price a period's usage at a rate of an aggregate group, rounded once; nothing used costs nothing.

    Shapes:
        rate: with its aggregation; without tiers, its price is that of the only one.
    """
    assert rate.aggregation is not None, rate
    tiers = rate.tiers or (TierRow(0, rate.price_e11, rate.per),)
    measured = measured_by(rate.aggregation, usage)
    if not measured:
        return AggregatePrice(rate.aggregation, 0, (), 0, 0)
    parts = _PARTS[rate.aggregation](tiers, measured, usage)
    cost = usage.cost_e11 if rate.kind is RateKind.RATED_MARKUP else 0
    exact = cost + sum((part.amount_e11 for part in parts), Fraction())
    exact = max(exact, Fraction(rate.minimum_charge_e11))
    if rate.maximum_charge_e11 is not None:
        exact = min(exact, Fraction(rate.maximum_charge_e11))
    step = int("1" + "0" * (SCALE - places))
    amount = divide(exact.numerator, exact.denominator * step, mode) * step
    return AggregatePrice(rate.aggregation, measured, parts, cost, amount)


def measured_by(kind: AggregateKind, usage: PeriodUsage) -> int:
    """Tell what of a period's usage a kind of rate goes by."""
    match kind:
        case AggregateKind.PERCENTAGE:
            return usage.others_e11
        case AggregateKind.HIGH_WATERMARK:
            return usage.largest
        case AggregateKind.PERCENTILE_95:
            # The top twentieth of the events is left out, rounded down; the largest after it counts.
            return usage.samples[-1 - len(usage.samples) // 20] if usage.samples else 0
        case _:
            return usage.quantity


def key_of(
    scope: AggregateScope,
    owners: Mapping[AggregateScope, int],
    class_and_rate: tuple[int, int],
    from_us: int,
) -> AggregateKey:
    """Give the key that an event's usage is added up under; *owners* are its service, account and payer."""
    return AggregateKey(scope, owners[scope], *class_and_rate, from_us)


def _graduated(tiers: tuple[TierRow, ...], measured: int, _: PeriodUsage) -> tuple[TierPart, ...]:
    return tuple(
        TierPart(tier.from_, quantity, tier.price_e11, tier.per)
        for tier, quantity in slices(tiers, measured)
    )


def _volume(tiers: tuple[TierRow, ...], measured: int, _: PeriodUsage) -> tuple[TierPart, ...]:
    tier = reached(tiers, measured)
    return (TierPart(tier.from_, measured, tier.price_e11, tier.per),)


def _package(tiers: tuple[TierRow, ...], measured: int, _: PeriodUsage) -> tuple[TierPart, ...]:
    tier = reached(tiers, measured)
    begun = -(-measured // tier.per) * tier.per
    return (TierPart(tier.from_, begun, tier.price_e11, tier.per),)


def _stairstep(tiers: tuple[TierRow, ...], measured: int, _: PeriodUsage) -> tuple[TierPart, ...]:
    tier = reached(tiers, measured)
    return (TierPart(tier.from_, 0, 0, 1, tier.flat_e11),)


def _flat_and_unit(
    tiers: tuple[TierRow, ...], measured: int, _: PeriodUsage
) -> tuple[TierPart, ...]:
    tier = reached(tiers, measured)
    return (TierPart(tier.from_, measured, tier.price_e11, tier.per, tier.flat_e11),)


def _percentage(tiers: tuple[TierRow, ...], measured: int, _: PeriodUsage) -> tuple[TierPart, ...]:
    tier = reached(tiers, measured)
    return (TierPart(tier.from_, measured, tier.price_e11, tier.per * ONE_E11),)


def _counted(
    tiers: tuple[TierRow, ...], measured: int, usage: PeriodUsage
) -> tuple[TierPart, ...]:
    tier = reached(tiers, usage.counted)
    return (TierPart(tier.from_, measured, tier.price_e11, tier.per),)


_PARTS: Mapping[
    AggregateKind, Callable[[tuple[TierRow, ...], int, PeriodUsage], tuple[TierPart, ...]]
] = {
    AggregateKind.GRADUATED: _graduated,
    AggregateKind.VOLUME: _volume,
    AggregateKind.PACKAGE: _package,
    AggregateKind.STAIRSTEP: _stairstep,
    AggregateKind.FLAT_AND_UNIT: _flat_and_unit,
    AggregateKind.PERCENTAGE: _percentage,
    AggregateKind.HIGH_WATERMARK: _volume,
    AggregateKind.PERCENTILE_95: _volume,
    AggregateKind.COUNTED: _counted,
}
