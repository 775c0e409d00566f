"""Whom a change of the catalogue can concern: who has one of some packages or plans, or anybody."""

from dataclasses import dataclass, fields, replace
from typing import Any

from bmu.rating.kinds import BucketScope, Frequency
from bmu.rating.offers import PackageRow, TariffRows

# What no account has but by its package, or by a plan that is named; all else may concern anybody.
_NAMED = {"rate_plans", "rate_groups", "rates", "bucket_types", "packages", "price_plans"}


@dataclass(frozen=True, slots=True)
class Concern:
    """
    What leads to the rows that change: whoever has none of it is not concerned.

    Shapes:
        packages, rate_plans, price_plans: codes.
        is_pooled: accounts draw from each other's allowances, so that what concerns one concerns all.
    """

    packages: frozenset[str] = frozenset()
    rate_plans: frozenset[str] = frozenset()
    price_plans: frozenset[str] = frozenset()
    is_pooled: bool = False

    def __bool__(self) -> bool:
        return bool(self.packages or self.rate_plans or self.price_plans)


def concern(live: TariffRows, ended: TariffRows, added: TariffRows) -> Concern | None:
    """
    Tell whom changes can concern; what usage costs does not hang on names and recurring prices.

    Shapes:
        live: the rows before, of which those that end.
        Result: none: it can be anybody.
    """
    changed = {each.name: _changed(ended, added, each.name) for each in fields(TariffRows)}
    # A share plan that was not there yet is nobody's.
    changed["share_plans"] &= {row.code for row in live.share_plans}
    if any(codes for name, codes in changed.items() if name not in _NAMED):
        return None
    bucket_types = (*live.bucket_types, *added.bucket_types)
    plans = _plans(live, added, changed)
    buckets = changed["bucket_types"] | {
        row.code for row in bucket_types if row.overage_plan in plans
    }
    if any(not buckets.isdisjoint(row.bucket_types) for row in live.share_plans):
        # Who has a share plan is not told from the catalogue.
        return None
    price_plans = changed["price_plans"] | {
        row.code for row in (*live.price_plans, *added.price_plans) if row.rate_plan in plans
    }
    packages = changed["packages"] | {
        row.code
        for row in (*live.packages, *added.packages)
        if row.rate_plan in plans
        or row.frequency_rate_plan in plans
        or not buckets.isdisjoint(row.bucket_types)
    }
    is_pooled = bool(live.share_plans) or any(
        row.scope is BucketScope.TREE for row in bucket_types
    )
    return Concern(frozenset(packages), frozenset(plans), frozenset(price_plans), is_pooled)


def _plans(live: TariffRows, added: TariffRows, changed: dict[str, set[str]]) -> set[str]:
    """Give the rate plans that may price usage otherwise, be it as the fallback of another."""
    groups = changed["rate_groups"] | {
        row.rate_group
        for rows in (live.rates, added.rates)
        for row in rows
        if row.code in changed["rates"]
    }
    rows = (*live.rate_plans, *added.rate_plans)
    found = changed["rate_plans"] | {
        row.code for row in rows if not groups.isdisjoint(row.rate_groups)
    }
    while more := {row.code for row in rows if row.fallback_plan in found} - found:
        found |= more
    return found


def _changed(ended: TariffRows, added: TariffRows, name: str) -> set[str]:
    """Give the codes of what is otherwise in more than its name."""
    before, after = (
        {_without_names(row): str(row.code) for row in getattr(rows, name)}
        for rows in (ended, added)
    )
    return {
        code for row, code in (before | after).items() if row not in before or row not in after
    }


def _without_names(row: Any) -> object:
    if not hasattr(row, "name"):
        # Whatever has none differs, else it would not be among those that change.
        return row
    if isinstance(row, PackageRow):
        row = replace(row, price_minor=0, frequency=Frequency.NEVER, uids=None)
    return replace(row, id=0, name="")
