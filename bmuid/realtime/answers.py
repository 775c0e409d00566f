"""What is answered to a source that asks about one event."""

import json
from dataclasses import dataclass, fields

from bmu.money import decimal_text
from bmu.rating import Rated, Unrated
from bmu.usage import UDR


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of an event, or would.

    Shapes:
        state: RATED, QUOTED, SUSPENDED (kept with its reason, charged once that is mended), UNRATED (a quote's).
        account: whose it is, if that is known; charge: its id, as in a list of usage.
        included: the part of the rounded quantity that buckets give.
        reason, detail: why it has no price.
    """

    state: str
    account: str | None = None
    charge: str | None = None
    class_: str | None = None
    quantity: int | None = None
    rounded: int | None = None
    included: int | None = None
    billable: int | None = None
    amount: str | None = None
    tax: str | None = None
    currency: str | None = None
    reason: str | None = None
    detail: str | None = None


_ENCODER = json.JSONEncoder(ensure_ascii=False)

NAMES = tuple(field.name for field in fields(Outcome))


@dataclass(frozen=True, slots=True)
class Repeated:
    """What was answered to the event when it came first."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Conflict:
    """The source has told of another event by that key."""


def priced(state: str, udr: UDR, rated: Rated, account: str, udr_id: int | None) -> Outcome:
    """Say what an event costs."""
    return Outcome(
        state=state,
        account=account,
        charge=None if udr_id is None else f"{udr.started_us}-{udr_id}",
        class_=udr.usage_class,
        quantity=rated.quantity,
        rounded=rated.rounded,
        included=rated.rounded - rated.billable,
        billable=rated.billable,
        amount=decimal_text(rated.amount_e11),
        tax=decimal_text(rated.tax_e11),
        currency=rated.currency,
    )


def unpriced(state: str, udr: UDR, why: Unrated) -> Outcome:
    """Say why an event has no price."""
    return Outcome(
        state=state,
        class_=udr.usage_class,
        quantity=udr.quantity,
        reason=why.reason.value,
        detail=why.tried,
    )


def text_of(outcome: Outcome) -> str:
    """Write an answer so that it can be given again."""
    said = {name: value for name in NAMES if (value := getattr(outcome, name)) is not None}
    return _ENCODER.encode(said)


def outcome_of(text: str) -> Outcome:
    """Read what text_of wrote."""
    return Outcome(**json.loads(text))
