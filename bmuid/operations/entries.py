"""Documents that staff load (TOML), read with the grammars of arguments."""

from collections.abc import Callable
from datetime import date
from typing import Protocol, TypeVar

from bmu.billing.document import Entry
from bmu.toml import NotTomlError, parsed
from bmuid.operations.grammar import ArgumentError, Integer
from bmuid.operations.registry import Refused
from bmuid.operations.statement import FIRST_DAY, UsageDay

T = TypeVar("T")

# Of the customers of a whole company.
DOCUMENT_CHARACTERS_MAX = 8 * 1024 * 1024
FAULTS_SHOWN_MAX = 50


class TextGrammar(Protocol):
    """A grammar whose values are texts."""

    def parse(self, text: str) -> str:
        """Read a text; ArgumentError when it is none."""


def text(entry: Entry, key: str, grammar: TextGrammar) -> str:
    """Give a text of that grammar, which must be there."""
    value = entry.text(key)
    if value:
        try:
            return grammar.parse(value)
        except ArgumentError as error:
            entry.fault(key, str(error))
    return value


def text_or_none(entry: Entry, key: str, grammar: TextGrammar) -> str:
    """Give a text of that grammar, or nothing where none is given."""
    return text(entry, key, grammar) if entry.has(key) else ""


def number(entry: Entry, key: str, grammar: Integer, default: int) -> int:
    """Give a whole number of that grammar, or the default where none is given."""
    if not entry.has(key):
        return default
    value = entry.whole(key)
    try:
        return grammar.parse(str(value))
    except ArgumentError as error:
        entry.fault(key, str(error))
    return value


def day(entry: Entry, key: str) -> date:
    """Give a day on which there can be usage, which must be there."""
    if not entry.has(key):
        entry.fault(key, "is missing; give a date like 2026-08-31, without quotes")
    return day_or_none(entry, key) or FIRST_DAY


def day_or_none(entry: Entry, key: str) -> date | None:
    """Give a day on which there can be usage, or nothing where none is given."""
    value = entry.day(key)
    if value is None:
        return None
    try:
        return UsageDay().parse(value.isoformat())
    except ArgumentError as error:
        entry.fault(key, str(error))
    return value


def read_document(document: str, read: Callable[[Entry], T]) -> T | Refused:
    """Read a whole document; Refused("BAD_DOCUMENT") names every fault."""
    faults: list[str] = []
    try:
        values = parsed(document, DOCUMENT_CHARACTERS_MAX)
    except NotTomlError as error:
        return bad_document([str(error)])
    entry = Entry(values, "", faults)
    found = read(entry)
    entry.end()
    return bad_document(faults) if faults else found


def bad_document(faults: list[str]) -> Refused:
    """Refuse a document for its faults, each on a line."""
    shown = faults[:FAULTS_SHOWN_MAX]
    if len(faults) > len(shown):
        shown.append(f"and {len(faults) - len(shown)} more")
    return Refused("BAD_DOCUMENT", "\n".join(shown))
