"""Which features of rating an event met, so that none is forgotten."""

from collections.abc import Iterator

from independent.book import wall
from independent.people import World
from independent.rater import Answer

from bmu.rating import BucketState, Operator, Owner, RateKind, RateRow
from bmu.usage import UDR


class Features:
    """Names what an answer stands on."""

    def __init__(self, world: World) -> None:
        rows = world.rows
        self.world = world
        self.rates = {row.id: row for row in rows.rates}
        self.groups = {row.id: row for row in rows.rate_groups}
        self.plans = {row.id: row for row in rows.rate_plans}
        self.classes = {row.id: row for row in rows.usage_classes}
        self.patterns = {row.id: row for row in rows.location_patterns}
        self.periods = {row.code: row for row in rows.time_periods}
        self.calendars = {row.code: row for row in rows.calendars}
        self.types = {row.code: row for row in rows.bucket_types}
        self.packages = {row.code: row for row in rows.packages}
        self.taxes = {row.id: row for row in rows.taxes}

    def of(
        self, udr: UDR, owner: Owner, answer: Answer | str, buckets: dict[int, BucketState]
    ) -> Iterator[str]:
        """Name all that an event met."""
        yield "zero quantity" if udr.quantity == 0 else "a quantity"
        if isinstance(answer, str):
            yield answer
            return
        yield "rated"
        yield f"level {answer.level}"
        yield from self._choice(udr, owner, answer)
        yield from self._price(answer)
        yield from self._parts(udr, answer)
        yield from self._included(answer, buckets)
        yield from self._taxes(owner, answer)

    def _choice(self, udr: UDR, owner: Owner, answer: Answer) -> Iterator[str]:
        group, rate = self.groups[answer.group], self.rates[answer.rate]
        if answer.pattern is not None:
            pattern = self.patterns[answer.pattern]
            yield from self._place(pattern.code, rate)
            yield from those_so(("dated pattern", pattern.valid_from or pattern.valid_to))
            yield f"by the {self.classes[answer.usage_class].side.value}"
        for row in group.conditions:
            yield f"condition {row.operator.value}{' negated' * row.negated}"
            yield "condition of account" if "." in row.field else "condition of event"
        yield from those_so(
            ("fallback plan", answer.fallback_from),
            ("another class's by rules", answer.reclassified_from),
            ("currency of group", group.currency),
            ("dated group", group.valid_from or group.valid_to),
        )
        if group.time_period:
            yield from self._hours(udr, owner, group.time_period)

    def _place(self, pattern: str, rate: RateRow) -> Iterator[str]:
        yield "IPv6" if ":" in pattern else "IPv4" if "." in pattern else "digits"
        yield (
            "rate of location"
            if rate.location
            else "rate of group of locations"
            if rate.location_group
            else "rate of everywhere"
        )

    def _hours(self, udr: UDR, owner: Owner, code: str) -> Iterator[str]:
        period = self.periods[code]
        yield f"hours of {period.zone}" if "/" not in period.zone else "hours of a zone"
        if period.dates:
            yield "hours on some dates"
        if period.calendar:
            zones = {"ACCOUNT": owner.terms.zone, "COMPANY": self.world.company.zone}
            day = wall(udr.started_us, zones.get(period.zone, period.zone)).date()
            if day in self.calendars[period.calendar].days:
                yield "hours of a holiday"

    def _price(self, answer: Answer) -> Iterator[str]:
        group, rate, plan = (
            self.groups[answer.group], self.rates[answer.rate], self.plans[answer.plan]
        )  # fmt: skip
        if group.pass_through:
            yield "passed through by group"
        else:
            yield f"kind {rate.kind.value}"
        said = [group.places, plan.places, self.world.company.places, 11]
        yield f"places {next(each for each in said if each is not None)}"
        modes = [group.rounding_mode, plan.rounding_mode, self.world.company.rounding_mode]
        yield f"rounding {next((each.value for each in modes if each), 'HALF_UP')}"
        yield f"counted by {rate.rounding}"
        yield from those_so(
            ("connect fee", rate.connect_e11),
            ("minimum charge", rate.minimum_charge_e11),
            ("maximum charge", rate.maximum_charge_e11 is not None),
            ("free units", rate.free),
            ("steps", rate.steps),
            ("steps with increments", any(each.increment for each in rate.steps)),
            ("dated rate", rate.valid_from or rate.valid_to),
            ("aggregate", answer.aggregate),
            ("amount of record", answer.recorded is not None),
            ("cost by rate", answer.cost and answer.cost[1] is not None),
            ("cost of record", answer.cost and answer.cost[1] is None),
            ("overage plan", answer.overage),
        )
        if answer.overage:
            yield f"overage {self.rates[int(str(answer.overage[2]))].kind.value}"

    def _parts(self, udr: UDR, answer: Answer) -> Iterator[str]:
        if not answer.parts:
            return
        yield "split"
        kinds = {self.rates[rate].kind for _, rate, _, _ in answer.parts}
        yield from (f"part {kind.value}" for kind in kinds)
        if len(answer.parts) > 2:
            yield "split in three or more"
        end = udr.started_us + udr.quantity * 10**6
        for zone in {self.world.company.zone, "Europe/London", "America/New_York"}:
            if wall(udr.started_us, zone).utcoffset() != wall(end, zone).utcoffset():
                yield "split where clocks change"
        if 0 < answer.billable < answer.rounded:
            yield "split, partly included"

    def _included(self, answer: Answer, buckets: dict[int, BucketState]) -> Iterator[str]:
        for number, _ in (*answer.units, *answer.money):
            bucket = buckets[number]
            row = self.types[bucket.code]
            yield f"bucket of {row.scope.value}"
            yield f"bucket {bucket.part.value}"
            yield f"bucket {row.kind.value}"
            yield f"bucket {row.recurrence.value}{' rolling over' * row.rollover}"
            yield from those_so(
                ("bucket with hours", row.time_period),
                ("bucket with exclusions", row.exclusions),
                ("bucket of places", row.locations),
                ("bucket whose last tier repeats", bucket.repeat_last),
            )
        yield from those_so(
            ("several buckets", len(answer.units) > 1),
            ("units, then money", answer.units and answer.money),
            ("money that paid in part", answer.money and answer.amount),
            ("tier entered", answer.entered),
            ("threshold reached", answer.reached),
        )

    def _taxes(self, owner: Owner, answer: Answer) -> Iterator[str]:
        if self.packages[owner.terms.package].tax is not None:
            yield "tax of package"
        elif answer.taxes:
            yield f"{len(answer.taxes)} taxes by best match"
        else:
            yield "no tax by best match"
        for _, base, _, certificate in answer.taxes:
            if certificate is not None:
                yield "exemption"
            elif base > answer.amount:
                yield "tax on tax"
        is_all = answer.billable == answer.rounded and not (answer.overage or answer.money)
        yield from those_so(
            ("tax owed", any(tax for _, _, tax, _ in answer.taxes)),
            ("tax in the price", is_all and answer.amount < answer.rated),
        )


def those_so(*named: tuple[str, object]) -> Iterator[str]:
    """Give the names of what is so."""
    yield from (name for name, is_so in named if is_so)


# Each at least so often, or the catalogues are too tame.
EXPECTED = (
    "zero quantity", "fallback plan", "another class's by rules", "dated pattern", "by the ORIGIN",
    "by the DESTINATION", "condition of account", "condition of event", "currency of group", "dated group",
    "IPv4", "IPv6", "digits", "rate of location", "rate of group of locations", "rate of everywhere",
    "hours of ACCOUNT", "hours of COMPANY", "hours of a zone", "hours on some dates", "hours of a holiday",
    "passed through by group", "connect fee", "minimum charge", "maximum charge", "free units", "steps",
    "steps with increments", "dated rate", "aggregate", "amount of record", "cost by rate", "cost of record",
    "overage plan", "split", "split in three or more", "split where clocks change", "split, partly included",
    "bucket with hours", "bucket with exclusions", "bucket of places", "bucket whose last tier repeats",
    "bucket NEVER", "bucket MONTH", "bucket DAY", "bucket MONTH rolling over", "bucket DAY rolling over",
    "bucket USAGE", "bucket MONEY", "bucket of SERVICE", "bucket of ACCOUNT", "bucket of TREE",
    "bucket of SHARE_PLAN", "bucket ALLOTMENT", "bucket CARRIED", "bucket JOINED", "several buckets",
    "units, then money", "money that paid in part", "tier entered", "threshold reached", "tax of package",
    "1 taxes by best match", "2 taxes by best match", "3 taxes by best match", "no tax by best match",
    "exemption", "tax on tax", "tax in the price", "tax owed",
    "BAD_EVENT", "NO_USAGE_CLASS", "NO_PACKAGE", "NO_PLAN", "NO_LOCATION", "NO_RATE_GROUP", "NO_RATE",
    "NO_COST", "NO_AMOUNT", "NO_TAX", "AMOUNT_TOO_LARGE",
    *(f"level {level}" for level in range(2, 9)),
    *(f"places {places}" for places in range(12)),
    *(f"rounding {mode}" for mode in ("HALF_UP", "UP", "DOWN", "HALF_EVEN")),
    *(f"counted by {rule}" for rule in ("60/6", "60/60", "1/1", "0/30", "7/1000", None)),
    *(f"kind {kind.value}" for kind in RateKind),
    *(f"overage {kind.value}" for kind in RateKind),
    *(f"part {kind.value}" for kind in RateKind if kind is not RateKind.PASS_THROUGH),
    *(f"condition {operator.value}" for operator in Operator),
    *(f"condition {operator.value} negated" for operator in Operator),
)  # fmt: skip
