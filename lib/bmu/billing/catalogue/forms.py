"""The tables of a catalogue: which keys each has, and what of a row they are."""

from collections.abc import Callable
from dataclasses import dataclass

from bmu.billing.catalogue.fields import (
    AMOUNT,
    CODE,
    CODES,
    DAY,
    DAYS,
    FLAG,
    NAME,
    PPM,
    WHOLE,
    WHOLES,
    Field,
    Kind,
    Tables,
    Word,
)
from bmu.billing.catalogue.measures import PER, QUANTITY
from bmu.money import Rounding
from bmu.rating import (
    AggregateKind,
    AggregateScope,
    BucketExclusion,
    BucketKind,
    BucketScope,
    BucketTier,
    BucketTypeRow,
    ConditionRow,
    Contribution,
    Frequency,
    HolidayCalendarRow,
    LocationGroupRow,
    LocationPatternRow,
    LocationRow,
    Operator,
    PackageRow,
    PricePlanRow,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RateStep,
    ReclassRow,
    ReclassRule,
    RoundingRow,
    SharePlanRow,
    Side,
    TaxCodeRow,
    TaxRow,
    TierRow,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.usage import Rater, Unit


@dataclass(frozen=True, slots=True)
class Form:
    """
    One table of the document.

    Shapes:
        table: in the document; noun: in the faults; rows: of `TariffRows`.
        fields: of the row. beside: keys that the row does not hold as they are.
    """

    table: str
    noun: str
    rows: str
    make: Callable[..., object]
    fields: tuple[Field, ...]
    beside: tuple[Field, ...] = ()


_CODE = Field("code", "code", CODE)
_NAME = Field("name", "name", NAME)
_FROM = Field("from", "valid_from", DAY, None)
_TO = Field("to", "valid_to", DAY, None)


def _code_if_given(key: str, name: str = "") -> Field:
    return Field(key, name or key, CODE, None)


def _flag(key: str) -> Field:
    return Field(key, key, FLAG, default=False)


def _else(key: str, kind: Kind, default: object, name: str = "") -> Field:
    return Field(key, name or key, kind, default)


_CONDITIONS = _else(
    "conditions",
    Tables(
        ConditionRow,
        Field("field", "field", NAME),
        Field("operator", "operator", Word(Operator)),
        _else("values", CODES, ()),
        Field("not", "negated", FLAG, default=False),
    ),
    (),
)
_RULES = Tables(
    ReclassRule,
    Field("class", "usage_class", CODE),
    Field("becomes", "becomes", CODE),
    _else("locations", CODES, None),
    _CONDITIONS,
)
_STEPS = Tables(
    RateStep,
    Field("after", "after", WHOLE),
    Field("price", "price_e11", AMOUNT),
    Field("per", "per", PER),
    _else("increment", WHOLE, None),
)
_TIERS = Tables(
    TierRow,
    Field("from", "from_", WHOLE),
    _else("price", AMOUNT, 0, "price_e11"),
    _else("per", PER, 1),
    _else("flat", AMOUNT, 0, "flat_e11"),
)
_BUCKET_TIERS = Tables(
    BucketTier, Field("quantity", "quantity", QUANTITY), _else("flat", AMOUNT, 0, "flat_e11")
)
_EXCLUSIONS = Tables(
    BucketExclusion, _code_if_given("class", "usage_class"), _code_if_given("location")
)
_PARTICIPANTS = Tables(
    Contribution,
    Field("package", "package", CODE),
    _else("quantity", WHOLE, 0),
    _else("limit", WHOLE, None),
)

# In the order in which they are read and written: what is named stands before what names it.
FORMS = (
    Form(
        "usage_class",
        "usage_class",
        "usage_classes",
        UsageClassRow,
        (
            _CODE,
            _NAME,
            Field("unit", "unit", Word(Unit)),
            Field("rater", "rater", Word(Rater)),
            _else("side", Word(Side), Side.DESTINATION),
            _flag("split"),
            _code_if_given("category"),
        ),
    ),
    Form(
        "location",
        "location",
        "locations",
        LocationRow,
        (_CODE, _NAME, _code_if_given("parent"), _else("kind", NAME, None)),
        (_else("patterns", CODES, ()),),
    ),
    Form(
        "pattern",
        "location_pattern",
        "location_patterns",
        LocationPatternRow,
        (Field("code", "code", NAME), Field("location", "location", CODE), _FROM, _TO),
    ),
    Form(
        "location_group",
        "location_group",
        "location_groups",
        LocationGroupRow,
        (_CODE, _NAME, Field("locations", "locations", CODES)),
    ),
    Form(
        "calendar",
        "calendar",
        "calendars",
        HolidayCalendarRow,
        (_CODE, _NAME, _else("days", DAYS, ())),
        (
            _else("country", NAME, None),
            _else("subdivision", NAME, None),
            _else("years", WHOLES, ()),
        ),
    ),
    Form(
        "time_period",
        "time_period",
        "time_periods",
        TimePeriodRow,
        (
            _CODE,
            _NAME,
            Field("zone", "zone", NAME),
            Field("windows", "windows", CODES),
            _else("dates", CODES, ()),
            _code_if_given("calendar"),
        ),
    ),
    Form(
        "rounding",
        "rounding",
        "roundings",
        RoundingRow,
        (_CODE, Field("minimum", "minimum", WHOLE), Field("increment", "increment", WHOLE)),
    ),
    Form(
        "reclass",
        "reclass",
        "reclasses",
        ReclassRow,
        (_CODE, _NAME, Field("rules", "rules", _RULES)),
    ),
    Form(
        "rate_plan",
        "rate_plan",
        "rate_plans",
        RatePlanRow,
        (
            _CODE,
            _NAME,
            _code_if_given("currency"),
            _else("places", WHOLE, None),
            _else("rounding", Word(Rounding), None, "rounding_mode"),
            Field("groups", "rate_groups", CODES),
            _code_if_given("fallback_plan"),
        ),
    ),
    Form(
        "rate_group",
        "rate_group",
        "rate_groups",
        RateGroupRow,
        (
            _CODE,
            _NAME,
            _code_if_given("time_period"),
            _FROM,
            _TO,
            _code_if_given("currency"),
            _CONDITIONS,
            _flag("for_cost"),
            _flag("aggregate"),
            _flag("pass_through"),
            _else("places", WHOLE, None),
            _else("rounding", Word(Rounding), None, "rounding_mode"),
        ),
    ),
    Form(
        "rate",
        "rate",
        "rates",
        RateRow,
        (
            _else("code", NAME, None),
            Field("group", "rate_group", CODE),
            Field("class", "usage_class", CODE),
            _code_if_given("location"),
            _code_if_given("location_group"),
            Field("type", "kind", Word(RateKind)),
            _else("price", AMOUNT, 0, "price_e11"),
            _else("per", PER, 1),
            _code_if_given("rounding"),
            _else("connect", AMOUNT, 0, "connect_e11"),
            _else("minimum_charge", AMOUNT, 0, "minimum_charge_e11"),
            _else("maximum_charge", AMOUNT, None, "maximum_charge_e11"),
            _else("free", WHOLE, 0),
            _else("steps", _STEPS, ()),
            _else("aggregation", Word(AggregateKind), None),
            _else("aggregate_scope", Word(AggregateScope), AggregateScope.SERVICE),
            _else("tiers", _TIERS, ()),
            _FROM,
            _TO,
        ),
    ),
    Form(
        "bucket",
        "bucket_type",
        "bucket_types",
        BucketTypeRow,
        (
            _CODE,
            _NAME,
            _else("kind", Word(BucketKind), BucketKind.USAGE),
            Field("unit", "unit", Word(Unit)),
            Field("classes", "usage_classes", CODES),
            _else("locations", CODES, None),
            Field("quantity", "quantity", QUANTITY),
            Field("recurrence", "recurrence", Word(Frequency)),
            _else("every", WHOLE, 1),
            _else("scope", Word(BucketScope), BucketScope.SERVICE),
            _else("flat", AMOUNT, 0, "flat_e11"),
            _else("tiers", _BUCKET_TIERS, ()),
            _flag("repeat_last"),
            _flag("rollover"),
            _else("rollover_max", QUANTITY, None),
            _else("rollover_periods", WHOLE, None),
            _code_if_given("overage_plan"),
            _else("exclusions", _EXCLUSIONS, ()),
            _code_if_given("time_period"),
            _flag("prorated"),
            _flag("on_first_use"),
            _else("expires_after", WHOLE, None),
            _else("expires_unit", Word(Frequency), None),
            _else("thresholds", WHOLES, ()),
            _code_if_given("size_by"),
            _else("size_per", WHOLE, None),
        ),
    ),
    Form(
        "tax",
        "tax",
        "taxes",
        TaxRow,
        (_CODE, _NAME, Field("rate", "rate_ppm", PPM), _FROM, _TO, _flag("compound")),
    ),
    Form(
        "tax_code",
        "tax_code",
        "tax_codes",
        TaxCodeRow,
        (
            _CODE,
            _NAME,
            Field("taxes", "taxes", CODES),
            _else("account_category", NAME, None),
            _else("service_category", NAME, None),
            _else("country", NAME, None),
            _else("state", NAME, None),
            _flag("of_event"),
            _flag("default"),
            _flag("inclusive"),
        ),
    ),
    Form(
        "price_plan",
        "price_plan",
        "price_plans",
        PricePlanRow,
        (_CODE, _NAME, _code_if_given("rate_plan")),
    ),
    Form(
        "package",
        "package",
        "packages",
        PackageRow,
        (
            _CODE,
            _NAME,
            Field("price", "price_minor", AMOUNT),
            _code_if_given("currency"),
            Field("frequency", "frequency", Word(Frequency)),
            _code_if_given("rate_plan"),
            _code_if_given("tax"),
            Field("buckets", "bucket_types", CODES),
            _code_if_given("frequency_rate_plan"),
            _else("tax_category", NAME, None),
            _code_if_given("reclass"),
            _else("uids", WHOLE, None),
        ),
    ),
    Form(
        "share_plan",
        "share_plan",
        "share_plans",
        SharePlanRow,
        (
            _CODE,
            _NAME,
            Field("level", "level", NAME),
            Field("rank", "rank", WHOLE),
            Field("buckets", "bucket_types", CODES),
            Field("participants", "participants", _PARTICIPANTS),
        ),
    ),
)
