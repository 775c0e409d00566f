"""Which one rate plan prices usage: eight places may name it, the lowest level wins, there is no falling through."""

from collections.abc import Mapping
from typing import NamedTuple

from bmu.money import Rounding
from bmu.rating.offers import PackageRow, PricePlanRow
from bmu.rating.outcome import Unrated, UnratedReason
from bmu.rating.owner import Terms
from bmu.rating.rows import RatePlanRow

# Where a rate plan may come from, the lowest wins; a charge keeps the number.
PLAN_LEVELS = {
    1: "bucket",
    2: "price plan",
    3: "package",
    4: "package of the account",
    5: "package frequency",
    6: "account",
    7: "paying account",
    8: "company",
}
BUCKET_LEVEL = 1
PACKAGE_LEVEL = 3


class CompanyTerms(NamedTuple):
    """
    What of the company decides prices, where nothing nearer does.

    Shapes:
        zone: an IANA name.
        places, rounding_mode: none: 11 places, half up.
    """

    zone: str
    rate_plan: str | None = None
    places: int | None = None
    rounding_mode: Rounding | None = None


class Chosen(NamedTuple):
    """The one plan an event is rated by, the level it comes from, and that in words."""

    plan: RatePlanRow
    level: int
    tried: str


def choose_plan(
    terms: Terms,
    package: PackageRow,
    plans: Mapping[str, RatePlanRow],
    price_plans: Mapping[str, PricePlanRow],
    company: CompanyTerms,
) -> Chosen | Unrated:
    """
    Choose the one plan for usage on these terms, and say what each level up to it names.

    A bucket's own plan is not looked at here: it prices what goes beyond that bucket, and nothing else.
    """
    tried: list[str] = []
    for level, code, whose in named_plans(terms, package, price_plans, company):
        tried.append(f"{PLAN_LEVELS[level]}{whose}: {code or 'none'}")
        if code is not None:
            plan = plans.get(code)
            if plan is not None:
                return Chosen(plan, level, ", ".join(tried))
            tried[-1] += ", which is not in the catalogue"
            break
    return Unrated(UnratedReason.NO_PLAN, f"rate plans by level: {', '.join(tried)}")


def named_plans(
    terms: Terms,
    package: PackageRow,
    price_plans: Mapping[str, PricePlanRow],
    company: CompanyTerms,
) -> list[tuple[int, str | None, str]]:
    """Give each level but the buckets', the code of the plan that it names, and whose it is."""
    agreed = price_plans.get(terms.price_plan) if terms.price_plan is not None else None
    return [
        (2, agreed.rate_plan if agreed else None, f" {terms.price_plan}" if agreed else ""),
        (3, package.rate_plan, f" {package.code}"),
        (4, terms.account_rate_plan, ""),
        (5, package.frequency_rate_plan, f" {package.code}"),
        (6, terms.own_rate_plan, ""),
        (7, terms.invoicer_rate_plan, ""),
        (8, company.rate_plan, ""),
    ]
