"""What else a sum of charges holds, in words: money that buckets paid, tiers that began."""

from collections.abc import Iterable

from bmu.money import decimal_text
from bmuid.store.unbilled import Drawn


def texts_of(drawn: Iterable[Drawn], currency: str) -> dict[int, str]:
    """
    Say it for each sum that has any.

    Shapes:
        Result: by the number that was given to the sum.
    """
    found: dict[int, list[str]] = {}
    for one in drawn:
        found.setdefault(one.place, []).append(_text(one, currency))
    return {place: ", ".join(texts) for place, texts in found.items()}


def _text(one: Drawn, currency: str) -> str:
    amount = f"{decimal_text(one.amount_e11)} {currency}"
    if one.tier is None:
        return f"{amount} paid by {one.name}"
    times = "" if one.times == 1 else f" {one.times} times"
    return f"with {amount} for tier {one.tier} of {one.name}, begun{times}"
