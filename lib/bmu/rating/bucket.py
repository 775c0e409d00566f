"""Included quantities: which are drawn from for an event, in which order, and how much."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bmu.usage import Unit


class Grant(NamedTuple):
    """An allowance that an account service is due for [from_us, to_us)."""

    code: str
    from_us: int
    to_us: int
    quantity: int
    unit: Unit


@dataclass(slots=True)
class BucketState:
    """
    The working copy of one bucket: rating lowers *balance*, the caller stores the draws.

    Units:
        balance: base units left.
        from_us, to_us: events that begin in [from_us, to_us) may draw.
    """

    id: int
    account_service_id: int
    code: str
    from_us: int
    to_us: int
    balance: int


def by_service(states: Iterable[BucketState]) -> dict[int, tuple[BucketState, ...]]:
    """Give the buckets of each account service in the order they are drawn: earliest end first."""
    found: dict[int, tuple[BucketState, ...]] = {}
    for state in states:
        others = found.get(state.account_service_id, ())
        # Most services have one bucket open.
        found[state.account_service_id] = (
            tuple(sorted((*others, state), key=_ending)) if others else (state,)
        )
    return found


def _ending(state: BucketState) -> tuple[int, int]:
    return state.to_us, state.id


def draw(
    buckets: Sequence[BucketState], codes: Container[str], started_us: int, quantity: int
) -> tuple[tuple[int, int], ...]:
    """
    Take up to *quantity* from the buckets of these codes that are open at *started_us*.

    Shapes:
        buckets: in the order of `by_service`.
        Result: (bucket id, quantity) of each bucket touched, in order.
    """
    draws: tuple[tuple[int, int], ...] = ()
    for bucket in buckets:
        balance = bucket.balance
        if balance and bucket.from_us <= started_us < bucket.to_us and bucket.code in codes:
            taken = min(balance, quantity)
            bucket.balance = balance - taken
            draws += ((bucket.id, taken),)
            quantity -= taken
            if not quantity:
                break
    return draws
