"""Charges: each UDR with what it costs, written once, with its evidence; and what it costs instead."""

from collections.abc import Iterable

from bmu.rating import Owner, Rated
from bmu.usage import UDR
from bmuid.store.copying import (
    CONSTANTS,
    INSTANT,
    INT2,
    INT4,
    INT8,
    JSON,
    TEXT,
    WHOLE,
    Field,
    Rows,
    at,
    began,
    copy_in,
    encoded,
)
from bmuid.store.days import of_day
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced

FIRST_VERSION = 1

# Places of the lists that a row comes from; the last two: of charges that replace others, their versions and those of the others.
IDS, UDRS, OWNERS, RATED, VERSIONS, REPLACED = range(6)
FIGURES = (
    Field(INT8, OWNERS, at(Owner, "account_id")),
    Field(INSTANT, UDRS, at(UDR, "started_us")),
    Field(INT8, IDS, WHOLE),
    Field(INT8, OWNERS, at(Owner, "account_service_id")),
    *(
        Field(form, RATED, at(Rated, name))
        for form, name in (
            (INT4, "usage_class_id"),
            (INT2, "plan_level"),
            (INT4, "rate_plan_id"),
            (INT4, "rate_group_id"),
            (INT4, "rate_id"),
            (INT4, "location_pattern_id"),
            (INT4, "tax_id"),
            (INT8, "quantity"),
            (INT8, "rounded"),
            (INT8, "billable"),
            (INT8, "rated_e11"),
            (INT8, "amount_e11"),
            (INT8, "tax_e11"),
            (TEXT, "currency"),
            (JSON, "detail"),
        )
    ),
    Field(INT8, CONSTANTS, 0),
    Field(INSTANT, CONSTANTS, 1),
)
FIELDS = (
    *FIGURES,
    Field(INT4, CONSTANTS, 2),
    Field(INT8, CONSTANTS, 3),
    Field(INT8, UDRS, at(UDR, "line_no")),
    Field(INT8, OWNERS, at(Owner, "uid_id")),
    Field(TEXT, UDRS, at(UDR, "origin")),
    Field(TEXT, UDRS, at(UDR, "destination")),
    Field(JSON, UDRS, at(UDR, "extras")),
)
FIELDS_AGAIN = (*FIGURES, Field(INT4, VERSIONS, WHOLE), Field(INT4, REPLACED, WHOLE))
_FIGURES = """
    account_id, started_at, udr_id, account_service_id, usage_class_id, plan_level, rate_plan_id,
        rate_group_id, rate_id, location_pattern_id, tax_id, quantity, rounded, billable, rated_e11,
        amount_e11, tax_e11, currency, detail, revision, rated_at, version"""
COLUMNS = f"{_FIGURES}, file_id, line_no, uid_id, origin, destination, extras"
COPY = f"COPY {{}} ({COLUMNS}) FROM STDIN BINARY"
COPY_AGAIN = f"COPY {{}} ({_FIGURES}, replaces) FROM STDIN BINARY"

# Charges of usage of some files, later versions with their usage record's; from, to: days (UTC) of all of it, or null.
OF_FILES = """
    SELECT c.account_id, c.started_at, c.udr_id, c.version, c.file_id, c.usage_class_id, c.quantity, c.currency, c.amount_e11
    FROM charge AS c WHERE c.version = 1 AND c.file_id = ANY (%(files)s)
    AND (%(from)s::date IS NULL OR c.started_at >= %(from)s::timestamp AT TIME ZONE 'UTC')
    AND (%(to)s::date IS NULL OR c.started_at < %(to)s::timestamp AT TIME ZONE 'UTC')
    UNION ALL
    SELECT c.account_id, c.started_at, c.udr_id, c.version, u.file_id, u.usage_class_id, c.quantity, c.currency, c.amount_e11
    FROM charge AS c JOIN udr AS u ON u.account_id = c.account_id AND u.started_at = c.started_at AND u.id = c.udr_id
    WHERE c.version > 1 AND u.file_id = ANY (%(files)s)
    AND (%(from)s::date IS NULL OR c.started_at >= %(from)s::timestamp AT TIME ZONE 'UTC')
    AND (%(to)s::date IS NULL OR c.started_at < %(to)s::timestamp AT TIME ZONE 'UTC')
    AND (%(from)s::date IS NULL OR u.started_at >= %(from)s::timestamp AT TIME ZONE 'UTC')
    AND (%(to)s::date IS NULL OR u.started_at < %(to)s::timestamp AT TIME ZONE 'UTC')
"""


def rows(priced: Priced, file_id: int, revision: int, rated_us: int) -> list[bytes]:
    """Encode UDRs of lines of one file, each with its first charge."""
    return list(encoded(unencoded(priced, file_id, revision, rated_us)))


def unencoded(priced: Priced, file_id: int, revision: int, rated_us: int) -> Rows:
    """Give the rows of UDRs of lines of one file, each with its first charge."""
    sources = priced.ids, priced.udrs, priced.owners, priced.rated
    constants = (INT8, revision), (INSTANT, rated_us), (INT4, FIRST_VERSION), (INT8, file_id)
    return Rows(FIELDS, sources, constants)


def add(txn: Transaction, day: int, pieces: Iterable[bytes]) -> None:
    """Write UDRs with their charges to the partition of their day."""
    copy_in(txn, of_day(COPY, "charge", day), pieces)


def add_again(
    txn: Transaction, day: int, priced: Priced, revision: int, versions: list[int]
) -> None:
    """
    Write charges in place of those that were reversed.

    Shapes:
        versions: the new ones, parallel to the lists of *priced*.
    """
    replace(txn, day, priced, [version - 1 for version in versions], (revision, began(txn)))


def replace(
    txn: Transaction, day: int, priced: Priced, replaced: list[int], rated_by: tuple[int, int]
) -> None:
    """
    Write charges in place of those that were reversed, or are by this, as `reversals.begin` says.

    Shapes:
        replaced: their versions, parallel to the lists of *priced*.
        rated_by: the revision, and the instant in microseconds since 1970-01-01 UTC.
    """
    versions = [version + 1 for version in replaced]
    sources = priced.ids, priced.udrs, priced.owners, priced.rated, versions, replaced
    constants = (INT8, rated_by[0]), (INSTANT, rated_by[1])
    copy_in(
        txn, of_day(COPY_AGAIN, "charge", day), encoded(Rows(FIELDS_AGAIN, sources, constants))
    )
