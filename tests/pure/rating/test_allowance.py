"""For which days an allowance is, how large it is, and what of it the next period has."""

from dataclasses import replace
from datetime import UTC, date, datetime

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
    SEPTEMBER,
    SINCE_JULY,
    bucket_of,
    instant,
    kind_of,
    use,
)

from bmu.period import FOREVER_US, month_period, to_us
from bmu.rating import (
    BucketKind,
    BucketScope,
    BucketTypeRow,
    Frequency,
    Grant,
    PackageRow,
    TariffRows,
    UsageClassRow,
    validate,
)
from bmu.rating.allowance import (
    Anchor,
    activated_us,
    carried,
    grant_of,
    grants_of,
    later,
    prorated,
    sized,
    turn_at,
    whole_units,
)
from bmu.rating.bucket import BucketPart
from bmu.rating.offers import BucketTier
from bmu.usage import Rater, Unit

DAY_US = 86_400_000_000
# Recurrence, every, service since, bill day, instant: the days [first, end) it is in.
TURNS = """
DAY   1 2026-07-10 1  2026-07-10 2026-07-10 2026-07-11
DAY   1 2026-07-10 1  2026-08-01 2026-08-01 2026-08-02
DAY  30 2026-07-10 1  2026-08-08 2026-07-10 2026-08-09
DAY  30 2026-07-10 1  2026-08-09 2026-08-09 2026-09-08
WEEK  1 2026-07-10 1  2026-07-16 2026-07-10 2026-07-17
WEEK  2 2026-07-10 1  2026-07-24 2026-07-24 2026-08-07
MONTH 1 2026-07-10 15 2026-07-14 2026-06-15 2026-07-15
MONTH 1 2026-07-10 15 2026-07-15 2026-07-15 2026-08-15
MONTH 1 2026-07-31 28 2027-03-01 2027-02-28 2027-03-28
MONTH 3 2026-07-10 15 2026-09-14 2026-06-15 2026-09-15
MONTH 3 2026-07-10 15 2026-09-15 2026-09-15 2026-12-15
MONTH 3 2026-07-10 1  2027-01-01 2027-01-01 2027-04-01
YEAR  1 2026-07-10 15 2027-06-14 2026-06-15 2027-06-15
YEAR  1 2026-07-10 15 2027-06-15 2027-06-15 2028-06-15
YEAR  2 2024-02-29 28 2026-02-27 2024-02-28 2026-02-28
"""


def noon(text: str) -> int:
    """The middle of a day in UTC."""
    return to_us(datetime.fromisoformat(f"{text}T12:00+00:00"))


@pytest.mark.parametrize("line", TURNS.strip().splitlines())
def test_periods_run_from_the_bill_day_or_the_first_day(line: str) -> None:
    """Months and years from the bill day, days and weeks from the service's first; the end is the next one's start."""
    name, every, since, bill_day, at, first, end = line.split()
    row = kind_of("B", MB, recurrence=Frequency[name], every=int(every))
    turn = turn_at(row, Anchor("UTC", int(bill_day), noon(since)), noon(at))
    assert turn is not None
    assert (turn.first, turn.end) == (date.fromisoformat(first), date.fromisoformat(end))
    assert (turn.from_us, turn.to_us) == (
        noon(first) - DAY_US // 2,
        noon(end) - DAY_US // 2,
    )


recurring = st.builds(
    kind_of,
    st.just("B"),
    st.just(MB),
    recurrence=st.sampled_from([each for each in Frequency if each is not Frequency.NEVER]),
    every=st.integers(1, 5),
    on_first_use=st.booleans(),
)
anchors = st.builds(
    Anchor,
    zone=st.sampled_from(["UTC", "Europe/London", "America/Sao_Paulo", "Pacific/Apia"]),
    bill_day=st.integers(1, 28),
    start_us=st.integers(JULY, JULY + 900 * DAY_US),
)


@given(recurring, anchors, st.integers(JULY, JULY + 3000 * DAY_US))
def test_each_instant_is_in_one_period_and_they_follow_each_other(
    row: BucketTypeRow, anchor: Anchor, us: int
) -> None:
    """No moment is without an allowance and none has two; one ends where the next begins."""
    turn = turn_at(row, anchor, us)
    assert turn is not None
    assert turn.from_us <= us < turn.to_us
    assert turn_at(row, anchor, turn.from_us) == turn_at(row, anchor, turn.to_us - 1) == turn
    following = turn_at(row, anchor, turn.to_us)
    assert following is not None
    assert following.from_us == turn.to_us
    assert following.number == turn.number + 1


def test_a_plain_month_is_the_billing_month() -> None:
    """What most allowances are: from bill day to bill day by the customer's clock."""
    anchor = Anchor("Europe/London", 15, instant(2026, 1, 20))
    turn = turn_at(kind_of("B", MB), anchor, instant(2026, 8, 14, 23))
    month = month_period(date(2026, 8, 15), 15, "Europe/London")
    assert turn is not None
    assert (turn.from_us, turn.to_us) == (to_us(month.from_), to_us(month.to))


def test_what_is_granted_once_is_there_until_it_expires() -> None:
    """A top-up of a gigabyte for 30 days, or without end; nothing before it was bought."""
    once = kind_of("TOPUP", GB, recurrence=Frequency.NEVER)
    bought = Anchor("UTC", 1, instant(2026, 7, 10, 15))
    assert grant_of(once, bought, instant(2030, 1, 1)) == Grant(
        "TOPUP", instant(2026, 7, 10), FOREVER_US, GB, Unit.DATA
    )
    assert grant_of(once, bought, instant(2026, 7, 9)) is None
    for_30_days = replace(once, expires_after=30, expires_unit=Frequency.DAY)
    grant = grant_of(for_30_days, bought, instant(2026, 7, 10))
    assert grant is not None
    assert grant.to_us == instant(2026, 8, 9)
    assert grant_of(for_30_days, bought, instant(2026, 8, 8, 23)) == grant
    assert grant_of(for_30_days, bought, instant(2026, 8, 9)) is None
    two_months = replace(once, expires_after=2)
    assert grant_of(two_months, bought, instant(2026, 9, 10)) is None


def test_an_allowance_may_come_back_only_so_often() -> None:
    """Three months of free data end with the third month; one that expires in its middle ends there."""
    row = kind_of("PROMO", GB, expires_after=3)
    assert grant_of(row, SINCE_JULY, instant(2026, 9, 30, 23)) is not None
    assert grant_of(row, SINCE_JULY, instant(2026, 10, 1)) is None
    row = kind_of("PROMO", GB, expires_after=40, expires_unit=Frequency.DAY)
    grant = grant_of(row, SINCE_JULY, IN_AUGUST)
    assert grant is not None
    assert (grant.from_us, grant.to_us) == (AUGUST, instant(2026, 8, 10))


def test_a_month_without_that_day_gives_its_last() -> None:
    """A month after 31 January is the last of February; a year after 29 February the 28th."""
    assert later(date(2026, 1, 31), Frequency.MONTH, 1) == date(2026, 2, 28)
    assert later(date(2026, 1, 31), Frequency.MONTH, 2) == date(2026, 3, 31)
    assert later(date(2024, 2, 29), Frequency.YEAR, 1) == date(2025, 2, 28)
    assert later(date(2026, 1, 31), Frequency.MONTH, -2) == date(2025, 11, 30)


class TestProration:
    """An allowance of a part of a period (9.8, 12.5)."""

    def test_days_of_the_period(self) -> None:
        """310 MB for July, had from the 10th on, are 220: the first day counts. Half a unit is one."""
        row = kind_of("B", 310 * MB, prorated=True)
        grant = grant_of(row, Anchor("UTC", 1, instant(2026, 7, 10, 23)), instant(2026, 7, 20))
        assert grant is not None
        assert grant.quantity == 220 * MB
        assert grant.from_us == JULY
        assert prorated(1, 1, 2) == 1
        assert prorated(1, 14, 31) == 0

    def test_the_day_it_ends_on_does_not_count(self) -> None:
        """Cancelled on the 24th: 23 days (E32); a later period is whole."""
        row = kind_of("B", 310 * MB, prorated=True)
        ends = Anchor("UTC", 1, JULY, instant(2026, 7, 24, 23))
        assert [grant.quantity for grant in grants_of([row], ends, IN_JULY)] == [230 * MB]
        whole = grant_of(row, SINCE_JULY, IN_AUGUST)
        assert whole is not None
        assert whole.quantity == 310 * MB

    def test_charges_of_tiers_are_not_prorated(self) -> None:
        """Half a month has half of each tier, each at its whole flat charge."""
        row = kind_of("B", 62, prorated=True, flat_e11=5, tiers=(BucketTier(31, 9),))
        grant = grant_of(row, Anchor("UTC", 1, instant(2026, 7, 16)), instant(2026, 7, 16))
        assert grant is not None
        assert grant.tiers == (BucketTier(32, 5), BucketTier(16, 9))
        assert grant.quantity == 48

    def test_what_is_granted_once_is_whole(self) -> None:
        """A top-up is not smaller for having been bought late in a month."""
        row = kind_of("TOPUP", GB, recurrence=Frequency.NEVER, prorated=True)
        grant = grant_of(row, Anchor("UTC", 1, instant(2026, 7, 30)), instant(2026, 7, 31))
        assert grant is not None
        assert grant.quantity == GB


def test_a_fraction_of_a_byte_is_made_whole() -> None:
    """E18, T21: 0.1 MiB is 104,857.6 bytes, so 104,858."""
    assert whole_units(2**20, 10) == 104_858


def test_size_by_another_class() -> None:
    """E22, T26: 10,000 requests for each GB transferred, in proportion and rounded down."""
    row = kind_of("API", 10_000, unit=Unit.COUNT, size_by="data", size_per=GB)
    assert sized(row, GB // 2) == 5000
    assert sized(row, 100_000) == 1
    assert sized(row, 199_999) == 1
    assert sized(row, 0) == 0
    assert sized(replace(row, unit=Unit.TIME), 150_000) == 2
    grant = grant_of(row, SINCE_JULY, IN_JULY, measured=3 * GB)
    assert grant is not None
    assert grant.quantity == 30_000


class TestRollover:
    """What is left of one period is the next one's."""

    ROLLOVER = kind_of("B", 10 * MB, rollover=True)

    def carry(self, used: int, **more: object) -> Grant | None:
        """What July's bucket leaves after so much use."""
        row = replace(self.ROLLOVER, **more)  # type: ignore[arg-type]
        july = grant_of(row, SINCE_JULY, IN_JULY)
        assert july is not None
        ended = bucket_of(1, july)
        use([ended], [row], used)
        return carried(row, SINCE_JULY, ended)

    def test_unused_is_added(self) -> None:
        """E15, T17: 10 MB, 8 used, next month 12. E16, T18: of 100 GB, 80 used, 20 carry over."""
        grant = self.carry(8 * MB)
        august = grant_of(self.ROLLOVER, SINCE_JULY, IN_AUGUST)
        assert grant is not None
        assert august is not None
        assert grant.quantity + august.quantity == 12 * MB
        assert (grant.from_us, grant.to_us, grant.part) == (AUGUST, FOREVER_US, BucketPart.CARRIED)
        carried_gb = self.carry(80 * GB, quantity=100 * GB)
        assert carried_gb is not None
        assert carried_gb.quantity == 20 * GB

    def test_without_rollover_it_lapses(self) -> None:
        """T19: 10 MB, 8 used, next month 10 again. Nothing left, nothing carried."""
        assert self.carry(8 * MB, rollover=False) is None
        august = grant_of(kind_of("B", 10 * MB), SINCE_JULY, IN_AUGUST)
        assert august is not None
        assert august.quantity == 10 * MB
        assert self.carry(10 * MB) is None

    def test_so_much_at_most(self) -> None:
        """The cap holds for all that is carried at a time."""
        grant = self.carry(MB, rollover_max=4 * MB)
        assert grant is not None
        assert grant.quantity == 4 * MB
        row = replace(self.ROLLOVER, rollover_max=4 * MB)
        older = bucket_of(7, grant, balance=3 * MB)
        august = grant_of(row, SINCE_JULY, IN_AUGUST)
        assert august is not None
        ended = bucket_of(8, august)
        again = carried(row, SINCE_JULY, ended, [older, ended])
        assert again is not None
        assert again.quantity == MB
        # What expires with the month is no longer there to count.
        older.to_us = SEPTEMBER
        again = carried(row, SINCE_JULY, ended, [older])
        assert again is not None
        assert again.quantity == 4 * MB

    def test_so_long_at_most(self) -> None:
        """Carried for one period, it is gone with that; it is never carried again."""
        grant = self.carry(MB, rollover_periods=1)
        assert grant is not None
        assert (grant.from_us, grant.to_us, grant.since_us) == (AUGUST, SEPTEMBER, JULY)
        row = replace(self.ROLLOVER, rollover_periods=1)
        assert carried(row, SINCE_JULY, bucket_of(1, grant)) is None

    def test_what_was_brought_to_a_pool_is_carried_too(self) -> None:
        """A service that joined a share plan in July leaves what is unused of its contribution to August."""
        joined = bucket_of(2, kind_of("B", 5), part=BucketPart.JOINED, from_us=JULY, to_us=AUGUST)
        grant = carried(self.ROLLOVER, SINCE_JULY, joined)
        assert grant is not None
        assert (grant.quantity, grant.part) == (5, BucketPart.CARRIED)

    def test_no_longer_than_the_allowance(self) -> None:
        """Three months of rollover data leave nothing to a fourth."""
        row = replace(self.ROLLOVER, expires_after=3)
        for us, wanted in ((IN_AUGUST, instant(2026, 10, 1)), (SEPTEMBER, None)):
            grant = grant_of(row, SINCE_JULY, us)
            assert grant is not None
            left = carried(row, SINCE_JULY, bucket_of(1, grant))
            assert (left and left.to_us) == wanted

    def test_paid_tiers_are_not_carried(self) -> None:
        """Of a free and a paid tier the free one's rest is carried (24.30)."""
        tiers = (BucketTier(5 * MB, 7), BucketTier(3 * MB))
        grant = self.carry(4 * MB, tiers=tiers)
        assert grant is not None
        assert grant.quantity == 9 * MB
        grant = self.carry(16 * MB, tiers=tiers)
        assert grant is not None
        assert grant.quantity == 2 * MB


class TestBillingActivation:
    """Bill on first use (9.10)."""

    def test_so_much_or_so_long(self) -> None:
        """E23, T25: 1 MB or a week; 0.4 and 0.6 MB of two services: with the second, on day 2."""
        uses = [(instant(2026, 7, 1, 9), 400_000), (instant(2026, 7, 2, 9), 600_000)]
        week = instant(2026, 7, 8)
        assert activated_us(MB, week, uses, instant(2026, 7, 3)) == instant(2026, 7, 2, 9)
        assert activated_us(MB, week, uses[:1], instant(2026, 7, 3)) is None
        assert activated_us(MB, week, uses[:1], week) == week
        late = [*uses[:1], (instant(2026, 7, 20), 600_000)]
        assert activated_us(MB, week, late, instant(2026, 7, 21)) == week

    def test_time_only(self) -> None:
        """E24: ten days after the package was added, whatever is used."""
        tenth = to_us(datetime(2026, 7, 11, tzinfo=UTC))
        uses = [(IN_JULY, 10 * GB)]
        assert activated_us(None, tenth, uses, tenth - 1) is None
        assert activated_us(None, tenth, uses, tenth) == tenth


def test_on_first_use_the_days_run_from_that() -> None:
    """A pass of 30 days begins with the day it is first used on, not with the bill day."""
    row = kind_of("PASS", GB, on_first_use=True, recurrence=Frequency.DAY, every=30)
    used = Anchor("UTC", 1, instant(2026, 7, 20, 18))
    grant = grant_of(row, used, instant(2026, 7, 20, 18))
    assert grant is not None
    assert (grant.from_us, grant.to_us) == (instant(2026, 7, 20), instant(2026, 8, 19))
    monthly = replace(row, recurrence=Frequency.MONTH, every=1)
    grant = grant_of(monthly, Anchor("UTC", 1, instant(2026, 1, 31)), instant(2026, 3, 30))
    assert grant is not None
    assert (grant.from_us, grant.to_us) == (instant(2026, 2, 28), instant(2026, 3, 31))


def test_money_is_granted_like_units() -> None:
    """A bucket of 50 a month, in 10^-11 of the account's currency."""
    row = kind_of("M", 50 * 10**11, kind=BucketKind.MONEY)
    grant = grant_of(row, SINCE_JULY, IN_JULY)
    assert grant is not None
    assert (grant.kind, grant.quantity) == (BucketKind.MONEY, 50 * 10**11)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({}, None),
        ({"quantity": 0, "scope": BucketScope.SHARE_PLAN}, None),
        ({"quantity": 0}, "quantity is 0, less than 1"),
        ({"expires_after": 30, "expires_unit": Frequency.DAY}, None),
        ({"expires_unit": Frequency.DAY}, "has a unit to expire in, but does not expire"),
        (
            {"expires_after": 1, "expires_unit": Frequency.NEVER},
            "expires in a unit of NEVER",
        ),
        (
            {"size_by": "data", "size_per": 1, "repeat_last": True},
            "has a size by other usage, which tiers have not",
        ),
        (
            {"rollover": True, "recurrence": Frequency.NEVER},
            "rolls over, but does not come again",
        ),
    ],
)
def test_what_can_t_be_granted_is_refused(more: dict[str, object], fault: str | None) -> None:
    """A catalogue says so when it is loaded."""
    data = UsageClassRow(1, "data", "Data", Unit.DATA, Rater.CLASS)
    row = replace(kind_of("B", MB), **more)  # type: ignore[arg-type]
    found = validate(TariffRows(usage_classes=(data,), bucket_types=(row,)))
    assert [each.what for each in found if each.table == "bucket_type"] == (
        [fault] if fault else []
    )


def test_packages_are_billed_by_the_month() -> None:
    """Allowances may come by the day; what a package costs comes with the monthly bill."""
    row = PackageRow(1, "P", "P", 0, "GBP", Frequency.WEEK, None, None, ())
    found = validate(TariffRows(packages=(row,)))
    assert "has the frequency WEEK; bills know MONTH only" in [each.what for each in found]
    monthly = validate(TariffRows(packages=(replace(row, frequency=Frequency.MONTH),)))
    assert not any("frequency" in each.what for each in monthly)
