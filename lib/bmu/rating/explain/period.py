"""Why a period's usage costs what it costs: what was measured, each tier's part, limits and rounding."""

from collections.abc import Iterator

from bmu.money import ONE_E11, decimal_text
from bmu.rating.aggregate import AggregatePrice, PeriodUsage, TierPart
from bmu.rating.explain.amount import ROUNDINGS
from bmu.rating.explain.step import Step
from bmu.rating.explain.words import exact, fact
from bmu.rating.kinds import AggregateKind
from bmu.rating.periodic import PeriodPrice
from bmu.rating.quantity import quantity_text
from bmu.rating.rows import RateRow
from bmu.usage import Unit


def explain_period(priced: PeriodPrice, unit: Unit, currency: str) -> tuple[Step, ...]:
    """
    Tell step by step how the price of a period's usage came about, or what it is so far.

    Shapes:
        unit: of the usage class.
    """
    total, price, taxes = priced
    tax = "".join(f" Its tax: {decimal_text(part.tax_e11)} {currency}." for part in taxes.parts)
    parts = [_part(price.kind, part, unit, currency) for part in price.parts]
    return (
        Step(
            "What is counted",
            _counted(price, total.usage, unit, currency),
            {"kind": price.kind.value, "measured": price.measured, "counted": total.usage.counted},
        ),
        Step(
            "The amount",
            " ".join([*parts, *_limited(priced, currency)]) + tax,
            {
                "parts": [
                    {
                        "from": part.from_,
                        "quantity": part.quantity,
                        "amount": fact(part.amount_e11),
                    }
                    for part in price.parts
                ],
                "cost": decimal_text(price.cost_e11),
                "places": total.precision.places,
                "rounding": total.precision.mode.value,
                "amount": decimal_text(taxes.net_e11),
                "tax": decimal_text(taxes.tax_e11),
            },
        ),
    )


def _counted(price: AggregatePrice, usage: PeriodUsage, unit: Unit, currency: str) -> str:
    if not price.measured:
        return "Nothing that is paid for."
    match price.kind:
        case AggregateKind.PERCENTAGE:
            return f"The period's other charges: {decimal_text(price.measured)} {currency}."
        case AggregateKind.HIGH_WATERMARK:
            return f"The largest of the period: {quantity_text(unit, price.measured)}."
        case AggregateKind.PERCENTILE_95:
            events, top = len(usage.samples), len(usage.samples) // 20
            left = f"the largest of {events} once the top {top} are left out"
            return f"{quantity_text(unit, price.measured)}, {left}."
        case AggregateKind.COUNTED:
            used = quantity_text(unit, price.measured)
            return f"All of the period: {used}; {usage.counted} services choose the tier."
        case _:
            return f"All of the period: {quantity_text(unit, price.measured)}."


def _part(kind: AggregateKind, part: TierPart, unit: Unit, currency: str) -> str:
    """Tell what a tier adds."""
    begins = str(part.from_) if kind is AggregateKind.COUNTED else quantity_text(unit, part.from_)
    percent = kind is AggregateKind.PERCENTAGE
    tier = f"From {decimal_text(part.from_)} {currency}" if percent else f"From {begins}"
    texts = []
    if part.quantity and (part.price_e11 or not part.flat_e11):
        of = quantity_text(unit, part.quantity)
        per = f" ÷ {quantity_text(unit, part.per)}"
        if percent:
            of, per = f"{decimal_text(part.quantity)} {currency}", ""
            if part.per != ONE_E11:
                per = f" ÷ {part.per // ONE_E11}"
        texts.append(f"{decimal_text(part.price_e11)} × {of}{per}")  # noqa: RUF001 - the sign
    if part.flat_e11 or not texts:
        texts.append(f"{decimal_text(part.flat_e11)} flat")
    return f"{tier}: {' + '.join(texts)} = {exact(part.amount_e11)} {currency}."


def _limited(priced: PeriodPrice, currency: str) -> Iterator[str]:
    total, price, taxes = priced
    if price.cost_e11:
        yield f"What the usage cost the company: {decimal_text(price.cost_e11)} {currency}."
    if not price.measured:
        return
    exactly = price.cost_e11 + sum(part.amount_e11 for part in price.parts)
    yield from _limits(total.rate, currency)
    places, mode = total.precision
    if exactly != price.amount_e11:
        amount = decimal_text(price.amount_e11)
        yield f"Rounded {ROUNDINGS[mode]} to {places} places: {amount} {currency}."
    if taxes.inclusive:
        yield f"Of that, {decimal_text(taxes.net_e11)} {currency} are before tax."


def _limits(rate: RateRow, currency: str) -> Iterator[str]:
    if rate.minimum_charge_e11:
        yield f"At least {decimal_text(rate.minimum_charge_e11)} {currency} a period."
    if rate.maximum_charge_e11 is not None:
        yield f"At most {decimal_text(rate.maximum_charge_e11)} {currency} a period."
