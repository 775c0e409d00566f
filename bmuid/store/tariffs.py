"""The tariff of one revision: the rows of the catalogue in force then, compiled."""

from bmu.money import Rounding
from bmu.rating import (
    BucketTypeRow,
    CompanyTerms,
    Frequency,
    LocationPatternRow,
    LocationRow,
    PackageRow,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RoundingRow,
    Tariff,
    TariffRows,
    TaxRow,
    TimePeriodRow,
    UsageClassRow,
    compile_tariff,
)
from bmu.usage import Rater, Unit
from bmuid.store.transaction import Transaction


class NoCompanyError(Exception):
    """Raised when a tariff is asked for before the company's catalogue was loaded."""


def at(txn: Transaction, revision: int) -> Tariff:
    """
    Give the tariff in force at that revision.

    Errors:
        NoCompanyError: no catalogue was loaded yet.
    """
    txn.execute("SELECT time_zone FROM company")
    row = txn.fetchone()
    if row is None:
        raise NoCompanyError("no catalogue is loaded: run bmadmin catalogue load")
    return compile_tariff(rows_at(txn, revision), revision, CompanyTerms(row[0]))


def rows_at(txn: Transaction, revision: int) -> TariffRows:
    """Give the rows of the catalogue in force at that revision."""
    return TariffRows(
        usage_classes=_usage_classes(txn, revision),
        locations=_locations(txn, revision),
        location_patterns=_location_patterns(txn, revision),
        time_periods=_time_periods(txn, revision),
        roundings=_roundings(txn, revision),
        rate_plans=_rate_plans(txn, revision),
        rate_groups=_rate_groups(txn, revision),
        rates=_rates(txn, revision),
        bucket_types=_bucket_types(txn, revision),
        taxes=_taxes(txn, revision),
        packages=_packages(txn, revision),
    )


def _usage_classes(txn: Transaction, revision: int) -> tuple[UsageClassRow, ...]:
    txn.execute(
        """
        SELECT id, code, name, unit, rater FROM usage_class
        WHERE since <= %(at)s AND (until IS NULL OR until > %(at)s) ORDER BY id
        """,
        {"at": revision},
    )
    return tuple(
        UsageClassRow(id_, code, name, Unit(unit), Rater(rater))
        for id_, code, name, unit, rater in txn
    )


def _locations(txn: Transaction, revision: int) -> tuple[LocationRow, ...]:
    txn.execute(
        """
        SELECT id, code, name, parent FROM location
        WHERE since <= %(at)s AND (until IS NULL OR until > %(at)s) ORDER BY id
        """,
        {"at": revision},
    )
    return tuple(LocationRow(*row) for row in txn)


def _location_patterns(txn: Transaction, revision: int) -> tuple[LocationPatternRow, ...]:
    txn.execute(
        """
        SELECT id, code, location FROM location_pattern
        WHERE since <= %(at)s AND (until IS NULL OR until > %(at)s) ORDER BY id
        """,
        {"at": revision},
    )
    return tuple(LocationPatternRow(*row) for row in txn)


def _time_periods(txn: Transaction, revision: int) -> tuple[TimePeriodRow, ...]:
    txn.execute(
        """
        SELECT id, code, name, zone, windows FROM time_period
        WHERE since <= %(at)s AND (until IS NULL OR until > %(at)s) ORDER BY id
        """,
        {"at": revision},
    )
    return tuple(
        TimePeriodRow(id_, code, name, zone, tuple(windows))
        for id_, code, name, zone, windows in txn
    )


def _roundings(txn: Transaction, revision: int) -> tuple[RoundingRow, ...]:
    txn.execute(
        """
        SELECT id, code, minimum, increment FROM rounding
        WHERE since <= %(at)s AND (until IS NULL OR until > %(at)s) ORDER BY id
        """,
        {"at": revision},
    )
    return tuple(RoundingRow(*row) for row in txn)


def _rate_plans(txn: Transaction, revision: int) -> tuple[RatePlanRow, ...]:
    txn.execute(
        """
        SELECT id, code, name, currency, places, rounding_mode, rate_groups FROM rate_plan
        WHERE since <= %(at)s AND (until IS NULL OR until > %(at)s) ORDER BY id
        """,
        {"at": revision},
    )
    return tuple(
        RatePlanRow(id_, code, name, currency, places, Rounding(mode), tuple(groups))
        for id_, code, name, currency, places, mode, groups in txn
    )


def _rate_groups(txn: Transaction, revision: int) -> tuple[RateGroupRow, ...]:
    txn.execute(
        """
        SELECT id, code, name, time_period, lower(valid), upper(valid) FROM rate_group
        WHERE since <= %(at)s AND (until IS NULL OR until > %(at)s) ORDER BY id
        """,
        {"at": revision},
    )
    return tuple(RateGroupRow(*row) for row in txn)


def _rates(txn: Transaction, revision: int) -> tuple[RateRow, ...]:
    txn.execute(
        """
        SELECT id, code, rate_group, usage_class, location, rounding, kind, price_e11, per,
            connect_e11, minimum_charge_e11 FROM rate
        WHERE since <= %(at)s AND (until IS NULL OR until > %(at)s) ORDER BY id
        """,
        {"at": revision},
    )
    return tuple(
        RateRow(
            id=id_,
            code=code,
            rate_group=group,
            usage_class=usage_class,
            location=location,
            rounding=rounding,
            kind=RateKind(kind),
            price_e11=price,
            per=per,
            connect_e11=connect,
            minimum_charge_e11=minimum,
        )
        for id_, code, group, usage_class, location, rounding, kind, price, per, connect, minimum in txn
    )


def _bucket_types(txn: Transaction, revision: int) -> tuple[BucketTypeRow, ...]:
    txn.execute(
        """
        SELECT id, code, name, unit, quantity, recurrence, usage_classes, locations
        FROM bucket_type
        WHERE since <= %(at)s AND (until IS NULL OR until > %(at)s) ORDER BY id
        """,
        {"at": revision},
    )
    return tuple(
        BucketTypeRow(
            id=id_,
            code=code,
            name=name,
            unit=Unit(unit),
            quantity=quantity,
            recurrence=Frequency(recurrence),
            usage_classes=tuple(classes),
            locations=None if locations is None else tuple(locations),
        )
        for id_, code, name, unit, quantity, recurrence, classes, locations in txn
    )


def _taxes(txn: Transaction, revision: int) -> tuple[TaxRow, ...]:
    txn.execute(
        """
        SELECT id, code, name, rate_ppm, lower(valid), upper(valid) FROM tax
        WHERE since <= %(at)s AND (until IS NULL OR until > %(at)s) ORDER BY id
        """,
        {"at": revision},
    )
    return tuple(TaxRow(*row) for row in txn)


def _packages(txn: Transaction, revision: int) -> tuple[PackageRow, ...]:
    txn.execute(
        """
        SELECT id, code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types
        FROM package
        WHERE since <= %(at)s AND (until IS NULL OR until > %(at)s) ORDER BY id
        """,
        {"at": revision},
    )
    return tuple(
        PackageRow(
            id=id_,
            code=code,
            name=name,
            price_minor=price,
            currency=currency,
            frequency=Frequency(frequency),
            rate_plan=plan,
            tax=tax,
            bucket_types=tuple(buckets),
        )
        for id_, code, name, price, currency, frequency, plan, tax, buckets in txn
    )
