"""What a charge was made of: its figures, and the rows of the catalogue in force when it was rated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bmu.period import to_us
from bmu.rating import (
    BucketTypeRow,
    Evidence,
    LocationGroupRow,
    LocationPatternRow,
    LocationRow,
    Owner,
    PackageRow,
    Rated,
    RateGroupRow,
    RatePlanRow,
    RateRow,
    RoundingRow,
    Shelves,
    TaxCodeRow,
    TaxRow,
    Terms,
    TimePeriodRow,
    UsageClassRow,
    gather,
)
from bmu.rating.detail import detail_of
from bmu.usage import UDR
from bmuid.store import companies, tables
from bmuid.store.accounts import Account
from bmuid.store.customer_usage import ChargeKey
from bmuid.store.tables import Row
from bmuid.store.transaction import Transaction

R = TypeVar("R", bound=Row)
K = TypeVar("K")


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
    tax_id: int | None
    quantity: int
    rounded: int
    billable: int
    rated_e11: int
    amount_e11: int
    tax_e11: int
    currency: str
    origin: str
    destination: str
    extras: dict[str, str] | None
    file_id: int
    line_no: int
    uid_type: str
    uid: str
    package: str
    usage_class: str
    account_service_id: int
    detail: object


def charged(txn: Transaction, account_id: int, key: ChargeKey) -> Charged | None:
    """Give the live charge of a UDR of the account, whatever its version."""
    txn.execute(
        """
        SELECT c.started_at, c.udr_id, c.version, c.rated_at, c.revision, c.plan_level,
            c.usage_class_id, c.rate_plan_id, c.rate_group_id, c.rate_id, c.location_pattern_id,
            c.tax_id, c.quantity, c.rounded, c.billable, c.rated_e11, c.amount_e11, c.tax_e11,
            c.currency, u.origin, u.destination, u.extras, u.file_id, u.line_no, h.uid_type,
            h.value, s.package, k.code, c.account_service_id, c.detail
        FROM charge AS c
        JOIN udr AS u ON u.account_id = c.account_id AND u.id = c.udr_id
            AND u.started_at = %(started_at)s
        JOIN uid_history AS h ON h.id = u.uid_id
        JOIN account_service AS s ON s.id = c.account_service_id
        JOIN usage_class AS k ON k.id = c.usage_class_id
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
    drawn = _drawn(txn, account.id, charge)
    detail = None if charge.detail is None else detail_of(charge.detail)
    rated = Rated(
        usage_class_id=charge.usage_class_id,
        plan_level=charge.plan_level,
        rate_plan_id=charge.rate_plan_id,
        rate_group_id=charge.rate_group_id,
        rate_id=charge.rate_id,
        location_pattern_id=charge.location_pattern_id,
        tax_id=charge.tax_id,
        quantity=charge.quantity,
        rounded=charge.rounded,
        billable=charge.billable,
        rated_e11=charge.rated_e11,
        amount_e11=charge.amount_e11,
        tax_e11=charge.tax_e11,
        currency=charge.currency,
        draws=tuple((bucket_id, quantity) for bucket_id, _, quantity in drawn),
        detail=detail,
    )
    buckets = {bucket_id: code for bucket_id, code, _ in drawn}
    made = detail.drawing.draws if detail and detail.drawing else ()
    grown = detail.grown if detail else ()
    for bucket_id in (*(each.bucket_id for each in made), *(each.bucket_id for each in grown)):
        if bucket_id not in buckets:
            buckets[bucket_id] = _code(txn, account.id, bucket_id)
    udr, owner = _event(account, charge)
    return gather(_shelves(txn, charge.revision), udr, owner, rated, buckets)


def _event(account: Account, charge: Charged) -> tuple[UDR, Owner]:
    """Give the event and its owner, as far as they are kept."""
    udr = UDR(
        line_no=charge.line_no,
        usage_class=charge.usage_class,
        uid_type=charge.uid_type,
        uid=charge.uid,
        started_us=to_us(charge.started_at),
        quantity=charge.quantity,
        origin=charge.origin,
        destination=charge.destination,
        event_key=b"",
        content=0,
        extras=charge.extras,
    )
    terms = Terms(charge.package, account.currency, account.time_zone)
    return udr, Owner(0, 0, 0, account.id, charge.account_service_id, terms, account.bill_day)


def _drawn(txn: Transaction, account_id: int, charge: Charged) -> list[tuple[int, str, int]]:
    """
    Give id, code and quantity of each bucket that was drawn from, in the order of the plain ones.

    Draws of an earlier version that were not returned as that was reversed are this one's.
    """
    txn.execute(
        """
        SELECT b.id, b.code, -d.quantity
        FROM (
            SELECT account_id, bucket_id, sum(quantity)::bigint AS quantity FROM draw
            WHERE account_id = %(account_id)s AND started_at = %(started_at)s AND udr_id = %(udr_id)s AND (
                kind = 'DRAW' AND version <= %(version)s OR kind = 'RETURN' AND version < %(version)s
            )
            GROUP BY account_id, bucket_id HAVING sum(quantity) <> 0
        ) AS d
        JOIN bucket AS b ON b.account_id = d.account_id AND b.id = d.bucket_id
        ORDER BY upper(b.during), lower(b.during), b.id
        """,
        {
            "account_id": account_id,
            "started_at": charge.started_at,
            "udr_id": charge.udr_id,
            "version": charge.version,
        },
    )
    return txn.fetchall()


def _code(txn: Transaction, account_id: int, bucket_id: int) -> str:
    """Give the code of a bucket of an account, of one above, or of a share plan."""
    txn.execute(
        """
        SELECT coalesce(
            (SELECT code FROM bucket WHERE account_id = %(account_id)s AND id = %(bucket_id)s),
            bucket_above(%(account_id)s, %(bucket_id)s)
        )
        """,
        {"account_id": account_id, "bucket_id": bucket_id},
    )
    row = txn.fetchone()
    assert row is not None, "a function gives a row"
    code: str = row[0]
    return code


def _shelves(txn: Transaction, revision: int) -> Shelves:
    company = companies.terms_at(txn, revision)
    assert company is not None, "a charge follows from a catalogue, which has a company"

    def of_ids(kind: type[R]) -> Mapping[int, R]:
        return _Asked(lambda id_: tables.by_id(txn, kind, id_))

    def of_codes(kind: type[R]) -> Mapping[str, R]:
        return _Asked(lambda code: tables.by_code(txn, kind, code, revision))

    return Shelves(
        revision=revision,
        company=company,
        usage_classes=of_ids(UsageClassRow),
        plans=of_ids(RatePlanRow),
        groups=of_ids(RateGroupRow),
        rates=of_ids(RateRow),
        patterns=of_ids(LocationPatternRow),
        taxes=of_ids(TaxRow),
        tax_codes=of_ids(TaxCodeRow),
        packages=of_codes(PackageRow),
        time_periods=of_codes(TimePeriodRow),
        roundings=of_codes(RoundingRow),
        locations=of_codes(LocationRow),
        location_groups=of_codes(LocationGroupRow),
        bucket_types=of_codes(BucketTypeRow),
    )


class _Asked(dict[K, R]):
    """Rows that are read when they are first asked for."""

    def __init__(self, read: Callable[[K], R]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, key: K) -> R:
        found = self[key] = self._read(key)
        return found
