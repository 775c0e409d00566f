"""What conditions can ask about: fields of an event, and of the terms it is rated on."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bmu.rating.condition import Condition
from bmu.rating.owner import Terms
from bmu.usage import UDR

_OF_UDR: dict[str, Callable[[UDR], str]] = {
    "origin": lambda udr: udr.origin,
    "destination": lambda udr: udr.destination,
    "uid": lambda udr: udr.uid,
    "uid_type": lambda udr: udr.uid_type,
    "usage_class": lambda udr: udr.usage_class,
    "quantity": lambda udr: str(udr.quantity),
}
_OF_TERMS = ("account.", "service.")


class Asked(NamedTuple):
    """A condition with the way to the text that it tests."""

    field: str
    read: Callable[[UDR], str]
    fits: Callable[[str], bool]


class Left(NamedTuple):
    """
    What conditions leave to ask, once the terms are known.

    Shapes:
        asked: of the event. refused: the field of the terms that some condition does not accept; none: all do.
    """

    asked: tuple[Asked, ...]
    refused: str | None


def on_terms(conditions: Iterable[Condition], terms: Terms) -> Left:
    """Answer all that the terms decide, and leave the rest to each event."""
    asked = []
    for field, fits in conditions:
        if not field.startswith(_OF_TERMS):
            asked.append(Asked(field, reader(field), fits))
        elif not fits(_of_terms(field, terms)):
            return Left((), field)
    return Left(tuple(asked), None)


def refusing(asked: Iterable[Asked], udr: UDR) -> str | None:
    """Name the first field of an event that is not as it must be; none: all are."""
    for field, read, fits in asked:
        if not fits(read(udr)):
            return field
    return None


def reader(field: str) -> Callable[[UDR], str]:
    """Give the way to the text of a field of an event; one that it does not have is empty."""
    known = _OF_UDR.get(field)
    return known if known is not None else lambda udr: (udr.extras or {}).get(field, "")


def _of_terms(field: str, terms: Terms) -> str:
    known = {
        "account.country": terms.country,
        "account.category": terms.category,
        "account.currency": terms.currency,
        "account.zone": terms.zone,
        "service.package": terms.package,
        "service.price_plan": terms.price_plan,
    }
    if field in known:
        return known[field] or ""
    return dict(terms.attributes).get(field, "")
