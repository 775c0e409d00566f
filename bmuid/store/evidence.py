"""What a charge was made of: its figures, and the rows of the catalogue in force when it was rated."""

from dataclasses import dataclass
from datetime import datetime

from bmu.money import Rounding
from bmu.rating import (
    Drawn,
    Evidence,
    Frequency,
    LocationPatternRow,
    LocationRow,
    PackageRow,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RoundingRow,
    TaxRow,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.usage import Rater, Unit
from bmuid.store.accounts import Account
from bmuid.store.customer_usage import ChargeKey
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Charged:
    """The live charge of a UDR, as it is stored."""

    started_at: datetime
    udr_id: int
    version: int
    rated_at: datetime
    revision: int
    plan_level: int
    usage_class_id: int
    rate_plan_id: int
    rate_group_id: int
    rate_id: int
    location_pattern_id: int | None
    tax_id: int
    quantity: int
    rounded: int
    billable: int
    rated_e11: int
    amount_e11: int
    tax_e11: int
    currency: str
    origin: str
    destination: str
    file_id: int
    line_no: int
    uid_type: str
    uid: str
    package: str


def charged(txn: Transaction, account_id: int, key: ChargeKey) -> Charged | None:
    """Give the live charge of a UDR of the account, whatever its version."""
    txn.execute(
        """
        SELECT c.started_at, c.udr_id, c.version, c.rated_at, c.revision, c.plan_level,
            c.usage_class_id, c.rate_plan_id, c.rate_group_id, c.rate_id, c.location_pattern_id,
            c.tax_id, c.quantity, c.rounded, c.billable, c.rated_e11, c.amount_e11, c.tax_e11,
            c.currency, u.origin, u.destination, u.file_id, u.line_no, h.uid_type, h.value,
            s.package
        FROM charge AS c
        JOIN udr AS u ON u.account_id = c.account_id AND u.id = c.udr_id
            AND u.started_at = %(started_at)s
        JOIN uid_history AS h ON h.id = u.uid_id
        JOIN account_service AS s ON s.id = c.account_service_id
        WHERE c.account_id = %(account_id)s AND c.started_at = %(started_at)s
        AND c.udr_id = %(udr_id)s AND NOT EXISTS (
            SELECT FROM charge_reversal AS r
            WHERE r.account_id = %(account_id)s AND r.started_at = %(started_at)s
            AND r.udr_id = %(udr_id)s AND r.version = c.version
        )
        """,
        {"account_id": account_id, "started_at": key.started_at, "udr_id": key.udr_id},
    )
    row = txn.fetchone()
    return Charged(*row) if row else None


def evidence(txn: Transaction, account: Account, charge: Charged) -> Evidence:
    """Gather all that the charge follows from."""
    at = charge.revision
    group = _rate_group(txn, charge.rate_group_id)
    rate = _rate(txn, charge.rate_id)
    pattern_id = charge.location_pattern_id
    pattern = None if pattern_id is None else _pattern(txn, pattern_id)
    return Evidence(
        account_zone=account.time_zone,
        started_at=charge.started_at,
        uid_type=charge.uid_type,
        uid=charge.uid,
        origin=charge.origin,
        destination=charge.destination,
        revision=at,
        plan_level=charge.plan_level,
        usage_class=_usage_class(txn, charge.usage_class_id),
        package=_package(txn, charge.package, at),
        rate_plan=_rate_plan(txn, charge.rate_plan_id),
        rate_group=group,
        time_period=None
        if group.time_period is None
        else _time_period(txn, group.time_period, at),
        rate=rate,
        rounding=None if rate.rounding is None else _rounding(txn, rate.rounding, at),
        pattern=pattern,
        location=None if pattern is None else _location(txn, pattern.location, at),
        rate_location=None if rate.location is None else _location(txn, rate.location, at),
        tax=_tax(txn, charge.tax_id),
        quantity=charge.quantity,
        rounded=charge.rounded,
        billable=charge.billable,
        rated_e11=charge.rated_e11,
        amount_e11=charge.amount_e11,
        tax_e11=charge.tax_e11,
        currency=charge.currency,
        draws=_draws(txn, account.id, charge),
    )


def _draws(txn: Transaction, account_id: int, charge: Charged) -> tuple[Drawn, ...]:
    txn.execute(
        """
        SELECT d.bucket_id, t.name, -d.quantity
        FROM draw AS d
        JOIN bucket AS b ON b.account_id = d.account_id AND b.id = d.bucket_id
        JOIN bucket_type AS t ON t.code = b.code AND t.since <= %(revision)s
            AND (t.until IS NULL OR t.until > %(revision)s)
        WHERE d.account_id = %(account_id)s AND d.started_at = %(started_at)s
        AND d.udr_id = %(udr_id)s AND d.version = %(version)s AND d.kind = 'DRAW'
        ORDER BY upper(b.during), d.bucket_id
        """,
        {
            "account_id": account_id,
            "started_at": charge.started_at,
            "udr_id": charge.udr_id,
            "version": charge.version,
            "revision": charge.revision,
        },
    )
    return tuple(Drawn(*row) for row in txn.fetchall())


def _usage_class(txn: Transaction, id_: int) -> UsageClassRow:
    txn.execute(
        "SELECT id, code, name, unit, rater FROM usage_class WHERE id = %(id)s", {"id": id_}
    )
    [row] = [
        UsageClassRow(id_, code, name, Unit(unit), Rater(rater))
        for id_, code, name, unit, rater in txn.fetchall()
    ]
    return row


def _package(txn: Transaction, code: str, at: int) -> PackageRow:
    txn.execute(
        """
        SELECT id, code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types
        FROM package
        WHERE code = %(code)s AND since <= %(at)s AND (until IS NULL OR until > %(at)s)
        """,
        {"code": code, "at": at},
    )
    [row] = [
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
        for id_, code, name, price, currency, frequency, plan, tax, buckets in txn.fetchall()
    ]
    return row


def _rate_plan(txn: Transaction, id_: int) -> RatePlanRow:
    txn.execute(
        """
        SELECT id, code, name, currency, places, rounding_mode, rate_groups
        FROM rate_plan WHERE id = %(id)s
        """,
        {"id": id_},
    )
    [row] = [
        RatePlanRow(id_, code, name, currency, places, Rounding(mode), tuple(groups))
        for id_, code, name, currency, places, mode, groups in txn.fetchall()
    ]
    return row


def _rate_group(txn: Transaction, id_: int) -> RateGroupRow:
    txn.execute(
        """
        SELECT id, code, name, time_period, lower(valid), upper(valid)
        FROM rate_group WHERE id = %(id)s
        """,
        {"id": id_},
    )
    [row] = [RateGroupRow(*values) for values in txn.fetchall()]
    return row


def _time_period(txn: Transaction, code: str, at: int) -> TimePeriodRow:
    txn.execute(
        """
        SELECT id, code, name, zone, windows FROM time_period
        WHERE code = %(code)s AND since <= %(at)s AND (until IS NULL OR until > %(at)s)
        """,
        {"code": code, "at": at},
    )
    [row] = [
        TimePeriodRow(id_, code, name, zone, tuple(windows))
        for id_, code, name, zone, windows in txn.fetchall()
    ]
    return row


def _rate(txn: Transaction, id_: int) -> RateRow:
    txn.execute(
        """
        SELECT id, code, rate_group, usage_class, location, rounding, kind, price_e11, per,
            connect_e11, minimum_charge_e11
        FROM rate WHERE id = %(id)s
        """,
        {"id": id_},
    )
    [row] = [
        RateRow(id_, code, group, class_, location, rounding, RateKind(kind), *figures)
        for id_, code, group, class_, location, rounding, kind, *figures in txn.fetchall()
    ]
    return row


def _rounding(txn: Transaction, code: str, at: int) -> RoundingRow:
    txn.execute(
        """
        SELECT id, code, minimum, increment FROM rounding
        WHERE code = %(code)s AND since <= %(at)s AND (until IS NULL OR until > %(at)s)
        """,
        {"code": code, "at": at},
    )
    [row] = [RoundingRow(*values) for values in txn.fetchall()]
    return row


def _pattern(txn: Transaction, id_: int) -> LocationPatternRow:
    txn.execute("SELECT id, code, location FROM location_pattern WHERE id = %(id)s", {"id": id_})
    [row] = [LocationPatternRow(*values) for values in txn.fetchall()]
    return row


def _location(txn: Transaction, code: str, at: int) -> LocationRow:
    txn.execute(
        """
        SELECT id, code, name, parent FROM location
        WHERE code = %(code)s AND since <= %(at)s AND (until IS NULL OR until > %(at)s)
        """,
        {"code": code, "at": at},
    )
    [row] = [LocationRow(*values) for values in txn.fetchall()]
    return row


def _tax(txn: Transaction, id_: int) -> TaxRow:
    txn.execute(
        "SELECT id, code, name, rate_ppm, lower(valid), upper(valid) FROM tax WHERE id = %(id)s",
        {"id": id_},
    )
    [row] = [TaxRow(*values) for values in txn.fetchall()]
    return row
