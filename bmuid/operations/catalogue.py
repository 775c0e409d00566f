"""The catalogue loaded from a document: what differs from the rows in force becomes a new revision."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from bmu.billing import catalogue as documents
from bmu.billing.catalogue import UNSTORED, Catalogue, Company
from bmu.rating import (
    BucketTypeRow,
    LocationPatternRow,
    LocationRow,
    PackageRow,
    RateGroupRow,
    RatePlanRow,
    RateRow,
    RoundingRow,
    TariffRows,
    TaxRow,
    TimePeriodRow,
    UsageClassRow,
)
from bmuid.operations.accounts_load import DOCUMENT
from bmuid.operations.entries import bad_document
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import ADMINS, staff_changes, staff_reads
from bmuid.store import catalogue, companies, revisions, tariffs
from bmuid.store.transaction import Transaction

CODES_SHOWN_MAX = 20

R = TypeVar(
    "R",
    UsageClassRow,
    LocationRow,
    LocationPatternRow,
    TimePeriodRow,
    RoundingRow,
    RatePlanRow,
    RateGroupRow,
    RateRow,
    BucketTypeRow,
    TaxRow,
    PackageRow,
)


@dataclass(frozen=True, slots=True)
class Load:
    """The document."""

    document: str = argument(DOCUMENT, "the whole catalogue (TOML)", from_file=True)


@dataclass(frozen=True, slots=True)
class TableChange:
    """How many codes of a table are new, changed and ended, and the first of them all."""

    table: str
    added: int
    changed: int
    ended: int
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a document changes; revision: usage that arrives from now on is rated by it."""

    revision: int
    changes: tuple[TableChange, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The way from the rows in force to those of a document."""

    revision: int
    company: Company
    ended: TariffRows
    added: TariffRows

    @property
    def changes(self) -> tuple[TableChange, ...]:
        """Tell what differs, by table; tables without a difference are left out."""
        found = []
        for (table, ended), (_, added) in zip(_codes(self.ended), _codes(self.added), strict=True):
            if ended or added:
                found.append(
                    TableChange(
                        table=table,
                        added=len(added - ended),
                        changed=len(added & ended),
                        ended=len(ended - added),
                        codes=tuple(sorted(added | ended)[:CODES_SHOWN_MAX]),
                    )
                )
        return tuple(found)


class _Coded(Protocol):
    @property
    def code(self) -> str:
        """What other rows call it."""


def load(txn: Transaction, actor: Actor, arguments: Load, now: datetime) -> Loaded | Refused:
    """Put the document in force: end what it no longer holds, add what is new; all of it, or nothing."""
    revisions.lock(txn)
    difference = _difference(txn, arguments.document, now)
    if isinstance(difference, Refused):
        return difference
    companies.put(txn, difference.company)
    changes = difference.changes
    if not changes:
        return Loaded(difference.revision, ())
    revision = revisions.add(txn, actor.name, "catalogue_load")
    catalogue.end(txn, difference.ended, revision)
    catalogue.add(txn, difference.added, revision)
    return Loaded(revision, changes)


def check(txn: Transaction, actor: Actor, arguments: Load, now: datetime) -> Loaded | Refused:
    """Say what loading the document would change, and change nothing; revision: the one in force."""
    difference = _difference(txn, arguments.document, now)
    if isinstance(difference, Refused):
        return difference
    return Loaded(difference.revision, difference.changes)


def _difference(txn: Transaction, document: str, now: datetime) -> Difference | Refused:
    wanted = documents.read(document)
    if not isinstance(wanted, Catalogue):
        return bad_document(list(wanted))
    revision = revisions.newest(txn)
    live = tariffs.rows_at(txn, revision)
    difference = Difference(
        revision=revision,
        company=wanted.company,
        ended=_without(live, wanted.rows),
        added=_without(wanted.rows, live),
    )
    faults = list(_company_faults(companies.company(txn), wanted.company))
    gone = {row.code for row in live.packages} - {row.code for row in wanted.rows.packages}
    faults += [
        f"package: accounts have the package {code}, so it must stay"
        for code in catalogue.packages_in_use(txn, sorted(gone), now)
    ]
    return bad_document(faults) if faults else difference


def _company_faults(held: Company | None, wanted: Company) -> Iterator[str]:
    """Say what of the company can't change: charges were computed, and are explained, by it."""
    if held and held.currency != wanted.currency:
        yield f"company.currency: is {held.currency} and can't change"
    if held and held.time_zone != wanted.time_zone:
        yield f"company.time_zone: is {held.time_zone} and can't change"


def _without(rows: TariffRows, others: TariffRows) -> TariffRows:
    """Give those rows that are not, whatever their ids, among the others."""
    return TariffRows(
        usage_classes=_missing(rows.usage_classes, others.usage_classes),
        locations=_missing(rows.locations, others.locations),
        location_patterns=_missing(rows.location_patterns, others.location_patterns),
        time_periods=_missing(rows.time_periods, others.time_periods),
        roundings=_missing(rows.roundings, others.roundings),
        rate_plans=_missing(rows.rate_plans, others.rate_plans),
        rate_groups=_missing(rows.rate_groups, others.rate_groups),
        rates=_missing(rows.rates, others.rates),
        bucket_types=_missing(rows.bucket_types, others.bucket_types),
        taxes=_missing(rows.taxes, others.taxes),
        packages=_missing(rows.packages, others.packages),
    )


def _missing(rows: tuple[R, ...], others: tuple[R, ...]) -> tuple[R, ...]:
    known = {replace(row, id=UNSTORED) for row in others}
    return tuple(row for row in rows if replace(row, id=UNSTORED) not in known)


def _codes(rows: TariffRows) -> Iterator[tuple[str, set[str]]]:
    of_table: tuple[tuple[str, Sequence[_Coded]], ...] = (
        ("usage_class", rows.usage_classes),
        ("location", rows.locations),
        ("location_pattern", rows.location_patterns),
        ("time_period", rows.time_periods),
        ("rounding", rows.roundings),
        ("rate_plan", rows.rate_plans),
        ("rate_group", rows.rate_groups),
        ("rate", rows.rates),
        ("bucket_type", rows.bucket_types),
        ("tax", rows.taxes),
        ("package", rows.packages),
    )
    for table, held in of_table:
        yield table, {row.code for row in held}


OPERATIONS = (
    staff_changes(("catalogue_load", "Put a catalogue in force"), Load, Loaded, load, ADMINS),
    staff_reads("catalogue_check", "What a catalogue would change", Load, Loaded, check),
)
