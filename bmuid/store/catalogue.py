"""The catalogue's versions: rows are only added, and ended once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from psycopg2.extras import DateRange, execute_values

from bmu.rating import TariffRows
from bmuid.store.transaction import Transaction

ROWS_A_STATEMENT = 1000


class _Stored(Protocol):
    @property
    def id(self) -> int:
        """The id of this version of a row."""


def end(txn: Transaction, rows: TariffRows, revision: int) -> None:
    """Let these rows be in force no longer from *revision* on."""
    of_table: tuple[tuple[str, Sequence[_Stored]], ...] = (
        ("UPDATE usage_class SET until = %(at)s WHERE id = ANY (%(ids)s)", rows.usage_classes),
        ("UPDATE location SET until = %(at)s WHERE id = ANY (%(ids)s)", rows.locations),
        (
            "UPDATE location_pattern SET until = %(at)s WHERE id = ANY (%(ids)s)",
            rows.location_patterns,
        ),
        ("UPDATE time_period SET until = %(at)s WHERE id = ANY (%(ids)s)", rows.time_periods),
        ("UPDATE rounding SET until = %(at)s WHERE id = ANY (%(ids)s)", rows.roundings),
        ("UPDATE rate_plan SET until = %(at)s WHERE id = ANY (%(ids)s)", rows.rate_plans),
        ("UPDATE rate_group SET until = %(at)s WHERE id = ANY (%(ids)s)", rows.rate_groups),
        ("UPDATE rate SET until = %(at)s WHERE id = ANY (%(ids)s)", rows.rates),
        ("UPDATE bucket_type SET until = %(at)s WHERE id = ANY (%(ids)s)", rows.bucket_types),
        ("UPDATE tax SET until = %(at)s WHERE id = ANY (%(ids)s)", rows.taxes),
        ("UPDATE package SET until = %(at)s WHERE id = ANY (%(ids)s)", rows.packages),
    )
    for statement, ended in of_table:
        if ended:
            txn.execute(statement, {"at": revision, "ids": [row.id for row in ended]})
            assert txn.rowcount == len(ended), "revisions are locked, and a version is ended once"


def add(txn: Transaction, rows: TariffRows, revision: int) -> None:
    """Put these rows in force from *revision* on; their ids are given by the database."""
    _add_kinds(txn, rows, revision)
    _add_places(txn, rows, revision)
    _add_prices(txn, rows, revision)
    _add_offers(txn, rows, revision)


def _add_kinds(txn: Transaction, rows: TariffRows, since: int) -> None:
    _insert(
        txn,
        "INSERT INTO usage_class (code, name, unit, rater, since) VALUES %s",
        (
            (row.code, row.name, row.unit.value, row.rater.value, since)
            for row in rows.usage_classes
        ),
    )
    _insert(
        txn,
        "INSERT INTO time_period (code, name, zone, windows, since) VALUES %s",
        ((row.code, row.name, row.zone, list(row.windows), since) for row in rows.time_periods),
    )
    _insert(
        txn,
        "INSERT INTO rounding (code, minimum, increment, since) VALUES %s",
        ((row.code, row.minimum, row.increment, since) for row in rows.roundings),
    )


def _add_places(txn: Transaction, rows: TariffRows, since: int) -> None:
    _insert(
        txn,
        "INSERT INTO location (code, name, parent, since) VALUES %s",
        ((row.code, row.name, row.parent, since) for row in rows.locations),
    )
    _insert(
        txn,
        "INSERT INTO location_pattern (code, location, since) VALUES %s",
        ((row.code, row.location, since) for row in rows.location_patterns),
    )


def _add_prices(txn: Transaction, rows: TariffRows, since: int) -> None:
    _insert(
        txn,
        """
        INSERT INTO rate_plan (code, name, currency, places, rounding_mode, rate_groups, since)
        VALUES %s
        """,
        (
            (
                row.code,
                row.name,
                row.currency,
                row.places,
                row.rounding_mode.value if row.rounding_mode else None,
                list(row.rate_groups),
                since,
            )
            for row in rows.rate_plans
        ),
    )
    _insert(
        txn,
        "INSERT INTO rate_group (code, name, time_period, valid, since) VALUES %s",
        (
            (row.code, row.name, row.time_period, DateRange(row.valid_from, row.valid_to), since)
            for row in rows.rate_groups
        ),
    )
    _insert(
        txn,
        """
        INSERT INTO rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per,
            connect_e11, minimum_charge_e11, since) VALUES %s
        """,
        (
            (
                row.code,
                row.rate_group,
                row.usage_class,
                row.location,
                row.rounding,
                row.kind.value,
                row.price_e11,
                row.per,
                row.connect_e11,
                row.minimum_charge_e11,
                since,
            )
            for row in rows.rates
        ),
    )


def _add_offers(txn: Transaction, rows: TariffRows, since: int) -> None:
    _insert(
        txn,
        """
        INSERT INTO bucket_type (code, name, unit, quantity, recurrence, usage_classes, locations,
            since) VALUES %s
        """,
        (
            (
                row.code,
                row.name,
                row.unit.value,
                row.quantity,
                row.recurrence.value,
                list(row.usage_classes),
                None if row.locations is None else list(row.locations),
                since,
            )
            for row in rows.bucket_types
        ),
    )
    _insert(
        txn,
        "INSERT INTO tax (code, name, rate_ppm, valid, since) VALUES %s",
        (
            (row.code, row.name, row.rate_ppm, DateRange(row.valid_from, row.valid_to), since)
            for row in rows.taxes
        ),
    )
    _insert(
        txn,
        """
        INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, tax,
            bucket_types, since) VALUES %s
        """,
        (
            (
                row.code,
                row.name,
                row.price_minor,
                row.currency,
                row.frequency.value,
                row.rate_plan,
                row.tax,
                list(row.bucket_types),
                since,
            )
            for row in rows.packages
        ),
    )


def _insert(txn: Transaction, statement: str, values: Iterable[tuple[object, ...]]) -> None:
    """Insert many rows in few statements."""
    listed = list(values)
    if listed:
        execute_values(txn, statement, listed, page_size=ROWS_A_STATEMENT)


def packages_in_use(txn: Transaction, codes: Sequence[str], now: datetime) -> tuple[str, ...]:
    """Give those of the packages that a service still has, or will have."""
    txn.execute(
        """
        SELECT DISTINCT package FROM account_service
        WHERE package = ANY (%(codes)s) AND (upper_inf(during) OR upper(during) > %(now)s)
        ORDER BY package
        """,
        {"codes": list(codes), "now": now},
    )
    return tuple(code for (code,) in txn.fetchall())
