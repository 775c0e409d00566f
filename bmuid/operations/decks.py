"""Operators' rate decks: what one changes in the catalogue in force, and putting it in force."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from bmu.billing.catalogue import UNSTORED, Catalogue
from bmu.billing.deck import DeckChange, DeckLine, Merged, Target, merge, read_deck
from bmu.money import decimal_text
from bmu.rating import validate
from bmuid.operations import catalogue
from bmuid.operations.accounts_load import NO_CATALOGUE
from bmuid.operations.catalogue import DOCUMENT, Difference, Loaded
from bmuid.operations.entries import bad_document
from bmuid.operations.grammar import Choice, Day, Integer, Text
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import ADMINS, staff_changes, staff_reads
from bmuid.store import companies, revisions, tariffs
from bmuid.store.transaction import Transaction

CODE = Text(64)
PER = 60
SHOWN_MAX = 500


@dataclass(frozen=True, slots=True)
class Deck:
    """A deck, and where it goes."""

    document: str = argument(DOCUMENT, "the deck: CSV with a header", from_file=True)
    group: str = argument(CODE, "the rate group that it is for")
    usage_class: str = argument(CODE, "the usage class")
    per: int | None = argument(
        Integer(1, 10**9), "base units a price is for, 60 unless told", optional=True
    )
    from_: date | None = argument(Day(), "first day, where a line has none", optional=True)
    keep: str | None = argument(
        Choice(("yes", "no")), "keep prices that the deck does not have", optional=True
    )
    columns: str | None = argument(
        Text(500), "what columns are called, like price=USD/min,name=Zone", optional=True
    )


@dataclass(frozen=True, slots=True)
class Price:
    """What becomes of the price of a prefix; effective: its first day."""

    change: str
    prefix: str
    name: str
    was: str | None
    is_: str | None
    effective: date | None
    line: int


@dataclass(frozen=True, slots=True)
class Previewed:
    """What a deck changes, counted, and as far as it is shown."""

    added: int
    changed: int
    removed: int
    unchanged: int
    prices: tuple[Price, ...]


def preview(txn: Transaction, actor: Actor, arguments: Deck, now: datetime) -> Previewed | Refused:
    """Say what a deck would change, and change nothing."""
    found = _merged(txn, arguments, now)
    if isinstance(found, Refused):
        return found
    merged, _ = found
    counts = Counter(one.change.value for one in merged.changes)
    return Previewed(
        added=counts["ADDED"],
        changed=counts["CHANGED"],
        removed=counts["REMOVED"],
        unchanged=merged.unchanged,
        prices=tuple(map(_price, merged.changes[:SHOWN_MAX])),
    )


def load(txn: Transaction, actor: Actor, arguments: Deck, now: datetime) -> Loaded | Refused:
    """Put a deck's prices in force; all of them, or nothing."""
    revisions.lock(txn)
    found = _merged(txn, arguments, now)
    if isinstance(found, Refused):
        return found
    _, difference = found
    return catalogue.put(txn, actor, difference)


def _merged(
    txn: Transaction, arguments: Deck, now: datetime
) -> tuple[Merged, Difference] | Refused:
    company = companies.company(txn)
    if company is None:
        return NO_CATALOGUE
    lines = _lines(arguments)
    if isinstance(lines, Refused):
        return lines
    rows = tariffs.rows_at(txn, revisions.newest(txn))
    target = Target(
        rate_group=arguments.group,
        usage_class=arguments.usage_class,
        per=arguments.per or PER,
        effective=arguments.from_,
        is_whole=arguments.keep != "yes",
    )
    for name, code, known in (
        ("group", target.rate_group, rows.rate_groups),
        ("usage_class", target.usage_class, rows.usage_classes),
    ):
        if code not in {row.code for row in known}:
            return Refused("BAD_ARGUMENT", f"{name}: the catalogue has no {code}")
    # A deck's own rates have no ids, and are compared.
    rates = tuple(replace(row, id=UNSTORED) for row in rows.rates)
    merged = merge(lines, replace(rows, rates=rates), target)
    faults = [f"{one.table} {one.code}: {one.what}" for one in validate(merged.rows)]
    if faults:
        return bad_document(faults)
    difference = catalogue.difference_to(txn, Catalogue(company, merged.rows), now)
    return difference if isinstance(difference, Refused) else (merged, difference)


def _lines(arguments: Deck) -> Sequence[DeckLine] | Refused:
    columns = {}
    for said in (arguments.columns or "").split(","):
        name, _, called = said.partition("=")
        if name:
            columns[name] = called
    found = read_deck("deck", arguments.document, columns)
    lines = [one for one in found if isinstance(one, DeckLine)]
    faults = [one for one in found if isinstance(one, str)]
    return bad_document(faults) if faults else lines


def _price(change: DeckChange) -> Price:
    was, is_ = (
        None if price is None else decimal_text(price)
        for price in (change.old_e11, change.new_e11)
    )
    return Price(
        change=change.change.value,
        prefix=change.prefix,
        name=change.name,
        was=was,
        is_=is_,
        effective=change.effective,
        line=change.line,
    )


OPERATIONS = (
    staff_reads("deck_preview", "What a rate deck would change", Deck, Previewed, preview),
    staff_changes(
        ("deck_load", "Put the prices of a rate deck in force"), Deck, Loaded, load, ADMINS
    ),
)
