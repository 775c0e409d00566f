"""A profile is data: how the lines of one kind of switch become UDRs, without a word of code."""

from dataclasses import dataclass
from enum import Enum


class Quoting(Enum):
    """
    How a delimited line protects its delimiter.

    DOUBLED: fields may stand in double quotes, a quote within is doubled (CSV).
    ALL_BARE: every field stands in double quotes and nothing within is escaped.
    """

    DOUBLED = "DOUBLED"
    ALL_BARE = "ALL_BARE"


@dataclass(frozen=True, slots=True)
class Delimited:
    """Fields in a fixed order; *widths* are the numbers of fields that a line may have."""

    quoting: Quoting
    widths: tuple[int, ...]
    delimiter: str = ","


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


class Match(Enum):
    """What a condition asks of a field: to be one of its texts, to be none, to be like a pattern."""

    IS = "IS"
    IS_NOT = "IS_NOT"
    LIKE = "LIKE"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something asked of one field; LIKE has one text, a regular expression for the whole field."""

    field: str
    match: Match
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """Records for which all of the conditions hold are no usage."""

    name: str
    conditions: tuple[Condition, ...]


class Clock(Enum):
    """
    How an instant is written.

    LOCAL: ``2026-08-03 09:12:44`` in the time zone of the source.
    EPOCH: seconds since 1970-01-01 UTC, also with decimals.
    """

    LOCAL = "LOCAL"
    EPOCH = "EPOCH"


@dataclass(frozen=True, slots=True)
class Instant:
    """
    The field with the time at which the event began.

    Shapes:
        not_before: for LOCAL, a field that starts with whole seconds since 1970-01-01 UTC, not
            later than the event. It tells which of two equal local times is meant when clocks go
            back; without it the first is taken.
    """

    field: str
    clock: Clock
    not_before: str | None = None


class Form(Enum):
    """How an identifier is written: a telephone number, to be normalised, or text as it stands."""

    NUMBER = "NUMBER"
    TEXT = "TEXT"


@dataclass(frozen=True, slots=True)
class Identifier:
    """A field that may hold the usage identifier."""

    uid_type: str
    field: str
    form: Form


class Format(Enum):
    """
    How a file whose rows are no lines of text by themselves is written.

    TEXT and FIXED_BLOCK become lines of text for the profile's layout, all others lines of JSON objects.
    """

    BER = "BER"
    CLOUD_EVENTS = "CLOUD_EVENTS"
    CSV_BLOCK = "CSV_BLOCK"
    FIXED_BLOCK = "FIXED_BLOCK"
    IPDR = "IPDR"
    JSON = "JSON"
    NETFLOW = "NETFLOW"
    RADIUS_DETAIL = "RADIUS_DETAIL"
    TEXT = "TEXT"
    XML = "XML"


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a file is made lines on arrival; *settings* are pairs of a name and a text that the format knows."""

    format: Format
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """
    How the records of one kind of switch are read.

    Shapes:
        fields: their names; of a delimited line in its order.
        identities: sets of fields that tell an event from all others of its source. The first set
            whose leading field has a value is taken.
        uids: the first whose field has a value is taken.
        times: further fields of the clock of *started*, which have to be readable where they are there.
        quantity: the field with the seconds; a second begun counts.
    """

    code: str
    name: str
    encoding: str
    layout: Delimited | Pairs
    fields: tuple[str, ...]
    filters: tuple[Filter, ...]
    identities: tuple[tuple[str, ...], ...]
    uids: tuple[Identifier, ...]
    usage_class: str
    started: Instant
    times: tuple[str, ...]
    quantity: str
    origin: str
    destination: str
