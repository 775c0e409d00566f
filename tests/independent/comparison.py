"""The engine and the second rater on the same events, one after another and in batches."""

import copy
from collections import Counter
from dataclasses import dataclass, field, replace

from independent.answers import answer_of
from independent.events import Usage
from independent.features import Features
from independent.people import Everything, World
from independent.prices import MARKUPS
from independent.rater import Answer, Rater

from bmu.rating import (
    BucketState,
    Owner,
    Participation,
    Rated,
    Tariff,
    Unrated,
    compile_tariff,
    rate,
    rate_batch,
    shelves,
    validate,
)
from bmu.rating.sharing import copied
from bmu.usage import UDR

BATCH = 700
DIFFERENCES_SHOWN = 5
Event = tuple[UDR, Owner]
Shelf = dict[int, tuple[BucketState, ...]]


@dataclass
class Found:
    """What came of comparing one world's events."""

    seed: int
    events: int = 0
    met: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


class Copy:
    """A world's buckets and limits, to be spent by one rater."""

    def __init__(self, world: World) -> None:
        self.buckets = copy.deepcopy(world.buckets)
        self.shelves: Shelf = shelves(self.buckets, world.sharers)
        self.limits = {service: tuple(copied(each)) for service, each in world.limits.items()}

    def of(self, owner: Owner) -> tuple[tuple[BucketState, ...], tuple[Participation, ...]]:
        """What a service may draw from, and how much."""
        service = owner.account_service_id
        return self.shelves.get(service, ()), self.limits.get(service, ())


def compare(seed: int, count: int) -> Found:
    """Rate the events of a world three times, and tell where they differ."""
    world = Everything(seed).world()
    assert validate(world.rows) == ()
    usage = Usage(world, seed)
    events = [usage.event(number) for number in range(count)]
    tariff = compile_tariff(world.rows, 1, world.company)
    found = Found(seed, count)
    alone, together, ours = Copy(world), Copy(world), Copy(world)
    said = [rate(udr, owner, tariff, *alone.of(owner)) for udr, owner in events]
    compare_batches(found, events, said, (tariff, together))
    compare_answers(found, world, (events, said), ours)
    for name, other in (("a batch", together), ("the second rater", ours)):
        if (other.buckets, other.limits) != (alone.buckets, alone.limits):
            found.differences.append(f"world {seed}: {name} leaves other balances")
    return found


def compare_batches(
    found: Found, events: list[Event], said: list[Rated | Unrated], by: tuple[Tariff, Copy]
) -> None:
    """Rate all events in batches."""
    tariff, stock = by
    for start in range(0, len(events), BATCH):
        part = events[start : start + BATCH]
        batch = rate_batch(
            [udr for udr, _ in part], [owner for _, owner in part], tariff,
            stock.shelves, stock.limits,
        )  # fmt: skip
        for (udr, _), one, other in zip(part, said[start:], batch, strict=False):
            if one != other:
                differ(found, udr, f"alone {one}, in a batch {other}")


def compare_answers(
    found: Found, world: World, said: tuple[list[Event], list[Rated | Unrated]], stock: Copy
) -> None:
    """Rate all events by the second rater."""
    rater = Rater(world.rows, world.company)
    features = Features(world)
    buckets = {each.id: each for each in stock.buckets}
    marked_up = {row.id for row in world.rows.rates if row.kind in MARKUPS}
    for (udr, owner), one in zip(*said, strict=True):
        mine = rater.rate(udr, owner, *stock.of(owner))
        found.met.update(features.of(udr, owner, mine, buckets))
        engine = answer_of(one)
        if told(mine, marked_up) != told(engine, marked_up):
            differ(found, udr, unlike(mine, engine))


def told(answer: Answer | str, marked_up: set[int]) -> Answer | str:
    """
    Leave out what the specification leaves open.

    Whether a cost that only the record says is told with a price that doesn't hang on it: see the notes.
    """
    if isinstance(answer, Answer) and answer.cost is not None and answer.cost[1] is None:
        rates = {answer.rate, *(rate_id for _, rate_id, _, _ in answer.parts)}
        if not rates & marked_up:
            return replace(answer, cost=None)
    return answer


def differ(found: Found, udr: UDR, how: str) -> None:
    """Remember a difference; the first few say enough."""
    if len(found.differences) < DIFFERENCES_SHOWN:
        found.differences.append(f"world {found.seed}, event {udr.line_no}: {how}\n{udr}")


def unlike(mine: Answer | str, engine: Answer | str) -> str:
    """Say what differs."""
    if isinstance(mine, str) or isinstance(engine, str):
        return f"second rater {mine}, engine {engine}"
    return "; ".join(
        f"{name}: second rater {getattr(mine, name)}, engine {getattr(engine, name)}"
        for name in mine.__dataclass_fields__
        if getattr(mine, name) != getattr(engine, name)
    )
