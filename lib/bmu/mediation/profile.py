"""A profile is data: how the lines of one kind of switch become UDRs, without a word of code."""

from dataclasses import dataclass
from enum import Enum

from bmu.mediation.aggregation import Aggregation
from bmu.mediation.layout import Column, Layout
from bmu.mediation.transform import Form, Instant, Transform


class Match(Enum):
    """What a condition asks of a field."""

    IS = "IS"
    IS_NOT = "IS_NOT"
    LIKE = "LIKE"
    PREFIX = "PREFIX"
    RANGE = "RANGE"


@dataclass(frozen=True, slots=True)
class Condition:
    """
    Something asked of one field.

    Shapes:
        texts: of IS and IS_NOT, those that it is to be one of, or none of; an empty one: the field is empty.
            Of LIKE one pattern for the whole of it, as `bmu.pattern.parse` reads it. Of PREFIX those one of which
            it is to begin with. Of RANGE the smallest and largest figure, an empty one: none; what is no figure is
            in no range.
    """

    field: str
    match: Match
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """Records for which all of the conditions hold are no usage."""

    name: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Identifier:
    """A field that may hold the usage identifier."""

    uid_type: str
    field: str
    form: Form


class Measure(Enum):
    """
    What a quantity is counted in: times, octets (KB: a thousand, KIB: 1024), or pieces.

    CLOCK is a time like ``01:23:45``, ``3:45`` or ``83:45``; one begun of the base unit counts.
    """

    S = "S"
    MS = "MS"
    US = "US"
    MIN = "MIN"
    H = "H"
    CLOCK = "CLOCK"
    B = "B"
    KB = "KB"
    KIB = "KIB"
    MB = "MB"
    MIB = "MIB"
    GB = "GB"
    GIB = "GIB"
    COUNT = "COUNT"


class Format(Enum):
    """
    How a file whose rows are no lines of text by themselves is written.

    TEXT and FIXED_BLOCK become lines of text for the profile's layout, all others lines of JSON objects. LINES are
    rows of one field, for a plug-in to take apart.
    """

    BER = "BER"
    CLOUD_EVENTS = "CLOUD_EVENTS"
    CSV_BLOCK = "CSV_BLOCK"
    FIXED_BLOCK = "FIXED_BLOCK"
    IPDR = "IPDR"
    JSON = "JSON"
    LINES = "LINES"
    NETFLOW = "NETFLOW"
    RADIUS_DETAIL = "RADIUS_DETAIL"
    TEXT = "TEXT"
    XML = "XML"


@dataclass(frozen=True, slots=True)
class Decoding:
    """
    How a file is made lines on arrival.

    Shapes:
        settings: pairs of a name and a text that the format knows.
        plugin: a program of the site's own that makes rows of each row; empty: none.
    """

    format: Format
    settings: tuple[tuple[str, str], ...] = ()
    plugin: str = ""


@dataclass(frozen=True, slots=True)
class Derived:
    """
    A field that is made of others, which from then on a row has like those that it came with.

    Shapes:
        field: a new name, or one that is there already and gets another text.
        conditions: where one does not hold, the field stays as it is; a new one is empty then.
    """

    field: str
    make: Transform
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Texts and what stands beside each."""

    code: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RecordType:
    """
    Rows of one kind among others: how they are read otherwise than the profile says.

    Shapes:
        derived: further fields, made behind those of the profile.
        others: None: as the profile has it.
    """

    name: str
    conditions: tuple[Condition, ...]
    derived: tuple[Derived, ...] = ()
    identities: tuple[tuple[str, ...], ...] | None = None
    uids: tuple[Identifier, ...] | None = None
    usage_class: str | None = None
    started: Instant | None = None
    times: tuple[str, ...] | None = None
    quantity: str | None = None
    measure: Measure | None = None
    origin: str | None = None
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class ClassRule:
    """The class of usage for which conditions hold."""

    usage_class: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """
    How a row at the head or end of a file is known, which is no usage.

    Shapes:
        begins: of lines of text, what such a line begins with; else the conditions tell it from others.
        fields: with *begins*, the names of its fields; *columns*: where they stand, in a layout of columns.
    """

    begins: str = ""
    conditions: tuple[Condition, ...] = ()
    fields: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()


class Counted(Enum):
    """What a trailer counts: rows without header and trailer, or these as well."""

    ROWS = "ROWS"
    ALL = "ALL"


@dataclass(frozen=True, slots=True)
class ControlSum:
    """A field of the trailer that holds the sum of a field over all rows."""

    field: str
    of: str


@dataclass(frozen=True, slots=True)
class Trailer:
    """
    The row with which a file ends; without it, the file is not whole.

    Shapes:
        count: the field with the number of rows; None: there is none.
    """

    row: Bound
    count: str | None = None
    counted: Counted = Counted.ROWS
    sums: tuple[ControlSum, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """
    How the records of one kind of switch are read.

    Shapes:
        fields: their names; of a delimited line or of columns in its order, of a line with a heading those that are
            used.
        filters: those that name only fields a row came with are asked before any is derived, the others after.
        identities: sets of fields that tell an event from all others of its source. The first set
            whose leading field has a value is taken.
        uids: the first whose field has a value is taken.
        usage_class: the class of rows for which none of *classes* holds, which are asked in their order.
        times: further fields of the clock of *started*, which have to be readable where they are there.
        quantity: the field with the quantity, in *measure*; a base unit begun counts. Empty: each row is one.
        origin, destination: fields; empty: usage of this kind has none.
        extras: by the name that usage has it by, a field that is kept; a source may keep more.
        derived: in their order; each may be made of those before it.
        types: the first whose conditions hold; a row of none is read as the profile says.
        splitting: names of parts; each row becomes as many, each with its name in the field ``split``.
    """

    code: str
    name: str
    encoding: str
    layout: Layout
    fields: tuple[str, ...]
    identities: tuple[tuple[str, ...], ...]
    uids: tuple[Identifier, ...]
    usage_class: str
    started: Instant
    times: tuple[str, ...] = ()
    quantity: str = ""
    measure: Measure = Measure.S
    origin: str = ""
    destination: str = ""
    filters: tuple[Filter, ...] = ()
    origin_form: Form = Form.NUMBER
    destination_form: Form = Form.CALLED
    extras: tuple[tuple[str, str], ...] = ()
    decoding: Decoding | None = None
    tables: tuple[Table, ...] = ()
    derived: tuple[Derived, ...] = ()
    types: tuple[RecordType, ...] = ()
    classes: tuple[ClassRule, ...] = ()
    header: Bound | None = None
    trailer: Trailer | None = None
    splitting: tuple[str, ...] = ()
    aggregation: Aggregation | None = None
