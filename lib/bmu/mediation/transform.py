"""What a derived field is made of: transforms of a row's fields, and how times and numbers are written."""

from dataclasses import dataclass
from enum import Enum


class Clock(Enum):
    """
    How an instant is written.

    LOCAL: ``2026-08-03 09:12:44`` in the time zone of the source.
    EPOCH: seconds since 1970-01-01 UTC, also with decimals; EPOCH_MS, EPOCH_US: thousandths and millionths of them.
    WRITTEN: as the directives of *written* say.
    """

    LOCAL = "LOCAL"
    EPOCH = "EPOCH"
    EPOCH_MS = "EPOCH_MS"
    EPOCH_US = "EPOCH_US"
    WRITTEN = "WRITTEN"


@dataclass(frozen=True, slots=True)
class Instant:
    """
    The field with the time at which the event began.

    Shapes:
        not_before: for LOCAL and WRITTEN, a field that starts with whole seconds since 1970-01-01 UTC, not
            later than the event. It tells which of two equal local times is meant when clocks go
            back; without it the first is taken.
        written: of WRITTEN, directives as strptime has them (`bmu.mediation.directives`).
        time_field: of WRITTEN, the field with the time of day where *field* holds the day: they are read as one
            text with a blank between them.
        zone: the time zone of LOCAL and WRITTEN, where it is not that of the source.
        zone_field: of WRITTEN, a field with the name of a time zone, or with an offset like ``+0100``; where it is
            empty, *zone* counts.
    """

    field: str
    clock: Clock
    not_before: str | None = None
    written: str = ""
    time_field: str | None = None
    zone: str = ""
    zone_field: str | None = None


class Form(Enum):
    """
    How an identifier is written.

    NUMBER: a telephone number, to be normalised by the rules of the source.
    CALLED: the same as it was dialled: without a routing prefix, and a short code behind the country code.
    TEXT: as it stands.
    """

    NUMBER = "NUMBER"
    CALLED = "CALLED"
    TEXT = "TEXT"


class Letters(Enum):
    """Which letters a text is put in; TITLE: the first of each word large."""

    UPPER = "UPPER"
    LOWER = "LOWER"
    TITLE = "TITLE"


class Fit(Enum):
    """How a text is looked up in a table: the whole of it, or the longest row that it begins with."""

    WHOLE = "WHOLE"
    PREFIX = "PREFIX"


class Rounding(Enum):
    """Which way a figure is rounded: UP away from zero, DOWN to zero, HALF to the nearer, a half up."""

    UP = "UP"
    DOWN = "DOWN"
    HALF = "HALF"


@dataclass(frozen=True, slots=True)
class Case:
    """The text of a field in other letters."""

    of: str
    letters: Letters


@dataclass(frozen=True, slots=True)
class Trim:
    """The text of a field without these characters at both ends; none given: blanks of all kinds."""

    of: str
    characters: str = ""


@dataclass(frozen=True, slots=True)
class Extract:
    """
    What a pattern finds in a field.

    Shapes:
        pattern: for the whole text, as `bmu.pattern.parse` reads it; groups in ( ) are found.
        template: what is made of them, ``{1}`` the first; ``{0}`` is the whole.
        default: a template of fields for a text that is unlike the pattern; None: the row is rejected.
    """

    of: str
    pattern: str
    template: str = "{1}"
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Substitute:
    """The text of a field with each *text* in it replaced."""

    of: str
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class Time:
    """An instant as seconds since 1970-01-01 UTC, with as many decimals as it has; of an empty field nothing."""

    at: Instant


@dataclass(frozen=True, slots=True)
class Lookup:
    """
    What stands in a table beside the text of a field.

    Shapes:
        default: a template of fields for what is not in it; None: the row is rejected.
    """

    of: str
    table: str
    fit: Fit = Fit.WHOLE
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Formula:
    """
    Exact arithmetic: ``({octets_in} + {octets_out}) / 1024``.

    Shapes:
        text: fields in braces, figures, ``+ - * /`` and parentheses.
        decimals: as many are kept.
        empty: the figure that stands for an empty field; None: the row is rejected.
    """

    text: str
    decimals: int = 0
    rounding: Rounding = Rounding.HALF
    empty: str | None = None


@dataclass(frozen=True, slots=True)
class Combine:
    """A template: fields in braces, and text between them; ``{{`` and ``}}`` are braces themselves."""

    template: str


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first of some fields that is not empty; else nothing."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Normalise:
    """A telephone number in E.164 digits; of an empty field nothing."""

    of: str
    form: Form = Form.NUMBER


Transform = (
    Case | Trim | Extract | Substitute | Time | Lookup | Formula | Combine | FirstOf | Normalise
)
