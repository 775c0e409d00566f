"""Which rate: the plan by eight levels, then groups by currency, days, hours and conditions, then the nearest place."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from pure.rating.shop import (
    NOON,
    PACKAGE,
    PLAN,
    TERMS,
    amount,
    call,
    group,
    priced,
    shop,
    sold,
    unsold,
)

from bmu.period import to_us
from bmu.rating import (
    CompanyTerms,
    ConditionRow,
    HolidayCalendarRow,
    LocationGroupRow,
    LocationPatternRow,
    LocationRow,
    Operator,
    PricePlanRow,
    RateKind,
    RatePlanRow,
    Tariff,
    TimePeriodRow,
    UnratedReason,
)

DAY = 86_400_000_000
# What each level of `LEVELS` names is a plan with a price of its own.
LEVELS = ("price plan", "package", "package of the account", "package frequency", "account", "paying account", "company")  # fmt: skip
NAMED = {2: "TWO", 3: "THREE", 4: "FOUR", 5: "FIVE", 6: "SIX", 7: "SEVEN", 8: "EIGHT"}


def levelled(levels: set[int]) -> tuple[Tariff, tuple[str | None, ...]]:
    """A shop where only these levels name a plan; and what of it the terms say."""
    named = {level: code if level in levels else None for level, code in NAMED.items()}
    tariff = shop(
        *(priced(str(level), group=code) for level, code in NAMED.items()),
        plans=tuple(
            RatePlanRow(0, code, code, "GBP", None, None, (code,)) for code in NAMED.values()
        ),
        price_plans=(PricePlanRow(1, "AGREED", "Agreed", named[2]),),
        package=replace(PACKAGE, rate_plan=named[3], frequency_rate_plan=named[5]),
        company=CompanyTerms("UTC", named[8]),
    )
    return tariff, (named[4], named[6], named[7])


@pytest.mark.parametrize("lowest", NAMED)
def test_the_lowest_level_that_names_a_plan_wins(lowest: int) -> None:
    """Whatever the levels above it name, too; the charge keeps the level."""
    tariff, (four, six, seven) = levelled({level for level in NAMED if level >= lowest})
    terms = TERMS._replace(
        price_plan="AGREED",
        account_rate_plan=four,
        own_rate_plan=six,
        invoicer_rate_plan=seven,
    )
    rated = sold(tariff, call(1), terms)
    assert (rated.plan_level, rated.amount_e11) == (lowest, lowest * 10**11)


def test_where_no_level_names_a_plan_all_are_said() -> None:
    """A clerk reads where a plan could be named."""
    tariff, _ = levelled(set())
    unrated = unsold(tariff, call(1), TERMS._replace(price_plan="AGREED"))
    assert unrated.reason is UnratedReason.NO_PLAN
    assert all(f"{level}" in unrated.tried for level in LEVELS)
    assert unrated.tried.count("none") == len(LEVELS)


def test_a_plan_that_is_not_in_the_catalogue_is_said() -> None:
    """An account may name one that is gone; another level's is not taken in its place."""
    tariff, _ = levelled({8})
    unrated = unsold(tariff, call(1), TERMS._replace(own_rate_plan="GONE"))
    assert unrated.reason is UnratedReason.NO_PLAN
    assert unrated.tried.endswith("account: GONE, which is not in the catalogue")


def asks(field: str, *values: str, negated: bool = False) -> tuple[ConditionRow, ...]:
    """One condition that a field is one of some values."""
    return (ConditionRow(field, Operator.IN, values, negated),)


@pytest.mark.parametrize(
    ("conditions", "meets"),
    [
        (asks("origin", "441"), True),
        (asks("destination", "441"), False),
        (asks("uid", "441"), True),
        (asks("uid_type", "phone"), True),
        (asks("usage_class", "voice"), True),
        (asks("quantity", "1"), True),
        (asks("quantity", "1", negated=True), False),
        (asks("network", "SAT"), True),
        (asks("nothing", ""), True),
        (asks("account.country", "GB"), True),
        (asks("account.category", ""), True),
        (asks("account.currency", "GBP"), True),
        (asks("account.zone", "UTC"), True),
        (asks("account.segment", "gold"), True),
        (asks("account.segment", "silver"), False),
        (asks("service.package", "PACKAGE"), True),
        (asks("service.price_plan", "", negated=True), False),
        (asks("service.sim", "physical", "embedded"), True),
        (asks("origin", "441") + asks("network", "SEA"), False),
        (asks("origin", "441") + asks("network", "SAT"), True),
    ],
)
def test_a_group_wants_all_its_conditions(
    conditions: tuple[ConditionRow, ...],
    meets: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Of fields of the event, of its own and of the account's and service's; else the next group is asked."""
    terms = TERMS._replace(
        country="GB", attributes=(("account.segment", "gold"), ("service.sim", "embedded"))
    )
    tariff = shop(
        priced("1", group="SPECIAL"),
        priced("2", group="PLAIN"),
        groups=(group("SPECIAL", conditions=conditions), group("PLAIN")),
    )
    udr = call(1, extras={"network": "SAT"})
    # Asked before of an event that is like none: nothing of that is remembered for this one.
    amount(tariff, call(7, uid="", uid_type="", origin="", extras=None), terms)
    assert amount(tariff, udr, terms) == ("1" if meets else "2")


def test_a_clerk_reads_which_group_wanted_what() -> None:
    """Each group passed over says why: currency, time, condition, or no rate."""
    groups = (
        group("EUROS", currency="EUR"),
        group("LATER", valid_from=date(2026, 9, 1)),
        group("GOLD", conditions=asks("account.segment", "gold")),
        group("SAT", conditions=asks("network", "SAT")),
        group("DATA"),
    )
    tariff = shop(
        *(priced("1", group=each.code) for each in groups[:-1]),
        priced("1", group="DATA", usage_class="data"),
        groups=groups,
    )
    unrated = unsold(tariff, call(1))
    assert unrated.reason is UnratedReason.NO_RATE
    assert unrated.tried == (
        "price plan: none, package PACKAGE: PLAN; voice; EUROS: in EUR, the account in GBP,"
        " LATER: not at this time, GOLD: not for this account.segment, SAT: not for this network,"
        " DATA: no rate"
    )


def test_a_group_may_have_a_currency_of_its_own() -> None:
    """One plan serves customers in two currencies."""
    tariff = shop(
        priced("1", group="POUNDS"),
        priced("2", group="EUROS"),
        groups=(group("POUNDS"), group("EUROS", currency="EUR")),
    )
    assert amount(tariff, call(1)) == "1"
    rated = sold(tariff, call(1), TERMS._replace(currency="EUR"))
    assert (rated.amount_e11, rated.currency) == (2 * 10**11, "EUR")


PLACES = {
    "locations": (
        LocationRow(1, "WORLD", "World", None),
        LocationRow(2, "EUROPE", "Europe", "WORLD"),
        LocationRow(3, "UK", "UK", "EUROPE"),
    ),
    "location_patterns": (LocationPatternRow(1, "44", "UK"),),
    "location_groups": (
        LocationGroupRow(1, "B", "B", ("UK",)),
        LocationGroupRow(2, "A", "A", ("UK", "EUROPE")),
        LocationGroupRow(3, "FAR", "Far", ("WORLD",)),
    ),
}


def test_the_nearest_place_with_a_rate_wins() -> None:
    """Location, its groups by code, the one above, its groups, up to the root, then rates for everywhere."""
    nearest_first = ["UK", "A", "B", "EUROPE", "WORLD", "FAR", None]
    groups = {"A", "B", "FAR"}
    for number in range(len(nearest_first)):
        rates = [
            priced(
                str(price),
                usage_class="called",
                location=None if place in groups else place,
                location_group=place if place in groups else None,
            )
            for price, place in list(enumerate(nearest_first))[number:]
        ]
        tariff = shop(*reversed(rates), **PLACES)
        udr = call(1, usage_class="called", destination="4420")
        assert amount(tariff, udr) == str(number)


def test_the_order_of_groups_comes_before_nearness() -> None:
    """A rate for the world in the first group is taken before one for the UK in the second."""
    tariff = shop(
        priced("1", usage_class="called", location="WORLD", group="FIRST"),
        priced("2", usage_class="called", location="UK", group="SECOND"),
        **PLACES,
    )
    assert amount(tariff, call(1, usage_class="called", destination="44")) == "1"


def test_prices_change_at_midnight_of_the_company() -> None:
    """Rates of one place follow each other by day; the instant of the change is the company's, not the customer's."""
    tariff = shop(
        priced("1", valid_to=date(2026, 8, 6)),
        priced("2", valid_from=date(2026, 8, 6), valid_to=date(2026, 8, 7)),
        company=CompanyTerms("Europe/London"),
    )
    change = to_us(datetime(2026, 8, 5, 23, tzinfo=UTC))
    for us, costs in ((change - 1, "1"), (change, "2"), (change + DAY - 1, "2")):
        assert amount(tariff, call(1, started_us=us)) == costs
    assert unsold(tariff, call(1, started_us=change + DAY)).reason is UnratedReason.NO_RATE


def test_patterns_move_on_a_day() -> None:
    """A number range that changes hands is another place's from that day on."""
    tariff = shop(
        priced("1", usage_class="called", location="UK"),
        priced("2", usage_class="called", location="EUROPE"),
        locations=PLACES["locations"],
        location_patterns=(
            LocationPatternRow(1, "44", "UK", None, date(2026, 8, 6)),
            LocationPatternRow(2, "44", "EUROPE", date(2026, 8, 6)),
        ),
    )
    midnight = to_us(datetime(2026, 8, 6, tzinfo=UTC))
    udr = call(1, usage_class="called", destination="44")
    assert amount(tariff, udr._replace(started_us=midnight - 1)) == "1"
    assert amount(tariff, udr._replace(started_us=midnight)) == "2"


def test_holidays_dates_and_whose_clock() -> None:
    """A holiday has its own windows; dates bound a period; ACCOUNT is the customer's clock, COMPANY the company's."""
    periods = (
        TimePeriodRow(1, "HOLIDAY", "Holiday", "ACCOUNT", ("Hol 00:00-24:00",), (), "UK"),
        TimePeriodRow(2, "SALE", "Sale", "COMPANY", ("Mon-Sun 00:00-24:00",), ("2026-08-04",)),
        TimePeriodRow(3, "NOON", "Noon", "UTC", ("Mon-Sun 12:00-12:01",)),
    )
    tariff = shop(
        *(priced(str(n), group=each.code) for n, each in enumerate(periods, 1)),
        priced("9", group="REST"),
        groups=(*(group(each.code, time_period=each.code) for each in periods), group("REST")),
        time_periods=periods,
        calendars=(HolidayCalendarRow(1, "UK", "UK", (date(2026, 8, 31),)),),
        company=CompanyTerms("Europe/London"),
    )
    tokyo = TERMS._replace(zone="Asia/Tokyo")
    for began, costs in (
        ("2026-08-30T15:00", "1"),
        ("2026-08-31T14:59", "1"),
        ("2026-08-31T15:00", "9"),
        ("2026-08-03T23:00", "2"),
        ("2026-08-04T22:59", "2"),
        ("2026-08-04T23:00", "9"),
        ("2026-08-05T12:00", "3"),
        ("2026-08-05T12:01", "9"),
    ):
        us = to_us(datetime.fromisoformat(began).replace(tzinfo=UTC))
        assert amount(tariff, call(1, started_us=us), tokyo) == costs, began


def test_a_rate_for_cost_sells_nothing() -> None:
    """A group for cost is passed over when a price is looked for, however near its rate."""
    tariff = shop(
        priced("1", group="COST"),
        priced("5", group="SELL", kind=RateKind.FIXED),
        groups=(group("COST", for_cost=True), group("SELL")),
    )
    assert amount(tariff, call(1)) == "5"


def test_cost_rates_have_conditions_and_hours_too() -> None:
    """What usage costs hangs on the record and the time as what it sells for does."""
    nights = TimePeriodRow(1, "NIGHT", "Night", "UTC", ("Mon-Sun 00:00-06:00",))
    tariff = shop(
        priced("2", kind=RateKind.MARKUP),
        priced("1", group="SAT"),
        priced("2", group="NIGHT"),
        priced("3", group="COST"),
        groups=(
            group("GROUP"),
            group("SAT", for_cost=True, conditions=asks("network", "SAT")),
            group("NIGHT", for_cost=True, time_period="NIGHT"),
            group("COST", for_cost=True),
        ),
        time_periods=(nights,),
    )
    assert amount(tariff, call(1, extras={"network": "SAT"})) == "2"
    assert amount(tariff, call(1)) == "6"
    assert amount(tariff, call(1, started_us=NOON - DAY // 2)) == "4"


def test_plans_of_other_levels_are_no_fallback() -> None:
    """A circle of fallback plans ends where it began."""
    plans = (replace(PLAN, fallback_plan="B"), RatePlanRow(0, "B", "B", "GBP", None, None, ("G",)))
    tariff = shop(
        priced("1", usage_class="data"), priced("1", group="G", usage_class="data"), plans=plans
    )
    assert unsold(tariff, call(1)).tried.endswith("GROUP: no rate, B/G: no rate")
