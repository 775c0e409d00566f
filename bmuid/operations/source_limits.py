"""What a source may tell of and what is missed of it: as arguments, and in documents."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any, TypeVar

from bmu.billing.document import Entry
from bmu.mediation import sequence
from bmuid.operations.entries import text_or_none
from bmuid.operations.grammar import ArgumentError, Integer, Pattern
from bmuid.store import companies
from bmuid.store.limits import Limits
from bmuid.store.sources import LATE_MINUTES, Source, Watch
from bmuid.store.transaction import Transaction

T = TypeVar("T", Limits, Watch)


class Without(Enum):
    """No limit, where there may be one."""

    LIMIT = "none"


@dataclass(frozen=True, slots=True)
class NumberOrNone:
    """A whole number between two bounds, or `none`."""

    smallest: int
    largest: int

    @property
    def described(self) -> str:
        """Say the bounds."""
        return f"a whole number from {self.smallest} to {self.largest}, or none"

    def parse(self, text: str) -> int | Without:
        """Give the number."""
        if text == Without.LIMIT.value:
            return Without.LIMIT
        try:
            return Integer(self.smallest, self.largest).parse(text)
        except ArgumentError as error:
            raise ArgumentError(f"must be {self.described}") from error


@dataclass(frozen=True, slots=True)
class SequencePattern:
    """What finds a number in the name of a file."""

    described: str = "a file's name with # for its number, * for any characters, ? for any one, like cdr-*-#.csv; or nothing"

    def parse(self, text: str) -> str:
        """Give the text itself."""
        if text and not sequence.is_pattern(text):
            raise ArgumentError(f"must be {self.described}")
        return text


@dataclass(frozen=True, slots=True)
class SequenceRange:
    """Between which numbers a source counts."""

    described: str = "the first and the last number, like 0-9999; or nothing: it never begins anew"

    def parse(self, text: str) -> str:
        """Give the text itself."""
        if text:
            first, _, last = text.partition("-")
            if not (is_number(first) and is_number(last)) or int(first) >= int(last):
                raise ArgumentError(f"must be {self.described}")
        return text


def is_number(text: str) -> bool:
    """Tell whether a text is the digits of a sequence number."""
    return text.isascii() and text.isdigit() and len(text) <= sequence.DIGITS_MAX


OCTETS = NumberOrNone(1, 2**50)
LINES = NumberOrNone(1, 2**50)
DAYS_BACK = NumberOrNone(0, 36_500)
MINUTES_AHEAD = NumberOrNone(0, 60)
SILENT_MINUTES = NumberOrNone(1, 525_600)
LATE = Integer(0, 525_600)
UID_TYPES = Pattern(
    r"([a-z0-9_]{1,32}(,[a-z0-9_]{1,32}){0,49})?",
    "types of usage identifiers parted by commas, like phone,imsi; or nothing: all",
)
SERVICES = Pattern(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,63}(,[A-Za-z0-9][A-Za-z0-9._-]{0,63}){0,199})?",
    "codes of packages parted by commas, like HOME,OFFICE; or nothing: all",
)
PATTERN = SequencePattern()
RANGE = SequenceRange()


def changed(held: Source, given: Mapping[str, object]) -> Source:
    """Give a source with what was given of its limits and of what is missed of it; None: not given."""
    return replace(
        held,
        limits=_changed(held.limits, given),
        watch=_changed(held.watch, {**given, **_cycle(given.get("sequence_range"))}),
    )


def _changed(held: T, given: Mapping[str, object]) -> T:
    names = [field.name for field in fields(held) if given.get(field.name) is not None]
    values: dict[str, Any] = {
        name: None if given[name] is Without.LIMIT else given[name] for name in names
    }
    return replace(held, **values)


def _cycle(text: object) -> dict[str, object]:
    if text is None:
        return {}
    first, _, last = str(text).partition("-")
    ends = (int(first), int(last)) if last else (Without.LIMIT, Without.LIMIT)
    return dict(zip(("sequence_first", "sequence_last"), ends, strict=True))


def limits_in(entry: Entry) -> Limits:
    """Read limits of a table of a document."""
    return Limits(
        octets_max=_number(entry, "octets_max", OCTETS),
        lines_a_day_max=_number(entry, "lines_a_day_max", LINES),
        days_back=_number(entry, "days_back", DAYS_BACK),
        minutes_ahead=_number(entry, "minutes_ahead", MINUTES_AHEAD),
        uid_types=text_or_none(entry, "uid_types", UID_TYPES),
        services=text_or_none(entry, "services", SERVICES),
    )


def watch_in(entry: Entry) -> Watch:
    """Read what is missed of a source, of a table of a document."""
    cycle = _cycle(text_or_none(entry, "sequence_range", RANGE) or None)
    late = _number(entry, "late_minutes", NumberOrNone(LATE.smallest, LATE.largest))
    held = Watch(
        sequence_pattern=text_or_none(entry, "sequence_pattern", PATTERN),
        late_minutes=LATE_MINUTES if late is None else late,
        silent_minutes=_number(entry, "silent_minutes", SILENT_MINUTES),
    )
    return _changed(held, cycle)


def _number(entry: Entry, key: str, grammar: NumberOrNone) -> int | None:
    if not entry.has(key):
        return None
    value = entry.whole(key)
    if not grammar.smallest <= value <= grammar.largest:
        entry.fault(key, f"must be a whole number from {grammar.smallest} to {grammar.largest}")
    return value


def unknown_services(txn: Transaction, wanted: Source) -> str:
    """Say which services of a source's limits the catalogue does not have; nothing where it has all."""
    if not wanted.limits.services:
        return ""
    known = companies.packages(txn)
    missing = [code for code in wanted.limits.services.split(",") if code not in known]
    return (
        f"there is no package {', '.join(missing)}; see `bmadmin catalogue rows package`"
        if missing
        else ""
    )
