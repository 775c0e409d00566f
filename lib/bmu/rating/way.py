"""What a route is made of, and what it finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bmu.rating.drawing import Taker
from bmu.rating.fields import refusing
from bmu.rating.geotree import GeoTree
from bmu.rating.group import Group, Offer, Resolved
from bmu.rating.outcome import Unrated, UnratedReason
from bmu.rating.places import EVERYWHERE, Places
from bmu.rating.plan import Chosen
from bmu.rating.rows import RoundingRow, UsageClassRow
from bmu.rating.takers import Takers
from bmu.rating.taxation import Levies, Untaxed
from bmu.usage import UDR


class Choice(NamedTuple):
    """
    All that may price events at a moment and place, where that is not just one plain rate.

    Shapes:
        offers: in order; the first whose group wants the event is the one. of_stretches: those that may price
            a part of an event.
        costs: by the code of the plan that sells, likewise what the company pays.
        levies: none: the outside tax service says them of each event.
        one_tax: whether the levies are one tax on top, or none.
        buckets: plain types that an event may draw from, as `Resolved` has them; takers: of all types, where some
            are not plain.
    """

    offers: tuple[Offer, ...]
    of_stretches: tuple[Offer, ...]
    costs: Mapping[str, tuple[Offer, ...]]
    levies: Levies | Untaxed | None
    one_tax: bool
    buckets: Mapping[str, int]
    takers: Mapping[str, Taker] | None


Found = Resolved | Choice | Unrated


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """
    All that a route is made of.

    Shapes:
        groups, cost_groups: of the plan and of its fallback plans, in order.
        edges: instants at which rates or taxes change, apart from groups.
        geotree: none where the class is rated by itself alone.
        takers: the types of buckets that may take the usage.
        taxes: what is due at an instant for usage at a location; by its country and state alone.
        outside_taxes: what is due for an event at a location, where an outside service is asked; none: *taxes* says it.
        moved: places where usage of the class may be made another's.
    """

    usage_class: UsageClassRow
    chosen: Chosen
    currency: str
    company_zone: str
    groups: tuple[Group, ...]
    cost_groups: tuple[Group, ...]
    edges: frozenset[int]
    geotree: GeoTree | None
    places: Places
    roundings: Mapping[str, RoundingRow]
    takers: Takers
    taxes: Callable[[int, int], Levies | Untaxed]
    outside_taxes: Callable[[UDR, int], Levies | Untaxed] | None = None
    moved: frozenset[int] = frozenset()

    def is_moved(self, location: int) -> bool:
        """Tell whether usage at a location may be made another class's."""
        return not self.moved.isdisjoint(self.places.reach(location))

    def tried(self, us: int, location: int, udr: UDR | None = None) -> str:
        """Say where a rate was looked for at an instant and what each group had to say, of an event too."""
        place = ""
        if location != EVERYWHERE:
            lineage = self.places.reach(location)
            codes = [self.places.codes[index] for index in lineage if index >= 0]
            place = f" at {' < '.join(codes)}"
        said = [f"{self._name(group)}: {said_of(group, us, udr)}" for group in self.groups]
        return f"{self.chosen.tried}; {self.usage_class.code}{place}; {', '.join(said) or 'no groups'}"

    def _name(self, group: Group) -> str:
        is_chosen = group.plan.code == self.chosen.plan.code
        return group.row.code if is_chosen else f"{group.plan.code}/{group.row.code}"


def untaxed(why: Untaxed) -> Unrated:
    """Say that an event waits for its taxes."""
    reason = UnratedReason.TAX_SERVICE if why.by_service else UnratedReason.NO_TAX
    return Unrated(reason, why.tried)


def is_one_tax(levies: Levies) -> bool:
    """Tell whether what is due is one tax on top of the amount, or none."""
    if levies.inclusive or len(levies.levies) > 1:
        return False
    return all(levy.certificate is None for levy in levies.levies)


def said_of(group: Group, us: int, udr: UDR | None) -> str:
    """Say why a group that prices nothing at a place doesn't: for an event, or none in particular, at an instant."""
    if group.passed is not None:
        return group.passed
    if not group.holds_at(us):
        return "not at this time"
    field = refusing(group.asked, udr) if udr is not None else None
    return "no rate" if field is None else f"not for this {field}"
