"""Who draws from whose buckets, and how large a shared one is."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pure.rating.included import (
    AUGUST,
    GB,
    IN_AUGUST,
    IN_JULY,
    JULY,
    SINCE_JULY,
    bucket_of,
    instant,
    kind_of,
    per_unit,
    takers_of,
    use,
)

from bmu.rating import (
    BucketScope,
    BucketState,
    BucketTier,
    Contribution,
    Frequency,
    Grant,
    SharePlanRow,
)
from bmu.rating.allowance import Anchor, grant_of
from bmu.rating.balance import give_back
from bmu.rating.bucket import BucketPart
from bmu.rating.drawing import drawing, take
from bmu.rating.sharing import (
    NO_PART,
    Participation,
    Sharer,
    contribution_of,
    joining,
    pooled,
    shelves,
)

POOL = kind_of("POOL", 0, scope=BucketScope.SHARE_PLAN)
FAMILY = SharePlanRow(
    1,
    "FAMILY",
    "Family",
    "ACCOUNT",
    1,
    ("POOL",),
    (Contribution("A", 100), Contribution("B", 150), Contribution("C"), Contribution("D", 0, 30)),
)


def pool(us: int = IN_JULY, **more: object) -> Grant:
    """What the pool grants by itself."""
    grant = grant_of(replace(POOL, **more), SINCE_JULY, us)  # type: ignore[arg-type]
    assert grant is not None
    return grant


def test_what_services_bring_adds_up() -> None:
    """E25, T23: A may add 100 minutes, B 150: 250 with one of each; C draws only; X takes no part."""
    assert pooled(FAMILY, ["A", "B"]) == 250
    assert pooled(FAMILY, ["A", "A", "B", "C", "X"]) == 350
    assert contribution_of(FAMILY, "X") is None
    assert contribution_of(FAMILY, "C") == Contribution("C")
    grant = grant_of(POOL, SINCE_JULY, IN_JULY, brought=250)
    assert grant is not None
    assert grant.quantity == 250


def test_the_first_tier_grows() -> None:
    """A pool of tiers: what is brought enlarges the first, at its flat charge; the others stay."""
    row = replace(POOL, quantity=10, flat_e11=3, tiers=(BucketTier(50, 7),))
    grant = grant_of(row, SINCE_JULY, IN_JULY, brought=250)
    assert grant is not None
    assert grant.tiers == (BucketTier(260, 3), BucketTier(50, 7))
    assert grant.quantity == 310


def test_a_part_of_a_period_has_a_part_of_all_that_is_brought() -> None:
    """A share plan that begins on the 16th has 16 of 31 days of what it holds; who joins it later brings all."""
    row = replace(POOL, quantity=31, prorated=True)
    grant = grant_of(row, Anchor("UTC", 1, instant(2026, 7, 16)), IN_JULY, brought=62)
    assert grant is not None
    assert grant.quantity == 48
    joined = joining(grant, Contribution("B", 150))
    assert joined is not None
    assert joined.quantity == 150


def test_a_pool_is_renewed() -> None:
    """E26: 10 GB, each month again."""
    row = kind_of("POOL", 10 * GB, scope=BucketScope.SHARE_PLAN)
    july, august = (
        bucket_of(1, pool(quantity=10 * GB)),
        bucket_of(2, pool(IN_AUGUST, quantity=10 * GB)),
    )
    assert use([july, august], [row], 12 * GB).billable == 2 * GB
    assert use([july, august], [row], 10 * GB, started_us=IN_AUGUST).billable == 0


def test_who_joins_brings_all_of_it() -> None:
    """24.38: a full contribution in the period it joins in, until that ends; drawn before the pool's own."""
    row = replace(POOL, quantity=50, flat_e11=5)
    grant = pool(quantity=50, flat_e11=5)
    joined = joining(grant, Contribution("B", 150))
    assert joined is not None
    assert (joined.quantity, joined.to_us, joined.part) == (150, AUGUST, BucketPart.JOINED)
    assert joining(grant, Contribution("C")) is None
    shelf = [bucket_of(1, grant), bucket_of(2, joined)]
    made = use(shelf, [row], 160)
    assert made.units == ((2, 150), (1, 10))
    assert made.flat_e11 == 5


def test_own_before_shared() -> None:
    """T55: the service's own, then the account's, then the account's above, then the share plan."""
    rows = [
        kind_of("SHARED", 10, scope=BucketScope.SHARE_PLAN),
        kind_of("ABOVE", 10, scope=BucketScope.TREE),
        kind_of("ACCOUNT", 10, scope=BucketScope.ACCOUNT),
        kind_of("OWN", 10, recurrence=Frequency.NEVER),
    ]
    shelf = [bucket_of(number, row) for number, row in enumerate(rows, 1)]
    assert use(shelf, rows, 35).units == ((4, 10), (3, 10), (2, 10), (1, 5))


def state(number: int, **owner: int | bool) -> BucketState:
    """A bucket of an owner."""
    service = owner.pop("account_service_id", 0)
    made = BucketState(number, service, "B", JULY, AUGUST, 10, 10)
    return replace(made, **owner)  # type: ignore[arg-type]


def test_whose_buckets_a_service_finds() -> None:
    """Its own, its account's, those its parents let it share, those of the share plans it takes part in; no others."""
    own, other = state(1, account_service_id=11), state(2, account_service_id=12)
    account, elsewhere = state(3, account_id=1), state(4, account_id=2)
    above, private = state(5, account_id=9, for_tree=True), state(6, account_id=9)
    shared, foreign = state(7, share_id=70, account_id=9), state(8, share_id=80)
    states = [foreign, shared, private, above, elsewhere, account, other, own]
    found = shelves(
        states,
        [
            Sharer(11, 1, (9,), (70,)),
            Sharer(12, 1),
            Sharer(13, 3),
        ],
    )
    assert found == {11: (own, account, above, shared), 12: (other, account)}
    assert found[11][1] is found[12][1]


def test_what_one_draws_the_others_lack() -> None:
    """Two services of one account share its bucket to the unit."""
    row = kind_of("B", 10, scope=BucketScope.ACCOUNT)
    found = shelves(
        [bucket_of(1, row, account_service_id=0, account_id=1)], [Sharer(11, 1), Sharer(12, 1)]
    )
    assert use(list(found[11]), [row], 7).billable == 0
    assert use(list(found[12]), [row], 7).billable == 4


class TestParticipation:
    """A limit to what one participant draws in a period (24.40)."""

    ROW = kind_of("POOL", 100, scope=BucketScope.SHARE_PLAN)

    def limited(self, drawn: int = 0) -> Participation:
        """At most 30 in July."""
        return Participation(70, "POOL", JULY, AUGUST, 30, drawn)

    def test_no_more_than_the_limit(self) -> None:
        """30 of 100 for one; what it would need beyond is billable, by the pool's overage plan."""
        row = replace(self.ROW, overage_plan="P")
        shelf, limit = [bucket_of(1, row, share_id=70)], self.limited()
        for quantity, left in ((20, 0), (20, 10), (20, 20)):
            made = drawing(shelf, takers_of([row]), IN_JULY, quantity, per_unit(1), [limit])
            assert made is not None
            assert made.billable == left
            assert made.overage_plan == ("P" if left else None)
            take(made, shelf, IN_JULY, [limit])
        assert (limit.drawn, limit.left, shelf[0].balance) == (30, 0, 70)

    def test_who_takes_no_part_is_not_beyond_the_pool(self) -> None:
        """Before it joined it draws nothing, and what it pays is not the pool's overage plan's."""
        row = replace(self.ROW, overage_plan="P")
        shelf = [bucket_of(1, row, share_id=70)]
        before = Participation(70, "POOL", JULY, IN_JULY + 1, NO_PART)
        limits = [before, self.limited()]
        made = drawing(shelf, takers_of([row]), IN_JULY, 40, per_unit(1), limits)
        assert made is not None
        assert (made.draws, made.billable, made.overage_plan) == ((), 40, None)
        made = drawing(shelf, takers_of([row]), IN_JULY + 1, 40, per_unit(1), limits)
        assert made is not None
        assert (made.units, made.billable, made.overage_plan) == (((1, 30),), 10, "P")

    def test_over_all_parts_of_the_pool(self) -> None:
        """What was carried or brought to the pool counts towards the same limit, within one event."""
        shelf = [
            bucket_of(1, self.ROW, share_id=70),
            bucket_of(2, self.ROW, share_id=70, balance=20, part=BucketPart.CARRIED),
        ]
        made = drawing(shelf, takers_of([self.ROW]), IN_JULY, 90, per_unit(1), [self.limited()])
        assert made is not None
        assert made.units == ((2, 20), (1, 10))

    def test_of_that_plan_and_that_period_only(self) -> None:
        """Another share plan, another type and the next month have limits of their own, or none."""
        for other in (
            replace(self.limited(), share_id=71),
            replace(self.limited(), code="OTHER"),
            replace(self.limited(), to_us=IN_JULY),
        ):
            shelf = [bucket_of(1, self.ROW, share_id=70)]
            made = drawing(shelf, takers_of([self.ROW]), IN_JULY, 90, per_unit(1), [other])
            assert made is not None
            assert made.billable == 0

    @given(st.lists(st.integers(0, 25), max_size=8))
    def test_what_comes_back_may_be_drawn_again(self, quantities: list[int]) -> None:
        """Returned draws leave the participant as much as before."""
        row = replace(self.ROW, tiers=(BucketTier(5, 3),), repeat_last=True)
        shelf, limit = [bucket_of(1, row, share_id=70)], self.limited()
        seen = []
        for quantity in quantities:
            made = drawing(shelf, takers_of([row]), IN_JULY, quantity, per_unit(1), [limit])
            assert made is not None
            seen.append(made)
            take(made, shelf, IN_JULY, [limit])
            assert limit.drawn <= 30
        assert limit.drawn == min(30, sum(quantities))
        for made in reversed(seen):
            give_back(made, shelf, IN_JULY, [limit])
        assert limit == self.limited()
