"""The catalogue as it is in force, or was: as a document that can be loaded again, and table by table."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bmu.billing.catalogue import Catalogue, Company, dump
from bmu.rating import TariffRows
from bmuid.operations.accounts_load import NO_CATALOGUE
from bmuid.operations.catalogue_rows import document_of
from bmuid.operations.grammar import Choice, Integer, Text
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import staff_reads
from bmuid.store import companies, revisions, tariffs
from bmuid.store.tables import TABLES
from bmuid.store.transaction import Transaction

REVISION = Integer(1, 2**63 - 1)
TABLE = Choice(tuple(table.name for table in TABLES))


@dataclass(frozen=True, slots=True)
class Whole:
    """Which catalogue."""

    revision: int | None = argument(REVISION, "as it was at this revision", optional=True)


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of which catalogue."""

    table: str = argument(TABLE, "the table")
    code: str | None = argument(Text(200), "only the rows of this code", optional=True)
    revision: int | None = argument(REVISION, "as it was at this revision", optional=True)


@dataclass(frozen=True, slots=True)
class Document:
    """A document (TOML)."""

    document: str


@dataclass(frozen=True, slots=True)
class TableCount:
    """How many rows a table has."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True)
class Shown:
    """The company and the size of its catalogue."""

    revision: int
    company: Company
    tables: tuple[TableCount, ...]


def dump_(txn: Transaction, actor: Actor, arguments: Whole, now: datetime) -> Document | Refused:
    """Write the catalogue as one document; loaded again it changes nothing."""
    found = _catalogue(txn, arguments.revision or revisions.newest(txn))
    return Document(dump(found)) if found else NO_CATALOGUE


def show(txn: Transaction, actor: Actor, arguments: Whole, now: datetime) -> Shown | Refused:
    """Tell how much the catalogue holds."""
    revision = arguments.revision or revisions.newest(txn)
    found = _catalogue(txn, revision)
    if found is None:
        return NO_CATALOGUE
    counts = (TableCount(table.name, len(table.of(found.rows))) for table in TABLES)
    return Shown(revision, found.company, tuple(one for one in counts if one.rows))


def rows(txn: Transaction, actor: Actor, arguments: Rows, now: datetime) -> Document | Refused:
    """Write rows of one table, as a document has them."""
    found = _catalogue(txn, arguments.revision or revisions.newest(txn))
    if found is None:
        return NO_CATALOGUE
    [table] = [table for table in TABLES if table.name == arguments.table]
    held = table.of(found.rows)
    if arguments.code is not None:
        held = tuple(row for row in held if row.code == arguments.code)
    if not held:
        wanted = "row" if arguments.code is None else f"row {arguments.code}"
        return Refused("NOT_FOUND", f"the table {table.name} has no {wanted}")
    make: Callable[..., TariffRows] = TariffRows
    units = {"usage_classes": found.rows.usage_classes}
    return Document(document_of(table, make(**{**units, table.rows: held})))


def _catalogue(txn: Transaction, revision: int) -> Catalogue | None:
    company = companies.company(txn)
    terms = companies.terms_at(txn, revision)
    if company is None or terms is None or revision > revisions.newest(txn):
        return None
    rated_by = replace(
        company,
        rate_plan=terms.rate_plan,
        places=terms.places,
        rounding_mode=terms.rounding_mode,
    )
    return Catalogue(rated_by, tariffs.rows_at(txn, revision))


OPERATIONS = (
    staff_reads("catalogue_dump", "The catalogue as a document", Whole, Document, dump_),
    staff_reads("catalogue_show", "How much the catalogue holds", Whole, Shown, show),
    staff_reads("catalogue_rows", "Rows of a table, as a document has them", Rows, Document, rows),
)
