"""How a tariff makes the route of a usage class on given terms: plan, groups, taxes and buckets put together."""

from collections.abc import Callable, Iterator

from bmu.rating.condition import compile_condition
from bmu.rating.fields import on_terms
from bmu.rating.group import Group
from bmu.rating.kinds import BucketScope
from bmu.rating.offers import BucketTypeRow, PackageRow
from bmu.rating.outcome import Unrated, UnratedReason
from bmu.rating.owner import Terms
from bmu.rating.places import EVERYWHERE
from bmu.rating.plan import BUCKET_LEVEL, PLAN_LEVELS, Chosen, choose_plan
from bmu.rating.precision import precision_of
from bmu.rating.route import Route
from bmu.rating.rows import RateGroupRow, RatePlanRow, UsageClassRow
from bmu.rating.span import day_span
from bmu.rating.takers import Takers
from bmu.rating.tariff import Tariff
from bmu.rating.taxation import Levies, TaxRequest, Untaxed
from bmu.rating.taxcode import TaxPlace, TaxTraits
from bmu.rating.way import Way
from bmu.usage import UDR, Rater


def plan_of(terms: Terms, tariff: Tariff) -> Chosen | Unrated:
    """Choose the one plan for usage on these terms; there is no falling through to another level's."""
    package = tariff.packages.get(terms.package)
    if package is None:
        return Unrated(UnratedReason.NO_PACKAGE, f"no package {terms.package} in the catalogue")
    return choose_plan(terms, package, tariff.plans, tariff.price_plans, tariff.company)


def route_of(tariff: Tariff, terms: Terms, usage_class: str) -> Route | Unrated:
    """Give the way to the rates of a usage class on given terms, or say why there is none."""
    found = tariff.known.routes.get((terms, usage_class))
    if found is None:
        row = _class(tariff, usage_class)
        if isinstance(row, Unrated):
            # Events name whatever they like: not remembered.
            return row
        chosen = plan_of(terms, tariff)
        found = chosen if isinstance(chosen, Unrated) else _route(tariff, terms, row, chosen)
        tariff.known.routes[terms, usage_class] = found
    return found


def overage_route(tariff: Tariff, terms: Terms, usage_class: str, plan: str) -> Route | Unrated:
    """Give the way to the rates of a usage class in the plan that a bucket names for what goes beyond it."""
    key = terms, usage_class, plan
    found = tariff.known.overage_routes.get(key)
    if found is None:
        row = tariff.plans[plan]
        chosen = Chosen(row, BUCKET_LEVEL, f"{PLAN_LEVELS[BUCKET_LEVEL]}: {plan}")
        found = _route(tariff, terms, tariff.usage_classes[usage_class], chosen)
        tariff.known.overage_routes[key] = found
    return found


def _class(tariff: Tariff, code: str) -> UsageClassRow | Unrated:
    row = tariff.usage_classes.get(code)
    return row or Unrated(UnratedReason.NO_USAGE_CLASS, f"no usage class {code[:60]!r}")


def _route(tariff: Tariff, terms: Terms, row: UsageClassRow, chosen: Chosen) -> Route:
    package = tariff.packages[terms.package]
    groups = tuple(_groups(tariff, terms, row.code, chosen.plan))
    names = {(group.row.code, row.code) for group in groups}
    edges = {edge for name in names for edge in tariff.dated.get(name, ())}
    request_at = _tax_request(tariff, terms, row, package)
    return Route(
        Way(
            usage_class=row,
            chosen=chosen,
            currency=terms.currency,
            company_zone=tariff.company.zone,
            groups=tuple(group for group in groups if not group.row.for_cost),
            cost_groups=tuple(group for group in groups if group.row.for_cost and group.rates),
            edges=frozenset(edges | _tax_edges(tariff, terms)),
            geotree=tariff.geotree if row.rater is Rater.GEOTREE else None,
            places=tariff.places,
            roundings=tariff.roundings,
            takers=_takers(tariff, terms, package, row.code),
            taxes=lambda us, location: tariff.tax_rules.levies(request_at(us, location)),
            outside_taxes=_outside_taxes(tariff, terms, row, request_at),
            moved=frozenset(
                place for rule in tariff.rules(terms, row.code) for place in rule.places or ()
            ),
        )
    )


def _groups(tariff: Tariff, terms: Terms, usage_class: str, plan: RatePlanRow) -> Iterator[Group]:
    """Give the groups of a plan and of its fallback plans; what lies in a circle comes once."""
    seen: set[str] = set()
    following: RatePlanRow | None = plan
    while following is not None and following.code not in seen:
        seen.add(following.code)
        for code in following.rate_groups:
            yield _group(tariff, terms, usage_class, following, tariff.groups[code])
        following = tariff.plans[following.fallback_plan] if following.fallback_plan else None


def _group(
    tariff: Tariff, terms: Terms, usage_class: str, plan: RatePlanRow, row: RateGroupRow
) -> Group:
    start, end = day_span(row.valid_from, row.valid_to, tariff.company.zone)
    left = on_terms(map(compile_condition, row.conditions), terms)
    currency, passed = row.currency or plan.currency, None
    if currency != terms.currency:
        passed = f"in {currency}, the account in {terms.currency}"
    elif left.refused is not None:
        passed = f"not for this {left.refused}"
    return Group(
        row=row,
        plan=plan,
        from_us=start,
        to_us=end,
        hours=tariff.hours(row.time_period, terms.zone) if row.time_period else None,
        asked=left.asked,
        rates=tariff.rates.get((row.code, usage_class), {}),
        precision=precision_of(row, plan, tariff.company),
        passed=passed,
    )


def _takers(tariff: Tariff, terms: Terms, package: PackageRow, usage_class: str) -> Takers:
    types = _bucket_types(tariff, package, usage_class)
    periods = {row.time_period for row in types if row.time_period}
    holds_at = {code: tariff.hours(code, terms.zone).holds_at for code in periods}
    return Takers(types, usage_class, tariff.places, holds_at)


def _bucket_types(
    tariff: Tariff, package: PackageRow, usage_class: str
) -> tuple[BucketTypeRow, ...]:
    """Give the types that may take the usage: the package's, and what others may share with it."""
    own = [tariff.bucket_types[code] for code in package.bucket_types]
    shared = [
        row
        for row in tariff.bucket_types.values()
        if row.scope is not BucketScope.SERVICE and row.code not in package.bucket_types
    ]
    return tuple(row for row in (*own, *shared) if usage_class in row.usage_classes)


def _tax_request(
    tariff: Tariff, terms: Terms, row: UsageClassRow, package: PackageRow
) -> Callable[[int, int], TaxRequest]:
    account = TaxPlace(terms.country, terms.state)

    def request_at(us: int, location: int) -> TaxRequest:
        place = TaxPlace() if location == EVERYWHERE else tariff.places.countries[location]
        category = row.category or package.tax_category
        traits = TaxTraits(account, place, terms.category, category)
        return TaxRequest(terms.currency, us, terms.zone, traits, package.tax, terms.exemptions)

    return request_at


def _outside_taxes(
    tariff: Tariff,
    terms: Terms,
    row: UsageClassRow,
    request_at: Callable[[int, int], TaxRequest],
) -> Callable[[UDR, int], Levies | Untaxed] | None:
    outside = tariff.outside_taxes
    if outside is None:
        return None

    def taxes(udr: UDR, location: int) -> Levies | Untaxed:
        request = request_at(udr.started_us, location)._replace(
            usage_class=row.code,
            package=terms.package,
            location=None if location == EVERYWHERE else tariff.places.codes[location],
            origin=udr.origin,
            destination=udr.destination,
            quantity=udr.quantity,
            extras=udr.extras,
            attributes=terms.attributes,
        )
        return outside.levies(request)

    return taxes


def _tax_edges(tariff: Tariff, terms: Terms) -> set[int]:
    """Give the instants at which some tax may change for an account."""
    days = {
        day
        for rows in tariff.tax_rules.rows.values()
        for row in rows
        for day in (row.valid_from, row.valid_to)
    }
    days |= {day for each in terms.exemptions for day in (each.valid_from, each.valid_to)}
    return {day_span(day, None, terms.zone)[0] for day in days if day is not None}
