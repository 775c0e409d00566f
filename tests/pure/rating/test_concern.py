"""Whom a change of the catalogue concerns: along plans, what they fall back to, and allowances; in doubt, all."""

from dataclasses import replace

from bmu.money import Rounding
from bmu.rating import (
    BucketTypeRow,
    PackageRow,
    RateGroupRow,
    RatePlanRow,
    TariffRows,
)
from bmu.rating.concern import Concern, concern
from bmu.rating.kinds import BucketScope, Frequency
from bmu.rating.offers import SharePlanRow
from bmu.usage import Unit


def plan(code: str, *groups: str, fallback: str | None = None) -> RatePlanRow:
    """Give a rate plan."""
    return RatePlanRow(0, code, code, "GBP", 2, Rounding.HALF_UP, groups, fallback)


def package(code: str, plan: str) -> PackageRow:
    """Give a package with a plan."""
    return PackageRow(0, code, code, 100, "GBP", Frequency.MONTH, plan, None, ())


def bucket(code: str, scope: BucketScope) -> BucketTypeRow:
    """Give minutes that several draw from."""
    unit, month = Unit.TIME, Frequency.MONTH
    return BucketTypeRow(0, code, code, unit, 600, month, ("voice",), (), scope=scope)


GROUP = RateGroupRow(0, "LATE", "Late", None, None, None)
LIVE = TariffRows(
    rate_groups=(GROUP,),
    rate_plans=(plan("NEAR", "DAY", fallback="FAR"), plan("FAR", "X", fallback="LAST"), plan("LAST", "LATE"), plan("OTHER", "DAY")),
    packages=(package("A", "NEAR"), package("B", "OTHER"), package("C", "LAST")),
)  # fmt: skip


def test_a_plan_that_is_fallen_back_to_leads_to_those_that_do() -> None:
    """However many plans lie between."""
    ended = TariffRows(rate_groups=(GROUP,))
    added = TariffRows(rate_groups=(replace(GROUP, places=3),))

    assert concern(LIVE, ended, added) == Concern(
        packages=frozenset({"A", "C"}), rate_plans=frozenset({"NEAR", "FAR", "LAST"})
    )


def test_a_new_name_concerns_nobody() -> None:
    """Of a group, and of a package, whose recurring price is no matter of usage either."""
    renamed = replace(LIVE.packages[0], name="Other", price_minor=200)
    ended = TariffRows(rate_groups=(GROUP,), packages=LIVE.packages[:1])
    added = TariffRows(rate_groups=(replace(GROUP, name="Evening"),), packages=(renamed,))

    assert concern(LIVE, ended, added) == Concern()


def test_a_package_with_another_plan_concerns_who_has_it() -> None:
    """Nobody else."""
    changed = replace(LIVE.packages[1], rate_plan="NEAR")

    found = concern(LIVE, TariffRows(packages=LIVE.packages[1:2]), TariffRows(packages=(changed,)))

    assert found == Concern(packages=frozenset({"B"}))


def test_a_share_plan_that_is_new_concerns_nobody_and_one_that_changes_anybody() -> None:
    """Nobody can have what was not there; who has one is not told from the catalogue."""
    family = SharePlanRow(0, "FAMILY", "Family", "ACCOUNT", 1, ("MINUTES",), ())
    had = replace(LIVE, share_plans=(family,))
    changed = TariffRows(share_plans=(replace(family, rank=2),))

    assert concern(LIVE, TariffRows(), TariffRows(share_plans=(family,))) == Concern()
    assert concern(had, TariffRows(share_plans=(family,)), changed) is None


def test_what_nobody_can_have_yet_concerns_nobody_though_accounts_draw_together() -> None:
    """A new share plan with its bucket, beside one that some have; but a change of the bucket of one that is had concerns all."""
    pool = bucket("POOL", BucketScope.SHARE_PLAN)
    team = SharePlanRow(0, "TEAM", "Team", "ACCOUNT", 1, ("POOL",), ())
    had = replace(LIVE, share_plans=(team,), bucket_types=(pool,))
    more = SharePlanRow(0, "MORE", "More", "ACCOUNT", 2, ("NEW",), ())
    new = TariffRows(share_plans=(more,), bucket_types=(bucket("NEW", BucketScope.SHARE_PLAN),))

    assert concern(had, TariffRows(), new) == Concern(is_pooled=True)
    assert not Concern(is_pooled=True)
    changed = TariffRows(bucket_types=(replace(pool, quantity=1),))
    assert concern(had, TariffRows(bucket_types=(pool,)), changed) is None


def test_where_accounts_draw_together_what_concerns_one_may_concern_all() -> None:
    """It is told, so that nobody's usage is left out."""
    tree = replace(LIVE, bucket_types=(bucket("TOGETHER", BucketScope.TREE),))
    changed = replace(LIVE.packages[1], rate_plan="NEAR")

    found = concern(tree, TariffRows(packages=LIVE.packages[1:2]), TariffRows(packages=(changed,)))

    assert found == Concern(packages=frozenset({"B"}), is_pooled=True)
