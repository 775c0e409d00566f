"""What was looked at before a charge had its price: the levels of plans and the groups, as the catalogue had them then."""

from collections.abc import Callable, Sequence
from typing import cast

from psycopg2.sql import SQL

from bmu.period import to_us
from bmu.rating import (
    LocationPatternRow,
    LocationRow,
    OwnerRow,
    RateRow,
    Tariff,
    TariffRows,
    Terms,
    Tried,
    compile_part,
    tried_of,
)
from bmu.rating.detail import detail_of
from bmu.usage import UDR
from bmuid.store import companies, owners, tables
from bmuid.store.evidence import Charged
from bmuid.store.transaction import Transaction

# Of these there may be very many, and few can matter for one event.
_LARGE = ("rates", "location_patterns")


def tried(txn: Transaction, charge: Charged) -> Tried | None:
    """
    Tell which levels and groups were passed over for a charge, by the catalogue and the owner's terms of its revision.

    Shapes:
        Result: none where what was looked at is not known any more.
    """
    terms = _terms(txn, charge)
    tariff = _tariff(txn, charge) if terms else None
    if terms is None or tariff is None:
        return None
    detail = None if charge.detail is None else detail_of(charge.detail)
    recorded = detail.reclassified_from if detail else None
    udr = UDR(
        line_no=charge.line_no,
        usage_class=recorded or charge.usage_class,
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
    found = tried_of(udr, terms, tariff, charge.usage_class)
    return found if isinstance(found, Tried) else None


def _terms(txn: Transaction, charge: Charged) -> Terms | None:
    """Give the terms that the owner had at the charge's revision."""
    us = to_us(charge.started_at)
    rows: Sequence[OwnerRow] = list(
        owners.at(txn, charge.revision, [(charge.uid_type, charge.uid)])
    )
    return next(
        (
            row.terms
            for row in rows
            if row.account_service_id == charge.account_service_id
            and row.from_us <= us < row.to_us
        ),
        None,
    )


def _tariff(txn: Transaction, charge: Charged) -> Tariff | None:
    """Give as much of the catalogue of that revision as has to do with the event."""
    company = companies.terms_at(txn, charge.revision)
    if company is None:
        return None
    rows = {
        table.rows: tables.in_force(txn, table, charge.revision)
        for table in tables.TABLES
        if table.rows not in _LARGE
    }
    patterns: list[LocationPatternRow] = []
    if charge.location_pattern_id is not None:
        patterns = [tables.by_id(txn, LocationPatternRow, charge.location_pattern_id)]
    over = {row.code: row.parent for row in cast("tuple[LocationRow, ...]", rows["locations"])}
    places: list[str] = []
    place = patterns[0].location if patterns else None
    while place is not None and place not in places:
        places.append(place)
        place = over.get(place)
    where = SQL(
        "usage_class = %(class)s AND (location IS NULL OR location = ANY (%(places)s::text[]))"
    )
    values = {"class": charge.usage_class, "places": places}
    rates = tables.some_in_force(txn, RateRow, charge.revision, where, values)
    make: Callable[..., TariffRows] = TariffRows
    part = make(**rows, rates=rates, location_patterns=tuple(patterns))
    return compile_part(part, charge.revision, company)
