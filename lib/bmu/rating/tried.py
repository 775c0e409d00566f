"""What was looked at for an event, in order, and why each was not taken: plans by level, then rate groups."""

from collections.abc import Iterator
from typing import NamedTuple

from bmu.rating.group import Resolved, first_fitting
from bmu.rating.outcome import Unrated
from bmu.rating.owner import Terms
from bmu.rating.plan import BUCKET_LEVEL, named_plans
from bmu.rating.route import Route
from bmu.rating.routing import route_of
from bmu.rating.tariff import Tariff
from bmu.rating.way import said_of
from bmu.usage import UDR

_NONE_NAMED = "names none"
_NEARER = "a nearer one is taken"
_EARLIER = "an earlier one is taken"
_NOT_BEYOND = "prices only what goes beyond a bucket"


class Level(NamedTuple):
    """
    One of the eight places that may name a rate plan.

    Shapes:
        plan: the code that it names, if any.
        reason: why it was not taken; none: it was.
    """

    level: int
    plan: str | None
    reason: str | None


class TriedGroup(NamedTuple):
    """A rate group of the plan or of a fallback plan, and why it was not taken; none: it was."""

    plan: str
    group: str
    reason: str | None


class Tried(NamedTuple):
    """All levels, and all groups of the plan, in the order they are looked at."""

    levels: tuple[Level, ...]
    groups: tuple[TriedGroup, ...]


def tried_of(udr: UDR, terms: Terms, tariff: Tariff, usage_class: str) -> Tried | Unrated:
    """
    Tell for an event which levels and groups were passed over, and why; or why it has no plan or place.

    Shapes:
        usage_class: the one it was rated as.
        tariff: of the revision that the event was rated by.
    """
    route = route_of(tariff, terms, usage_class)
    if isinstance(route, Unrated):
        return route
    place = route.place_of(udr)
    if isinstance(place, Unrated):
        return place
    levels = tuple(_levels(terms, tariff, route.way.chosen.level))
    return Tried(levels, tuple(_groups(udr, route, place[1])))


def _levels(terms: Terms, tariff: Tariff, taken: int) -> Iterator[Level]:
    yield Level(BUCKET_LEVEL, None, _NOT_BEYOND)
    package = tariff.packages[terms.package]
    for level, plan, _ in named_plans(terms, package, tariff.price_plans, tariff.company):
        if level == taken:
            yield Level(level, plan, None)
        else:
            yield Level(level, plan, _NONE_NAMED if plan is None else _NEARER)


def _groups(udr: UDR, route: Route, location: int) -> Iterator[TriedGroup]:
    us = udr.started_us
    found = route.rate_at(us, location)
    if isinstance(found, Resolved):
        taken_id: int | None = found.rate_group_id
    else:
        offer = None if isinstance(found, Unrated) else first_fitting(found.offers, udr)
        taken_id = offer.group.row.id if offer else None
    is_taken = False
    for group in route.way.groups:
        reason: str | None = _EARLIER if is_taken else said_of(group, us, udr)
        if group.row.id == taken_id and not is_taken:
            is_taken, reason = True, None
        yield TriedGroup(group.plan.code, group.row.code, reason)
