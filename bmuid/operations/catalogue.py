"""The catalogue loaded from a document: what differs from the rows in force becomes a new revision."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from bmu.billing import catalogue as documents
from bmu.billing.catalogue import Catalogue, Company
from bmu.rating import TariffRows
from bmu.rating.concern import concern
from bmuid.calendars import holidays
from bmuid.operations.catalogue_rows import RowChange, row_changes
from bmuid.operations.entries import bad_document
from bmuid.operations.grammar import Text
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import ADMINS, staff_changes, staff_reads
from bmuid.store import catalogue, companies, concerns, reratings_view, revisions, tariffs
from bmuid.store.tables import TABLES
from bmuid.store.transaction import Transaction

CODES_SHOWN_MAX = 20
ROWS_SHOWN_MAX = 200
COMPANY = "company"
# What accounts and services have by its code.
HELD = frozenset({"package", "rate_plan", "price_plan", "share_plan"})
# Price lists of operators are large.
DOCUMENT = Text(documents.DOCUMENT_CHARACTERS_MAX, lines=True)


@dataclass(frozen=True, slots=True)
class Load:
    """The document, or the parts of a directory: a JSON object of their texts by file name."""

    document: str = argument(
        DOCUMENT, "the whole catalogue: TOML, or a directory of its parts", from_file=True
    )


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
class Checked:
    """What a document would change, table by table, and row by row as far as they are shown; revision: the one in force."""

    revision: int
    changes: tuple[TableChange, ...]
    rows: tuple[RowChange, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The way from the rows in force, *live*, to those of a document."""

    revision: int
    live: TariffRows
    held: Company | None
    company: Company
    ended: TariffRows
    added: TariffRows

    @property
    def terms_change(self) -> bool:
        """Whether the company will rate by something else where nothing nearer says it."""
        return _rated_by(self.held) != _rated_by(self.company)

    @property
    def changes(self) -> tuple[TableChange, ...]:
        """Tell what differs, by table; tables without a difference are left out."""
        found = []
        if self.held is not None and self.held != self.company:
            found.append(TableChange(COMPANY, 0, 1, 0, ()))
        for table in TABLES:
            ended = {row.code for row in table.of(self.ended)}
            added = {row.code for row in table.of(self.added)}
            if ended or added:
                found.append(
                    TableChange(
                        table=table.name,
                        added=len(added - ended),
                        changed=len(added & ended),
                        ended=len(ended - added),
                        codes=tuple(sorted(added | ended)[:CODES_SHOWN_MAX]),
                    )
                )
        return tuple(found)


def load(txn: Transaction, actor: Actor, arguments: Load, now: datetime) -> Loaded | Refused:
    """Put the document in force: end what it no longer holds, add what is new; all of it, or nothing."""
    revisions.lock(txn)
    difference = _difference(txn, arguments.document, now)
    if isinstance(difference, Refused):
        return difference
    return put(txn, actor, difference)


def put(txn: Transaction, actor: Actor, difference: Difference) -> Loaded:
    """Put what differs in force, while revisions are locked."""
    companies.put(txn, difference.company)
    changes = difference.changes
    if not changes:
        return Loaded(difference.revision, ())
    revision = revisions.add(txn, actor.name, "catalogue_load")
    if difference.terms_change:
        companies.put_terms(txn, difference.company, revision)
    catalogue.end(txn, difference.ended, revision)
    catalogue.add(txn, difference.added, revision)
    _mark(txn, difference, revision)
    return Loaded(revision, changes)


def _mark(txn: Transaction, difference: Difference, revision: int) -> None:
    """Note what usage is due to be rated again: of those whom the changes can concern, as far as that is told easily."""
    concerned = concern(difference.live, difference.ended, difference.added)
    accounts = None
    if concerned is not None and not difference.terms_change:
        default = difference.company.rate_plan
        if default is None or default not in concerned.rate_plans:
            accounts = concerns.accounts(txn, concerned)
    for account_id in (None,) if accounts is None else accounts:
        reratings_view.mark(txn, account_id, None, "catalogue_load", revision)


def check(txn: Transaction, actor: Actor, arguments: Load, now: datetime) -> Checked | Refused:
    """Say what loading the document would change, and change nothing."""
    difference = _difference(txn, arguments.document, now)
    if isinstance(difference, Refused):
        return difference
    shown = islice(row_changes(difference.ended, difference.added), ROWS_SHOWN_MAX)
    return Checked(difference.revision, difference.changes, tuple(shown))


def _difference(txn: Transaction, document: str, now: datetime) -> Difference | Refused:
    wanted = _read(document)
    if not isinstance(wanted, Catalogue):
        return bad_document(list(wanted))
    return difference_to(txn, wanted, now)


def difference_to(txn: Transaction, wanted: Catalogue, now: datetime) -> Difference | Refused:
    """Give the way from the rows in force to a catalogue, or say why it can't be gone."""
    revision = revisions.newest(txn)
    live = tariffs.rows_at(txn, revision)
    held = companies.company(txn)
    difference = Difference(
        revision=revision,
        live=live,
        held=held,
        company=wanted.company,
        ended=_without(live, wanted.rows),
        added=_without(wanted.rows, live),
    )
    faults = list(_company_faults(held, wanted.company))
    faults += [
        f"{table}: accounts have the {table.replace('_', ' ')} {code}, so it must stay"
        for table, code in catalogue.in_use(txn, _gone(live, wanted.rows), now)
    ]
    return bad_document(faults) if faults else difference


def _gone(live: TariffRows, wanted: TariffRows) -> dict[str, list[str]]:
    """Give the codes that accounts may have, and that would not be there any more, by table."""
    return {
        table.name: sorted(
            {row.code for row in table.of(live)} - {row.code for row in table.of(wanted)}
        )
        for table in TABLES
        if table.name in HELD
    }


def _read(document: str) -> Catalogue | tuple[str, ...]:
    if not document.startswith("{"):
        return documents.read(document, holidays)
    try:
        parts = json.loads(document)
    except (ValueError, RecursionError) as error:
        return (f"not a document, and no directory: {error}",)
    if not all(isinstance(text, str) for text in parts.values()):
        return ("not a directory: a text by each file name",)
    return documents.read_parts(parts, holidays)


def _company_faults(held: Company | None, wanted: Company) -> Iterator[str]:
    """Say what of the company can't change: charges were computed, and are explained, by it."""
    if held and held.currency != wanted.currency:
        yield f"company.currency: is {held.currency} and can't change"
    if held and held.time_zone != wanted.time_zone:
        yield f"company.time_zone: is {held.time_zone} and can't change"


def _rated_by(company: Company | None) -> tuple[object, ...]:
    if company is None:
        return (None, None, None)
    return company.rate_plan, company.places, company.rounding_mode


def _without(rows: TariffRows, others: TariffRows) -> TariffRows:
    """Give those rows that are not, whatever their ids, among the others."""
    make: Callable[..., TariffRows] = TariffRows
    return make(**{table.rows: table.without(rows, others) for table in TABLES})


OPERATIONS = (
    staff_changes(("catalogue_load", "Put a catalogue in force"), Load, Loaded, load, ADMINS),
    staff_reads("catalogue_check", "What a catalogue would change", Load, Checked, check),
)
