"""Countries, kinds of numbers, operators and regions, each with the prefixes of its numbers."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from phonenumbers import PhoneMetadata
from phonenumbers.carrierdata import CARRIER_DATA
from phonenumbers.data import _COUNTRY_CODE_TO_REGION_CODE as REGIONS
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.geodata.locale import LOCALE_DATA

from bmu.billing.catalogue import UNSTORED
from bmu.rating import LocationPatternRow, LocationRow
from bmuid.cli.world.plan import State, after, start

# Where more national digits than these are needed to tell kinds apart, the country is told alone.
DIGITS_MAX = 8
SLUG_MAX = 30
NAME_CHARACTERS_MAX = 200
_BEYOND = "001"
_KINDS = {
    "fixed_line": "fixed",
    "mobile": "mobile",
    "toll_free": "toll-free",
    "premium_rate": "premium",
    "shared_cost": "shared-cost",
    "personal_number": "personal",
    "voip": "voip",
    "pager": "pager",
    "uan": "company",
}

# A region and a kind of number there; none: not told apart.
_Place = tuple[str, str | None]


@dataclass(slots=True)
class World:
    """The tree, as it grows."""

    locations: dict[str, LocationRow] = field(default_factory=dict)
    patterns: dict[str, str] = field(default_factory=dict)
    named: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, code: str, name: str, parent: str | None, kind: str) -> str:
        """Add a location where it is not there yet; give its code."""
        if code not in self.locations:
            self.locations[code] = LocationRow(UNSTORED, code, name, parent, kind)
        return code

    def at(self, digits: str) -> str | None:
        """Give where the numbers that begin with these digits are."""
        for length in range(len(digits), 0, -1):
            place = self.patterns.get(digits[:length])
            if place is not None:
                return place
        return None

    def put(self, prefix: str, place: str) -> None:
        """Let a prefix lead to a place, unless a shorter one leads there."""
        if self.at(prefix) != place:
            self.patterns[prefix] = place

    def rows(self) -> tuple[list[LocationRow], list[LocationPatternRow]]:
        """Give all that has a prefix, and what is above it; both in order."""
        wanted = set(self.patterns.values())
        for code in list(wanted):
            parent = self.locations[code].parent
            while parent is not None:
                wanted.add(parent)
                parent = self.locations[parent].parent
        return (
            [self.locations[code] for code in sorted(wanted)],
            [
                LocationPatternRow(UNSTORED, code, self.patterns[code])
                for code in sorted(self.patterns)
            ],
        )


def world(*, operators: bool, regions: bool) -> World:
    """Make the tree; *operators* and *regions*: with a level for these, where they are known."""
    made = World()
    for calling_code, region_codes in sorted(REGIONS.items()):
        _countries(made, str(calling_code), region_codes)
    # What is smaller lies below the country or the kind of number that its numbers belong to.
    if regions:
        _named(made, GEOCODE_DATA, "region")
    if operators:
        _named(made, CARRIER_DATA, "operator")
    return made


def _countries(made: World, calling_code: str, region_codes: tuple[str, ...]) -> None:
    main = region_codes[0]
    made.put(calling_code, _location(made, (main, None), calling_code))
    plans: dict[_Place, frozenset[State]] = {}
    seen = set()
    for region in region_codes:
        for kind, pattern in _patterns(region, calling_code):
            # What several countries have alike is the first one's.
            if (kind, pattern) not in seen:
                seen.add((kind, pattern))
                plans[region, kind] = start(pattern)
    for prefix, place in _told_apart("", plans):
        made.put(
            calling_code + prefix, _location(made, (place[0] or main, place[1]), calling_code)
        )


def _patterns(region: str, calling_code: str) -> Iterator[tuple[str | None, str]]:
    """Give the patterns of a region's kinds; fixed and mobile numbers that look alike are neither."""
    if region == _BEYOND:
        metadata = PhoneMetadata.metadata_for_nongeo_region(int(calling_code))
    else:
        metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        return
    alike = (
        metadata.fixed_line
        and metadata.mobile
        and metadata.fixed_line.national_number_pattern == metadata.mobile.national_number_pattern
    )
    for name, kind in _KINDS.items():
        described = getattr(metadata, name)
        pattern = described.national_number_pattern if described else None
        if pattern and not (alike and name == "mobile"):
            yield (None if alike and name == "fixed_line" else kind), pattern


def _told_apart(
    prefix: str, plans: Mapping[_Place, frozenset[State]]
) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    """Give the shortest prefixes that tell a region and a kind from all others."""
    alive = {place: states for place, states in plans.items() if states}
    if not alive:
        return
    regions = {region for region, _ in alive}
    kinds = {kind for _, kind in alive}
    if prefix and len(kinds) == 1:
        yield prefix, (regions.pop() if len(regions) == 1 else None, kinds.pop())
        if len({region for region, _ in alive}) == 1 or len(prefix) >= DIGITS_MAX:
            return
    elif prefix and len(regions) == 1:
        yield prefix, (regions.pop(), None)
    is_hopeless = all(any(state.is_open for state in states) for states in alive.values())
    if len(prefix) < DIGITS_MAX and not is_hopeless:
        for digit in "0123456789":
            yield from _told_apart(
                prefix + digit, {place: after(states, digit) for place, states in alive.items()}
            )


def _location(made: World, place: _Place, calling_code: str) -> str:
    region, kind = place
    if region == _BEYOND:
        code, name = f"X{calling_code}", f"International network +{calling_code}"
    else:
        code, name = region, _name_of(region)
    country = made.add(code, name, None, "country")
    if kind is None:
        return country
    return made.add(f"{country}-{kind.upper()}", f"{name} {kind}", country, kind)


def _name_of(region: str) -> str:
    names = LOCALE_DATA.get(region, {})
    name = names.get("en", region)
    # "*aa" stands for the name in the language aa.
    return names.get(name[1:], region) if name.startswith("*") else name


def _named(made: World, prefixes: Mapping[str, Mapping[str, str]], kind: str) -> None:
    """Add places with names of their own, each below where its numbers were."""
    found = []
    for prefix, names in prefixes.items():
        said = names.get("en") or next(iter(names.values()), "")
        # Blanks of other scripts can't be printed; some names list every town.
        printable = "".join(one if one.isprintable() else " " for one in said)
        name = " ".join(printable.split())[:NAME_CHARACTERS_MAX].rstrip()
        above = made.at(prefix)
        if name and above is not None:
            found.append((prefix, name, above))
    for prefix, name, above in sorted(found):
        # A region's numbers may be an operator's, too: then it lies below the same kind of number.
        parent = above
        while made.locations[parent].kind in ("region", "operator"):
            parent = made.locations[parent].parent or parent
        if name != made.locations[parent].name:
            made.put(prefix, _below(made, parent, name, kind))


def _below(made: World, parent: str, name: str, kind: str) -> str:
    known = made.named.get((parent, name))
    if known is None:
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        slug = re.sub(r"[^A-Za-z0-9]+", "-", plain)[:SLUG_MAX].strip("-") or kind
        code, number = f"{parent}.{slug}", 2
        while code in made.locations:
            code, number = f"{parent}.{slug}.{number}", number + 1
        known = made.named[parent, name] = made.add(code, name, parent, kind)
    return known
