"""Whom a change of the catalogue concerns: along plans, what they fall back to, and allowances; in doubt, all."""

from dataclasses import replace

from bmu.money import Rounding
from bmu.rating import PackageRow, RateGroupRow, RatePlanRow, TariffRows
from bmu.rating.concern import Concern, concern
from bmu.rating.kinds import Frequency
from bmu.rating.offers import SharePlanRow


def plan(code: str, *groups: str, fallback: str | None = None) -> RatePlanRow:
    """Give a rate plan."""
    return RatePlanRow(0, code, code, "GBP", 2, Rounding.HALF_UP, groups, fallback)


def package(code: str, plan: str) -> PackageRow:
    """Give a package with a plan."""
    return PackageRow(0, code, code, 100, "GBP", Frequency.MONTH, plan, None, ())


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
