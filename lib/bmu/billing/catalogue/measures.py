"""What prices are per, and what allowances hold: values that other fields of their row give a meaning to."""

import re
from collections.abc import Iterator, Mapping

from bmu.billing.catalogue.fields import Kind, Written
from bmu.billing.document import Entry
from bmu.money import exponent, money_text, parse_e11, to_minor
from bmu.usage import Unit

_WHOLE = re.compile(r"[1-9][0-9]{0,18}")
# What a price may be per, beside a plain number of base units.
_PER: Mapping[str, tuple[Unit, int]] = {
    "s": (Unit.TIME, 1),
    "min": (Unit.TIME, 60),
    "h": (Unit.TIME, 3600),
    "d": (Unit.TIME, 86400),
    "kB": (Unit.DATA, 10**3),
    "MB": (Unit.DATA, 10**6),
    "GB": (Unit.DATA, 10**9),
    "TB": (Unit.DATA, 10**12),
    "KiB": (Unit.DATA, 2**10),
    "MiB": (Unit.DATA, 2**20),
    "GiB": (Unit.DATA, 2**30),
    "TiB": (Unit.DATA, 2**40),
}
_WORDS = {measured: word for word, measured in _PER.items()}
_NESTED = ("steps", "tiers")


class _Per:
    """A number of base units, or one of the named units; whether that is of the class, `per_faults` says."""

    def read(self, entry: Entry, key: str) -> int:
        text = entry.text(key)
        if _WHOLE.fullmatch(text):
            return int(text)
        if text and text not in _PER:
            entry.fault(key, f"{text[:70]!r} is no number and none of {', '.join(_PER)}")
        return _PER.get(text, (None, 1))[1]

    def of_cell(self, text: str) -> object:
        return text

    def write(self, value: object) -> Written:
        return str(value)


class _Quantity:
    """A whole number of base units, or for money a decimal in quotes; which of them, `quantity_faults` says."""

    def read(self, entry: Entry, key: str) -> int:
        return entry.amount_e11(key) if isinstance(entry.raw(key), str) else entry.whole(key)

    def of_cell(self, text: str) -> object:
        return int(text) if _WHOLE.fullmatch(text) else text

    def write(self, value: object) -> Written:
        assert isinstance(value, int), value
        return value


PER: Kind = _Per()
QUANTITY: Kind = _Quantity()


def per_faults(entry: Entry, unit: Unit | None) -> Iterator[tuple[str, str]]:
    """Say where a rate's price is per a unit that its class doesn't count."""
    for key, text in _pers(entry):
        of_unit = _PER.get(text, (None, 1))[0] if isinstance(text, str) else None
        if of_unit and unit and of_unit is not unit:
            yield key, f"{text!r} measures {of_unit.value}, but the class {unit.value}"


def _pers(entry: Entry) -> Iterator[tuple[str, object]]:
    yield "per", entry.raw("per")
    for nested in _NESTED:
        tables = entry.raw(nested)
        if isinstance(tables, list):
            for number, table in enumerate(tables, 1):
                if isinstance(table, dict):
                    yield f"{nested}[{number}].per", table.get("per")


def per_word(per: int, unit: Unit | None) -> str:
    """Write what a price is per, as people say it."""
    return _WORDS.get((unit, per), str(per)) if unit else str(per)


def quantity_faults(entry: Entry, *, of_money: bool) -> Iterator[tuple[str, str]]:
    """Say where an allowance is written as what it is not: units or money."""
    held: list[tuple[str, object]] = [
        (key, entry.raw(key)) for key in ("quantity", "rollover_max")
    ]
    tiers = entry.raw("tiers")
    if isinstance(tiers, list):
        held += [
            (f"tiers[{number}].quantity", tier.get("quantity"))
            for number, tier in enumerate(tiers, 1)
            if isinstance(tier, dict)
        ]
    for key, raw in held:
        if of_money and isinstance(raw, int):
            yield key, 'is money: give a decimal in quotes, like "10.00"'
        if not of_money and isinstance(raw, str):
            yield key, "counts units: give a whole number, without quotes"


def minor_or_fault(amount_e11: int, currency: str) -> int | str:
    """Give money in the minor unit of its currency, or say why it can't be."""
    try:
        minor = to_minor(amount_e11, currency)
    except ValueError:
        # The currency has its own fault.
        return 0
    if parse_e11(money_text(minor, currency)) != amount_e11:
        return f"has more than the {exponent(currency)} decimal places of {currency}"
    return minor
