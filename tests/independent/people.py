"""What is sold by a catalogue, and to whom: packages, allowances, taxes, services and their buckets, by chance."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from independent.worlds import CLASSES, E11, ZONES, Catalogue

from bmu.period import FOREVER_US, to_us
from bmu.rating import (
    BucketExclusion,
    BucketKind,
    BucketPart,
    BucketScope,
    BucketState,
    BucketTier,
    BucketTypeRow,
    CompanyTerms,
    Exemption,
    Frequency,
    Owner,
    PackageRow,
    Participation,
    PricePlanRow,
    ReclassRow,
    ReclassRule,
    Sharer,
    TariffRows,
    TaxCodeRow,
    TaxRow,
    Terms,
)
from bmu.usage import Unit

SERVICES = 240
UNITS = {
    Unit.TIME: ("voice", "called", "long", "fax"),
    Unit.DATA: ("data", "web"),
    Unit.COUNT: ("sms",),
}
# A bucket that many draw from is there less often than they are.
OFTEN = {
    BucketScope.SERVICE: 1.0,
    BucketScope.ACCOUNT: 0.4,
    BucketScope.TREE: 0.2,
    BucketScope.SHARE_PLAN: 0.15,
}
PLANS = ("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8")
YEAR = (to_us(datetime(2026, 1, 1, tzinfo=UTC)), to_us(datetime(2027, 1, 1, tzinfo=UTC)))


@dataclass(frozen=True)
class World:
    """A catalogue without faults, its company, services, and what they may draw from."""

    rows: TariffRows
    company: CompanyTerms
    owners: tuple[Owner, ...]
    buckets: tuple[BucketState, ...]
    sharers: tuple[Sharer, ...]
    limits: dict[int, tuple[Participation, ...]]


class Everything(Catalogue):
    """Draws whole worlds."""

    def world(self) -> World:
        """Draw a world."""
        rows = self.rows()
        taxes = self.taxes()
        rows = replace(
            rows,
            bucket_types=self.bucket_types(),
            taxes=taxes,
            tax_codes=self.tax_codes(),
            price_plans=tuple(
                PricePlanRow(n, f"A{n}", "Agreed", self.maybe(0.6, self.plan)) for n in (1, 2, 3)
            ),
            reclasses=self.reclasses(),
            packages=tuple(self.package(number) for number in range(1, 8)),
        )
        terms = [self.terms() for _ in range(24)]
        owners = tuple(self.owner(number, terms) for number in range(1, SERVICES + 1))
        types = {row.code: row for row in rows.bucket_types}
        buckets: list[BucketState] = []
        for owner in owners:
            for row in self.some(tuple(types.values()), 0, 7):
                if self.is_so(OFTEN[row.scope]):
                    buckets += self.states(row, owner, len(buckets))
        sharers = tuple(
            Sharer(
                owner.account_service_id, owner.account_id,
                (owner.account_id // 4 + 1000,),
                (owner.account_id // 8 + 1, owner.account_id // 4 + 101),
            )
            for owner in owners
        )  # fmt: skip
        return World(
            rows, self.company, owners, tuple(buckets), sharers, self.limits(buckets, sharers)
        )

    def plan(self) -> str:
        """Draw a plan."""
        return self.random.choice(PLANS)

    def terms(self) -> Terms:
        """Draw what a customer has agreed; most levels of plans say nothing."""
        choose = self.random.choice
        exemptions = tuple(
            Exemption(f"C-{n}", choose((None, "GST", "QST", "VAT")), *self.days(0.5))
            for n in range(choose((0, 0, 1, 2)))
        )
        attributes = []
        if self.is_so(0.5):
            attributes.append(("account.segment", choose(("gold", "silver", "tin"))))
        if self.is_so(0.5):
            attributes.append(("service.sim", choose(("4", "5", "12", "20", "x"))))
        return Terms(
            choose(("K1", "K2", "K3", "K4", "K5", "K6", "K7", "K1", "K2", "GONE")),
            choose(("GBP",) * 8 + ("EUR",)),
            choose(ZONES),
            self.maybe(0.3, lambda: choose(("A1", "A2", "A3"))),
            self.maybe(0.2, self.plan),
            self.maybe(0.2, self.plan),
            self.maybe(0.2, self.plan),
            choose((None, "GB", "CA")),
            choose((None, "QC", "ON")),
            choose((None, "HOME", "OFFICE")),
            exemptions,
            tuple(attributes),
        )

    def owner(self, number: int, terms: list[Terms]) -> Owner:
        """Draw a service; four of them have an account."""
        return Owner(0, FOREVER_US, number, number // 4 + 1, number, self.random.choice(terms), 1)

    def package(self, number: int) -> PackageRow:
        """Draw a package."""
        return PackageRow(
            number, f"K{number}", "Package", 0, "GBP", Frequency.MONTH,
            self.maybe(0.4, self.plan),
            self.maybe(1.0 if self.is_tame else 0.4, lambda: self.random.choice(("VAT", "GST", "QST", "OLD"))),
            tuple(f"B{n:02}" for n in range(1, 14 if self.is_tame else 19)),
            frequency_rate_plan=self.maybe(0.3, self.plan),
            tax_category=self.maybe(0.4, self.service_category),
            reclass=self.maybe(0.7, lambda: self.random.choice(("X1", "X2"))),
        )  # fmt: skip

    def reclasses(self) -> tuple[ReclassRow, ...]:
        """Draw rules by which usage becomes another class's."""
        rows = []
        for number, code in enumerate(("X1", "X2"), 1):
            rules = []
            for _ in range(5):
                one, other = self.some(
                    UNITS[self.random.choice((Unit.TIME, Unit.TIME, Unit.DATA))], 2, 2
                )
                at = None
                if one not in ("web", "sms", "long"):
                    at = self.maybe(0.6, lambda: self.some((*self.codes, *self.group_codes), 1, 3))
                conditions = tuple(self.condition() for _ in range(self.random.choice((0, 1, 1))))
                rules.append(ReclassRule(one, other, at, conditions))
            rows.append(ReclassRow(number, code, code, tuple(rules)))
        return tuple(rows)

    def taxes(self) -> tuple[TaxRow, ...]:
        """Draw taxes, one of which changes and one of which ended."""
        change, end = self.day(), self.day()
        compound = self.is_so(0.5)
        return (
            TaxRow(1, "VAT", "VAT", self.random.choice((175_000, 200_000)), None, change),
            TaxRow(2, "VAT", "VAT", self.random.choice((150_000, 77_777)), change, None),
            TaxRow(3, "GST", "GST", 50_000, None, None),
            TaxRow(4, "QST", "QST", 95_000, None, None, compound=compound),
            TaxRow(5, "OLD", "Old", 10_000, None, end),
            TaxRow(
                6, "TOP", "Top", self.random.choice((0, 1, 1_000_000)), None, None, compound=True
            ),
        )

    def tax_codes(self) -> tuple[TaxCodeRow, ...]:
        """Draw tax codes; the last is for what no other fits."""
        rows = []
        for number in range(1, 9):
            of_event = self.is_so(0.4)
            countries: tuple[str, ...] = ("GB", "CA")
            states: tuple[str, ...] = ("QC", "ON")
            if of_event:
                countries = states = self.codes
            rows.append(TaxCodeRow(
                number, f"Y{number}", "Code",
                self.some(("VAT", "GST", "QST", "TOP"), 1, 3) + ("OLD",) * self.is_so(0.1),
                self.random.choice((None, "HOME", "OFFICE")),
                self.random.choice((None, "TELECOM", "GOODS")),
                self.random.choice((None, *self.some(countries, 2, 2))),
                self.random.choice((None, *self.some(states, 1, 1))),
                of_event=of_event, inclusive=self.is_so(0.4),
            ))  # fmt: skip
        if self.is_so(0.7):
            rows.append(TaxCodeRow(9, "Y9", "Rest", ("GST",), country="XX", default=True))
        return tuple(rows)

    # Allowances

    def bucket_types(self) -> tuple[BucketTypeRow, ...]:
        """Draw types of every kind: six of time, four of data, three of messages, five of money."""
        units = [Unit.TIME] * 6 + [Unit.DATA] * 4 + [Unit.COUNT] * 3
        kinds = [(BucketKind.USAGE, unit) for unit in units]
        # A bucket of money is never plain.
        kinds += [(BucketKind.MONEY, Unit.COUNT)] * 5 * (not self.is_tame)
        return tuple(
            self.bucket_type(number, kind, unit) for number, (kind, unit) in enumerate(kinds, 1)
        )

    def bucket_type(self, number: int, kind: BucketKind, unit: Unit) -> BucketTypeRow:
        """Draw a type; one in three is plain."""
        is_money = kind is BucketKind.MONEY
        classes = self.some(CLASSES if is_money else UNITS[unit], 1, 4)
        size = self.random.choice((10**9, 5 * E11, 10**14)) if is_money else self.size(unit)
        if self.is_tame or self.is_so(0.33):
            return BucketTypeRow(
                number, f"B{number:02}", "Plain", unit, size, Frequency.MONTH, classes,
                self.maybe(0.3, lambda: self.some(self.codes, 1, 3)), kind,
            )  # fmt: skip
        recurrence = self.random.choice((Frequency.MONTH, Frequency.DAY, Frequency.NEVER))
        places = (*self.codes, *self.group_codes)
        return BucketTypeRow(
            number, f"B{number:02}", "Bucket", unit, size, recurrence, classes,
            self.maybe(0.4, lambda: self.some(places, 1, 4)), kind,
            self.random.choice(tuple(BucketScope)),
            flat_e11=self.random.choice((0, 2 * E11)),
            tiers=tuple(
                BucketTier(size // 2 + n, self.random.choice((0, E11, 7)))
                for n in range(self.random.choice((0, 0, 1, 3)))
            ),
            repeat_last=self.is_so(0.25),
            rollover=recurrence is not Frequency.NEVER and self.is_so(0.4),
            overage_plan=self.maybe(0.35, lambda: self.random.choice((*PLANS, "P9", "P9"))),
            exclusions=tuple(self.exclusion() for _ in range(self.random.choice((0, 0, 1, 2)))),
            time_period=self.maybe(0.25, lambda: self.random.choice(self.periods)),
            thresholds=self.some((1, 33, 50, 80, 100), 0, 3),
        )  # fmt: skip

    def size(self, unit: Unit) -> int:
        """Draw how much."""
        sizes = {Unit.TIME: (60, 100, 600), Unit.DATA: (1000, 5000), Unit.COUNT: (3, 10)}
        return self.random.choice(sizes[unit])

    def exclusion(self) -> BucketExclusion:
        """Draw what never draws."""
        place = self.random.choice((*self.codes[1:], *self.group_codes))
        usage_class = self.maybe(0.7, lambda: self.random.choice(CLASSES))
        return BucketExclusion(
            usage_class, self.maybe(0.6, lambda: place) if usage_class else place
        )

    def states(self, row: BucketTypeRow, owner: Owner, before: int) -> list[BucketState]:
        """Draw the buckets that there are of a type: mostly one, some with what was carried or joined."""
        parts = [BucketPart.ALLOTMENT]
        if row.rollover:
            parts += [BucketPart.CARRIED] * self.random.randint(0, 2)
        if row.scope is BucketScope.SHARE_PLAN and self.is_so(0.3):
            parts.append(BucketPart.JOINED)
        found: list[BucketState] = []
        for part in parts:
            tiers: tuple[BucketTier, ...] = ()
            if part is BucketPart.ALLOTMENT and (row.tiers or row.flat_e11 or row.repeat_last):
                tiers = (BucketTier(row.quantity, row.flat_e11), *row.tiers)
            granted = sum(tier.quantity for tier in tiers) or row.quantity
            repeats = bool(tiers) and row.repeat_last
            if repeats:
                granted += tiers[-1].quantity * self.random.choice((0, 0, 2))
            left = self.random.choice((granted, granted, 0, self.random.randint(0, granted)))
            found.append(
                self.state(before + len(found) + 1, row, owner, (part, granted, left, tiers))
            )
        return found

    def state(
        self, number: int, row: BucketTypeRow, owner: Owner,
        of: tuple[BucketPart, int, int, tuple[BucketTier, ...]],
    ) -> BucketState:  # fmt: skip
        """Draw one bucket, the service's, the account's, that of the account above, or a share plan's."""
        part, granted, left, tiers = of
        scope = row.scope
        since, until = YEAR
        quarter = (until - since) // 4
        share = self.random.choice((owner.account_id // 8 + 1, owner.account_id // 4 + 101))
        if scope is not BucketScope.SHARE_PLAN:
            share = 0
        from_us = self.random.choice((0, since, since + quarter))
        size = sum(tier.quantity for tier in tiers) or granted
        used = (granted - left) * 100 // size
        return BucketState(
            number,
            owner.account_service_id if scope is BucketScope.SERVICE else 0,
            row.code, from_us,
            self.random.choice((FOREVER_US, until, until - quarter)), left, granted,
            account_id={
                BucketScope.ACCOUNT: owner.account_id,
                BucketScope.TREE: owner.account_id // 4 + 1000,
            }.get(scope, 0),
            share_id=share,
            for_tree=scope is BucketScope.TREE,
            rank=share % 3,
            part=part, tiers=tiers, repeat_last=bool(tiers) and row.repeat_last,
            since_us=self.random.choice((1, 2, 3)) if part is BucketPart.CARRIED else 0,
            warned=max((each for each in row.thresholds if each <= used), default=0),
        )  # fmt: skip

    def limits(
        self, buckets: list[BucketState], sharers: tuple[Sharer, ...]
    ) -> dict[int, tuple[Participation, ...]]:
        """Draw what some services may draw from share plans."""
        shared = sorted({(each.share_id, each.code) for each in buckets if each.share_id})
        found = {}
        for sharer in sharers:
            ours = [each for each in shared if each[0] in sharer.shares]
            limited = tuple(
                Participation(
                    share, code, 0, self.random.choice((FOREVER_US, YEAR[1] - 10**13)),
                    self.random.choice((0, 30, 100, 10**11)), self.random.choice((0, 0, 20)),
                )
                for share, code in ours if self.is_so(0.4)
            )  # fmt: skip
            if limited:
                found[sharer.account_service_id] = tuple(
                    replace(each, drawn=min(each.drawn, each.limit)) for each in limited
                )
        return found
