"""The tariff of one revision: the rows of the catalogue in force then, compiled."""

from collections.abc import Callable
from dataclasses import replace

from bmu.rating import Tariff, TariffRows, TaxService, compile_tariff
from bmuid.store import companies, tables
from bmuid.store.tables import TABLES
from bmuid.store.transaction import Transaction


class NoCompanyError(Exception):
    """Raised when a tariff is asked for before the company's catalogue was loaded."""


def at(txn: Transaction, revision: int, tax_service: TaxService | None = None) -> Tariff:
    """
    Give the tariff in force at that revision.

    Shapes:
        tax_service: is asked for the taxes of each event; none: the catalogue says them.

    Errors:
        NoCompanyError: no catalogue was loaded yet.
    """
    terms = companies.terms_at(txn, revision)
    if terms is None:
        raise NoCompanyError("no catalogue is loaded: run bmadmin catalogue load")
    return compile_tariff(rows_at(txn, revision), revision, terms, tax_service)


def renewed(txn: Transaction, tariff: Tariff, revision: int) -> Tariff | None:
    """Give a tariff as that of another revision, which is the same but for its number; None where it is not."""
    same = companies.terms_at(txn, revision) == tariff.company
    if not same or tables.differ(txn, tariff.revision, revision):
        return None
    return replace(tariff, revision=revision)


def rows_at(txn: Transaction, revision: int) -> TariffRows:
    """Give the rows of the catalogue in force at that revision."""
    make: Callable[..., TariffRows] = TariffRows
    return make(**{table.rows: tables.in_force(txn, table, revision) for table in TABLES})
