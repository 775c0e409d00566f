"""What each bucket gives for an event: the order, the tiers, money, and what is left to pay."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pure.rating.included import (
    AUGUST,
    GB,
    IN_AUGUST,
    IN_JULY,
    JULY,
    MB,
    POUND,
    SEPTEMBER,
    bucket_of,
    kind_of,
    per_unit,
    takers_of,
    use,
)

from bmu.rating import (
    BucketExclusion,
    BucketKind,
    BucketScope,
    BucketState,
    BucketTier,
    BucketTypeRow,
    Frequency,
)
from bmu.rating.bucket import BucketPart, by_service, draw
from bmu.rating.drawing import Taker, drawing, is_plain, nearness, take
from bmu.rating.draws import Draw, Entered, Reached
from bmu.usage import Unit

MONEY = {"kind": BucketKind.MONEY}
CALLS = {"usage_classes": ("voice",), "unit": Unit.TIME}


def test_included_then_overage() -> None:
    """E12, T16: $5 with 10 MB, $1 for each MB over; 13 MB are $8."""
    row = kind_of("A", 10 * MB)
    made = use([bucket_of(1, row)], [row], 13 * MB)
    assert 5 * POUND + made.billable // MB * POUND == 8 * POUND
    assert made.units == ((1, 10 * MB),)
    assert made.overage_plan is None


def test_two_zones_in_one_allowance() -> None:
    """E14: data of two zones draws from one bucket."""
    row = kind_of("B", 10 * MB, usage_classes=("zone-1", "zone-2"))
    shelf = [bucket_of(1, row)]
    for usage_class, quantity, left in (("zone-1", 6, 0), ("zone-2", 6, 2)):
        takers = takers_of([row], usage_class)
        made = drawing(shelf, takers, IN_JULY, quantity * MB, per_unit(1))
        assert made is not None
        assert made.billable == left * MB
        take(made, shelf, IN_JULY)


class TestPlaces:
    """Which usage a bucket takes."""

    def test_an_exclusion_beats_every_inclusion(self) -> None:
        """E13, T22: calls to North America, but not to Hawaii; those draw from the next bucket, or are paid."""
        exclusion = (BucketExclusion("voice", "Hawaii"),)
        america = kind_of("NA", 600, locations=("North America",), exclusions=exclusion, **CALLS)
        world = kind_of("WORLD", 100, **CALLS)
        hawaii = ("Hawaii", "United States", "North America")
        shelf = [bucket_of(1, america), bucket_of(2, world)]
        made = drawing(shelf, takers_of([america], "voice", hawaii), IN_JULY, 60, per_unit(1))
        assert made is not None
        assert (made.draws, made.billable) == ((), 60)
        both = takers_of([america, world], "voice", hawaii)
        made = drawing(shelf, both, IN_JULY, 60, per_unit(1))
        assert made is not None
        assert made.units == ((2, 60),)
        mainland = takers_of([america, world], "voice", hawaii[1:])
        made = drawing(shelf, mainland, IN_JULY, 60, per_unit(1))
        assert made is not None
        assert made.units == ((1, 60),)

    @pytest.mark.parametrize(
        ("exclusion", "taken"),
        [
            (BucketExclusion("voice"), False),
            (BucketExclusion("data"), True),
            (BucketExclusion(None, "EU"), False),
            (BucketExclusion(None, "Premium"), False),
            (BucketExclusion("data", "EU"), True),
            (BucketExclusion(), True),
        ],
    )
    def test_by_class_by_place_or_both(self, exclusion: BucketExclusion, *, taken: bool) -> None:
        """A row of an exclusion says class, place or group, or both; one that says neither excludes nothing."""
        row = kind_of("B", 600, exclusions=(exclusion,), **CALLS)
        near = nearness(row, "voice", ("France", "EU"), {"France": ("Premium",)})
        assert (near is not None) == taken

    def test_how_near(self) -> None:
        """The place itself, then groups that name it, then the place above, its groups, then anywhere."""
        groups = {"Paris": ("Cities",), "France": ("G7",)}
        for places, near in (
            (("Paris",), 0),
            (("Cities",), 1),
            (("France", "EU"), 2),
            (("G7",), 3),
            (("EU",), 4),
            (None, 6),
            (("Peru",), None),
        ):
            row = kind_of("B", 600, locations=places, **CALLS)
            assert nearness(row, "voice", ("Paris", "France", "EU"), groups) == near
        assert nearness(kind_of("B", 1), "voice", ("Paris",), {}) is None
        assert nearness(kind_of("B", 1, locations=("EU",)), "data", (), {}) is None

    def test_hours(self) -> None:
        """Outside its hours a bucket is passed over, and its overage plan says nothing."""
        row = kind_of("NIGHT", 100, overage_plan="P")
        taker = Taker(row, 0, lambda us: us >= AUGUST)
        for started_us, left, plan in ((IN_JULY, 150, None), (IN_AUGUST, 50, "P")):
            made = drawing([bucket_of(1, row)], {"NIGHT": taker}, started_us, 150, per_unit(1))
            assert made is not None
            assert (made.billable, made.overage_plan) == (left, plan)

    def test_the_end_is_not_in_the_period(self) -> None:
        """From the first instant on, and not at the last."""
        row = kind_of("B", 100)
        shelf = [bucket_of(1, row, from_us=JULY, to_us=AUGUST)]
        for started_us, left in ((JULY - 1, 10), (JULY, 0), (AUGUST - 1, 0), (AUGUST, 10)):
            made = drawing(shelf, takers_of([row]), started_us, 10, per_unit(1))
            assert made is not None
            assert made.billable == left


class TestTiers:
    """Tiers with flat charges (9.5)."""

    def test_a_tier_starts_with_the_unit_after_the_last(self) -> None:
        """E17, E19, T20: tiers of 100 and 100: unit 100 is the first's, 101 the second's, 200 its last."""
        row = kind_of("B", 100, flat_e11=3, tiers=(BucketTier(100, 7),))
        shelf = [bucket_of(1, row)]
        assert use(shelf, [row], 1).draws == (Draw(1, 1, entered=(Entered(1, 1, 3),)),)
        assert use(shelf, [row], 99).flat_e11 == 0
        assert use(shelf, [row], 1).draws[0].entered == (Entered(2, 1, 7),)
        made = use(shelf, [row], 100)
        assert (made.flat_e11, made.billable, shelf[0].balance) == (0, 1, 0)

    def test_every_tier_entered_is_charged(self) -> None:
        """24.33: a record that begins in the first and ends in the third tier pays for the second, too."""
        row = kind_of("B", 10, flat_e11=1, tiers=(BucketTier(10, 2), BucketTier(10, 4)))
        shelf = [bucket_of(1, row)]
        use(shelf, [row], 5)
        assert use(shelf, [row], 20).draws[0].entered == (Entered(2, 1, 2), Entered(3, 1, 4))

    def test_the_last_tier_again_and_again(self) -> None:
        """24.32: each time it is entered its flat charge is due, also several times by one event."""
        row = kind_of("B", 100, flat_e11=1, tiers=(BucketTier(50, 5),), repeat_last=True)
        shelf = [bucket_of(1, row)]
        made = use(shelf, [row], 301)
        assert made.billable == 0
        assert made.draws[0].entered == (Entered(1, 1, 1), Entered(2, 1, 5), Entered(2, 4, 5))
        assert made.draws[0].granted == 200
        assert made.flat_e11 == 1 + 5 + 4 * 5
        assert (shelf[0].balance, shelf[0].granted) == (49, 350)
        assert use(shelf, [row], 49).flat_e11 == 0
        assert use(shelf, [row], 1).flat_e11 == 5

    def test_one_tier_may_repeat(self) -> None:
        """Blocks of 1 GB at 10 each; an event of millions of blocks is one line."""
        row = kind_of("B", GB, flat_e11=10, repeat_last=True)
        shelf = [bucket_of(1, row)]
        made = use(shelf, [row], 3_000_000 * GB + 1)
        assert made.flat_e11 == 10 * 3_000_001
        assert len(made.draws[0].entered) == 2

    def test_what_has_lapsed_does_not_repeat(self) -> None:
        """Late usage of a closed period is not given the last tier again."""
        row = kind_of("B", 100, flat_e11=10, repeat_last=True)
        shelf = [bucket_of(1, row, balance=0, granted=40)]
        made = use(shelf, [row], 5)
        assert (made.billable, made.draws) == (5, ())


class TestOverage:
    """The rate plan of what a bucket did not cover."""

    def test_of_the_last_bucket_touched(self) -> None:
        """24.27: the plan of the last bucket decides, also of one that was empty before."""
        first = kind_of("A", 10, overage_plan="P1")
        second = kind_of("B", 10, overage_plan="P2")
        shelf = [bucket_of(1, first), bucket_of(2, second)]
        assert use(shelf, [first, second], 5).overage_plan is None
        assert use(shelf, [first, second], 30).overage_plan == "P2"
        made = use(shelf, [first, second], 30)
        assert (made.billable, made.overage_plan) == (30, "P2")

    def test_a_bucket_without_one_says_nothing(self) -> None:
        """Usage that overflowed a bucket with a plan is priced by that plan, whatever other bucket it passed."""
        first, second = kind_of("A", 10, overage_plan="P1"), kind_of("B", 10)
        assert (
            use([bucket_of(1, first), bucket_of(2, second)], [first, second], 30).overage_plan
            == "P1"
        )

    def test_only_of_what_overflowed_it(self) -> None:
        """24.26: usage that a bucket does not take is not priced by its plan."""
        row = kind_of("A", 10, usage_classes=("voice",), overage_plan="P1")
        assert use([bucket_of(1, row)], [row], 30).overage_plan is None


class TestMoney:
    """Money buckets (9.7): rated first, the money is deducted."""

    def test_fifty_is_worth_fifty(self) -> None:
        """E20, T24: $50; charges of $30 and $25: the second is covered to $20, $5 are billed."""
        row = kind_of("M", 50 * POUND, **MONEY)
        shelf = [bucket_of(1, row)]
        assert use(shelf, [row], 30).paid_e11 == 30 * POUND
        made = use(shelf, [row], 25)
        assert made.paid_e11 == 20 * POUND
        assert made.billable * POUND - made.paid_e11 == 5 * POUND
        assert (made.units, shelf[0].balance) == ((), 0)

    def test_usage_of_all_kinds_shares_it(self) -> None:
        """E21: $100 of data, airtime and messages."""
        row = kind_of("M", 100 * POUND, usage_classes=("data", "voice", "sms"), **MONEY)
        shelf = [bucket_of(1, row)]
        for usage_class, paid in (("data", 40), ("voice", 40), ("sms", 20)):
            made = drawing(shelf, takers_of([row], usage_class), IN_JULY, 40, per_unit(POUND))
            assert made is not None
            assert made.paid_e11 == paid * POUND
            take(made, shelf, IN_JULY)

    def test_units_before_money(self) -> None:
        """Of one scope the units go first; the price of what they leave is paid by money, then billed."""
        money, units = kind_of("M", 3 * POUND, **MONEY), kind_of("U", 10)
        made = use([bucket_of(1, money), bucket_of(2, units)], [money, units], 15)
        assert made.draws == (Draw(2, 10), Draw(1, 3 * POUND, BucketKind.MONEY))
        assert made.billable == 5

    def test_after_money_only_money(self) -> None:
        """What money of a nearer scope could not pay is a sum of money: no units are drawn for it."""
        own = kind_of("M", 3 * POUND, **MONEY)
        units = kind_of("U", 10, scope=BucketScope.ACCOUNT)
        more = kind_of("N", POUND, scope=BucketScope.ACCOUNT, **MONEY)
        rows = [own, units, more]
        shelf = [bucket_of(1, own), bucket_of(2, units), bucket_of(3, more)]
        made = use(shelf, rows, 5)
        assert [(each.bucket_id, each.quantity) for each in made.draws] == [
            (1, 3 * POUND),
            (3, POUND),
        ]
        assert (made.billable, made.paid_e11) == (5, 4 * POUND)
        # Without money left, units are drawn as ever.
        assert use(shelf, rows, 5).units == ((2, 5),)

    def test_money_pays_the_price_of_the_overage_plan(self) -> None:
        """What overflows a bucket is priced by its plan before money pays for it; asked once."""
        units, money = kind_of("U", 10, overage_plan="P"), kind_of("M", 100, **MONEY)
        asked: list[tuple[int, str | None]] = []

        def pricing(quantity: int, plan: str | None) -> int:
            asked.append((quantity, plan))
            return quantity * 7

        also = kind_of("N", 100, **MONEY)
        shelf = [bucket_of(1, units), bucket_of(2, money, balance=20), bucket_of(3, also)]
        made = use(shelf, [units, money, also], 15, pricing)
        assert asked == [(5, "P")]
        assert (made.overage_plan, made.paid_e11) == ("P", 35)

    def test_what_is_free_costs_no_money(self) -> None:
        """A price of nothing draws nothing, and touches no further bucket."""
        money = kind_of("M", 100, overage_plan="P", **MONEY)
        made = use([bucket_of(1, money)], [money], 15, per_unit(0))
        assert (made.draws, made.billable, made.overage_plan) == ((), 15, None)

    def test_without_a_price_nothing_is_drawn(self) -> None:
        """Usage that can't be priced waits, and every bucket is as full as it was."""
        money, units = kind_of("M", 100, **MONEY), kind_of("U", 10)
        shelf = [bucket_of(1, money), bucket_of(2, units)]
        assert drawing(shelf, takers_of([money, units]), IN_JULY, 15, lambda *_: None) is None
        assert [state.balance for state in shelf] == [100, 10]


# Each differs from the one before in what comes next in the order of drawing (9.6); ids run the other way.
ORDERED: list[tuple[dict[str, object], dict[str, object]]] = [
    ({"recurrence": Frequency.MONTH}, {"to_us": AUGUST}),
    ({"locations": ("EU",)}, {"to_us": SEPTEMBER, "from_us": JULY}),
    ({}, {"to_us": SEPTEMBER, "from_us": JULY - 1}),
    ({}, {"to_us": SEPTEMBER, "from_us": JULY}),
    ({"rollover": True}, {"part": BucketPart.CARRIED, "since_us": JULY - 9, "to_us": SEPTEMBER}),
    ({"rollover": True}, {"part": BucketPart.CARRIED, "since_us": JULY - 5, "to_us": AUGUST}),
    ({"rollover": True}, {"to_us": AUGUST}),
    ({"recurrence": Frequency.NEVER}, {"to_us": AUGUST}),
    ({"recurrence": Frequency.NEVER}, {}),
    (MONEY, {"to_us": AUGUST}),
    ({"recurrence": Frequency.NEVER, **MONEY}, {"to_us": AUGUST}),
    ({"scope": BucketScope.ACCOUNT}, {"to_us": AUGUST}),
    ({"scope": BucketScope.ACCOUNT, **MONEY}, {"to_us": AUGUST}),
    ({"scope": BucketScope.TREE}, {"to_us": AUGUST}),
    ({"scope": BucketScope.SHARE_PLAN}, {"to_us": SEPTEMBER, "rank": 1}),
    (
        {"scope": BucketScope.SHARE_PLAN},
        {"to_us": AUGUST, "rank": 2, "part": BucketPart.JOINED},
    ),
    ({"scope": BucketScope.SHARE_PLAN}, {"to_us": AUGUST, "rank": 2}),
]


@given(st.permutations(list(enumerate(ORDERED))))
def test_the_order_of_drawing(
    shuffled: list[tuple[int, tuple[dict[str, object], dict[str, object]]]],
) -> None:
    """
    9.6: scope, rank; units, money; recurring, rollover, once; oldest carried; end; nearness; start; id.

    Whatever order the buckets are found in.
    """
    rows, shelf = [], []
    for place, (kind, state) in shuffled:
        row = kind_of(f"B{place:02}", 10, **kind)
        rows.append(row)
        shelf.append(bucket_of(len(ORDERED) - place, row, **state))
    takers = takers_of(rows, "data", ("EU",))
    made = drawing(shelf, takers, IN_JULY, 10**6, per_unit(1))
    assert made is not None
    codes = {state.id: state.code for state in shelf}
    # Each unit of the event costs more than there is money: after the first money bucket units are left alone.
    touched = [codes[each.bucket_id] for each in made.draws]
    assert touched == [
        f"B{place:02}"
        for place, (kind, _) in enumerate(ORDERED)
        if place < 9 or kind.get("kind") is BucketKind.MONEY
    ]
    no_money = [state for state in shelf if takers[state.code].row.kind is BucketKind.USAGE]
    made = drawing(no_money, takers, IN_JULY, 10**6, per_unit(1))
    assert made is not None
    touched = [codes[each.bucket_id] for each in made.draws]
    assert touched == sorted(touched)
    assert len(touched) == len(no_money)


def test_of_two_alike_the_lower_id() -> None:
    """What nothing else tells apart is told apart by the id, so that it is the same each time."""
    row = kind_of("B", 10)
    shelf = [bucket_of(9, row), bucket_of(3, row), bucket_of(5, row)]
    assert use(shelf, [row], 25).units == ((3, 10), (5, 10), (9, 5))


class TestThresholds:
    """Warnings (9.11): once a bucket and period."""

    def test_each_is_told_once(self) -> None:
        """At 50, 80 and 100 per cent, in the event that reaches it; several at once; never again after a return."""
        row = kind_of("B", 1000, thresholds=(100, 50, 80))
        shelf = [bucket_of(1, row)]
        assert use(shelf, [row], 499).reached == ()
        assert use(shelf, [row], 1).reached == (Reached(1, 50),)
        assert use(shelf, [row], 700).reached == (Reached(1, 80), Reached(1, 100))
        shelf[0].balance = 1000
        assert use(shelf, [row], 1000).reached == ()

    def test_of_all_tiers(self) -> None:
        """80 % of two tiers of 100 is 160; a repeated tier may reach 300 %."""
        row = kind_of("B", 100, tiers=(BucketTier(100),), thresholds=(80, 300), repeat_last=True)
        shelf = [bucket_of(1, row)]
        assert use(shelf, [row], 159).reached == ()
        assert use(shelf, [row], 1).reached == (Reached(1, 80),)
        assert use(shelf, [row], 440).reached == (Reached(1, 300),)

    def test_not_of_what_was_carried(self) -> None:
        """What was carried is drawn first, and warns of nothing."""
        row = kind_of("B", 100, thresholds=(50,), rollover=True)
        shelf = [bucket_of(2, row, part=BucketPart.CARRIED), bucket_of(1, row)]
        assert use(shelf, [row], 100).reached == ()
        assert use(shelf, [row], 50).reached == (Reached(1, 50),)

    @given(st.lists(st.integers(1, 400), max_size=12), st.sets(st.integers(1, 120), max_size=5))
    def test_whatever_the_events(self, quantities: list[int], thresholds: set[int]) -> None:
        """All that is reached in the end was told, each once, in rising order."""
        row = kind_of("B", 1000, thresholds=tuple(thresholds))
        shelf = [bucket_of(1, row)]
        told = [
            each.per_cent
            for quantity in quantities
            for each in use(shelf, [row], quantity).reached
        ]
        used = min(1000, sum(quantities))
        assert told == sorted(each for each in thresholds if used and each * 1000 <= used * 100)


@pytest.mark.parametrize(
    "more",
    [
        MONEY,
        {"scope": BucketScope.ACCOUNT},
        {"recurrence": Frequency.NEVER},
        {"rollover": True},
        {"flat_e11": 1},
        {"tiers": (BucketTier(1),)},
        {"repeat_last": True},
        {"thresholds": (80,)},
        {"overage_plan": "P"},
        {"time_period": "NIGHT"},
        {"size_by": "data"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_is_not_plain(more: dict[str, object]) -> None:
    """Anything beyond units of one service that come again needs the whole order of drawing."""
    assert is_plain([kind_of("A", 1), kind_of("B", 1, recurrence=Frequency.DAY, prorated=True)])
    assert not is_plain([kind_of("A", 1), kind_of("B", 1, **more)])


def test_places_are_plain() -> None:
    """Buckets for some places are plain, beside others too: the quick way knows which of them is nearest."""
    assert is_plain([])
    assert is_plain([kind_of("A", 1, locations=("EU",)), kind_of("B", 1)])


plain_rows = [
    kind_of("D", 1, recurrence=Frequency.DAY),
    kind_of("M", 1),
    kind_of("Y", 1, recurrence=Frequency.YEAR),
    kind_of("H", 1, locations=("HOME",)),
]
plain_shelves = st.lists(
    st.builds(
        lambda place, start, length, balance: replace(
            bucket_of(1, plain_rows[place]),
            from_us=start,
            to_us=start + length,
            balance=balance,
            granted=balance,
        ),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(1, 5),
        st.integers(0, 20),
    ),
    max_size=6,
)


@given(plain_shelves, st.lists(st.tuples(st.integers(0, 6), st.integers(0, 25)), max_size=6))
def test_plain_buckets_are_drawn_alike(
    states: list[BucketState], events: list[tuple[int, int]]
) -> None:
    """The quick way for plain buckets and the whole order of drawing give the same, to the unit."""
    states = [replace(state, id=number) for number, state in enumerate(states, 1)]
    copies = [replace(state) for state in states]
    quick = by_service(copies).get(1, ())
    takers = takers_of(plain_rows, lineage=("HOME", "WORLD"))
    places = {code: taker.nearness for code, taker in takers.items()}
    assert len(takers) == len(plain_rows)
    for started_us, quantity in events:
        made = drawing(states, takers, started_us, quantity, per_unit(1))
        assert made is not None
        take(made, states, started_us)
        assert made.units == (draw(quick, places, started_us, quantity) if quantity else ())
    assert [state.balance for state in states] == [state.balance for state in copies]


def test_of_two_that_end_together_the_one_begun_first() -> None:
    """A month's allowance before a week's that ends with it, in the quick way too."""
    week = bucket_of(1, kind_of("W", 10, recurrence=Frequency.WEEK), from_us=5, to_us=9)
    month = bucket_of(2, kind_of("M", 10), from_us=1, to_us=9)
    assert draw(by_service([week, month])[1], {"W": 0, "M": 0}, 6, 15) == ((2, 10), (1, 5))


def world_rows() -> list[BucketTypeRow]:
    """Types of all sorts."""
    tiers = (BucketTier(30, 7), BucketTier(9, 2))
    return [
        kind_of("PLAIN", 40, thresholds=(50, 100)),
        kind_of("TIERS", 20, flat_e11=3, tiers=tiers, overage_plan="P"),
        kind_of("AGAIN", 25, flat_e11=1, repeat_last=True, scope=BucketScope.ACCOUNT),
        kind_of("ONCE", 60, recurrence=Frequency.NEVER, scope=BucketScope.TREE),
        kind_of("MONEY", 500, scope=BucketScope.TREE, **MONEY),
        kind_of("MORE", 90, scope=BucketScope.SHARE_PLAN, **MONEY),
    ]


some_rows = st.lists(st.sampled_from(world_rows()), unique_by=lambda row: row.code, max_size=6)


@given(some_rows, st.lists(st.integers(0, 120), max_size=10))
def test_nothing_is_made_and_nothing_lost(
    rows: list[BucketTypeRow], quantities: list[int]
) -> None:
    """No bucket gives more than it has; what was drawn and what is billable are the event; money pays no more than the price."""
    shelf = [bucket_of(number, row) for number, row in enumerate(rows, 1)]
    for quantity in quantities:
        before = {state.id: state.balance for state in shelf}
        made = use(shelf, rows, quantity, per_unit(5))
        assert sum(units for _, units in made.units) + made.billable == quantity
        assert made.paid_e11 <= made.billable * 5
        assert all(0 <= state.balance <= state.granted for state in shelf)
        for each in made.draws:
            assert 0 < each.quantity <= before[each.bucket_id] + each.granted
        assert made.billable == 0 or made.overage_plan in (None, "P")


@given(some_rows, st.lists(st.integers(1, 90), min_size=2, max_size=6))
def test_flat_charges_don_t_hang_on_how_usage_is_cut(
    rows: list[BucketTypeRow], quantities: list[int]
) -> None:
    """The same quantity in one event or in many enters the same tiers, and leaves the buckets the same."""
    rows = [row for row in rows if row.kind is BucketKind.USAGE]
    whole = [bucket_of(number, row) for number, row in enumerate(rows, 1)]
    parts = [bucket_of(number, row) for number, row in enumerate(rows, 1)]
    made = use(whole, rows, sum(quantities))
    several = [use(parts, rows, quantity) for quantity in quantities]
    assert made.flat_e11 == sum(each.flat_e11 for each in several)
    assert made.billable == sum(each.billable for each in several)
    assert whole == parts


@given(st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_the_last_of_a_tier_is_never_paid_twice(quantities: list[int]) -> None:
    """Blocks of 50 at 5: what is charged in the end is the blocks begun."""
    row = kind_of("B", 50, flat_e11=5, repeat_last=True)
    shelf = [bucket_of(1, row)]
    charged = sum(use(shelf, [row], quantity).flat_e11 for quantity in quantities)
    assert charged == 5 * -(-sum(quantities) // 50)
    granted = [state.granted for state in shelf]
    assert all(each % 50 == 0 for each in granted)
    assert all(first <= second for first, second in pairwise([0, *granted]))


@given(some_rows, st.lists(st.integers(1, 90), max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_like_events_changes_no_sum(
    rows: list[BucketTypeRow], quantities: list[int], chance: Random
) -> None:
    """Events of one kind in another order: another one may be billed, but as much, and the buckets end the same."""
    rows = [row for row in rows if row.kind is BucketKind.USAGE]
    first = [bucket_of(number, row) for number, row in enumerate(rows, 1)]
    second = [bucket_of(number, row) for number, row in enumerate(rows, 1)]
    made = [use(first, rows, quantity) for quantity in quantities]
    chance.shuffle(quantities)
    again = [use(second, rows, quantity) for quantity in quantities]
    assert sum(each.billable for each in made) == sum(each.billable for each in again)
    assert sum(each.flat_e11 for each in made) == sum(each.flat_e11 for each in again)
    assert first == second
