"""Which tax code fits: what it names must be so, what it names counts, and the one that names most is taken."""

from collections.abc import Iterable
from typing import NamedTuple

from bmu.rating.offers import TaxCodeRow

# Each weighs more than all those after it together.
_ACCOUNT_CATEGORY = 8
_SERVICE_CATEGORY = 4
_STATE = 2
_COUNTRY = 1


class TaxPlace(NamedTuple):
    """A country and a part of it, by code; none where that isn't known."""

    country: str | None = None
    state: str | None = None


class TaxTraits(NamedTuple):
    """
    What tax codes look at.

    Shapes:
        account, event: where the customer is, and where the event took place.
        account_category, service_category: words of the company's own; none: none given.
    """

    account: TaxPlace
    event: TaxPlace
    account_category: str | None = None
    service_category: str | None = None


def fit(code: TaxCodeRow, traits: TaxTraits) -> int | None:
    """
    Tell how well a tax code fits, more is better; none where it names something that is not so.

    The place is the event's where the code says so, else the account's. What isn't known fits a blank only.
    """
    place = traits.event if code.of_event else traits.account
    score = 0
    for wanted, found, weight in (
        (code.account_category, traits.account_category, _ACCOUNT_CATEGORY),
        (code.service_category, traits.service_category, _SERVICE_CATEGORY),
        (code.state, place.state, _STATE),
        (code.country, place.country, _COUNTRY),
    ):
        if wanted is not None:
            if wanted != found:
                return None
            score += weight
    return score


def best_tax_code(codes: Iterable[TaxCodeRow], traits: TaxTraits) -> TaxCodeRow | None:
    """
    Find the tax code that fits best, the one of the lowest id of several; none where none is due.

    A default code stands back: it is for what no other fits, whatever it names itself.
    """
    best, default = None, None
    most = -1
    for code in sorted(codes, key=lambda code: code.id):
        if code.default:
            default = default or code
            continue
        score = fit(code, traits)
        if score is not None and score > most:
            best, most = code, score
    return best or default
