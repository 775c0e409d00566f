"""How one line of a file holds the fields of its row."""

from dataclasses import dataclass
from enum import Enum


class Quoting(Enum):
    """
    How a delimited line protects its delimiter.

    DOUBLED: fields may stand in double quotes, a quote within is doubled (CSV).
    ALL_BARE: every field stands in double quotes and nothing within is escaped.
    BACKSLASH: fields may stand in double quotes; a backslash stands before what means itself.
    NONE: not at all; a quote is a character like others.
    """

    DOUBLED = "DOUBLED"
    ALL_BARE = "ALL_BARE"
    BACKSLASH = "BACKSLASH"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Delimited:
    """
    Fields between delimiters.

    Shapes:
        widths: the numbers of fields that a line may have; with a *heading* it may be empty: as many as
            the heading has.
        heading: the first line that is not skipped names the columns, which may stand in any order.
        skipped: as many lines at the head of a file are no rows.
        comment: a line that begins with this text is no row; empty: there are none.
    """

    quoting: Quoting
    widths: tuple[int, ...] = ()
    delimiter: str = ","
    heading: bool = False
    skipped: int = 0
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Pairs:
    """
    Fields as ``name=value``, each at most once, between separators.

    Shapes:
        after: what stands before its first occurrence, and itself, is no part of the record.
        label: the field that takes what stands before ``: `` ahead of the first name, or nothing.
    """

    after: str
    separator: str
    label: str


@dataclass(frozen=True, slots=True)
class Column:
    """Where a field stands in a line: its first and last character, counted from 1."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class FixedWidth:
    """
    Fields in columns, one for each field in their order; blanks around a value are no part of it.

    Shapes:
        shortest: a line of fewer characters is no whole row; columns behind the end of a line are empty.
        skipped, comment: as of Delimited.
    """

    columns: tuple[Column, ...]
    shortest: int = 1
    skipped: int = 0
    comment: str = ""


@dataclass(frozen=True, slots=True)
class JSONLine:
    """
    A JSON object; names of nested ones are joined by dots, and numbered from 0 in lists: ``legs.0.number``.

    Fields that the profile does not name are passed over; one that is not there is empty.
    """


Layout = Delimited | Pairs | FixedWidth | JSONLine
