"""A partial record: what one of the records of a session tells."""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

# When a record was made in microseconds, its number, its kind, its content: what is not known is 0.
Order = tuple[int, int, int, int]
Figures = Mapping[str, int]


class Kind(Enum):
    """What a partial record is; NODE: none of one session, its switch began or ended."""

    START = "START"
    INTERIM = "INTERIM"
    STOP = "STOP"
    NODE = "NODE"


class Row(NamedTuple):
    """
    A partial record.

    Units:
        event_key, content: as of a UDR.
        session, node: 16 octets that tell the session, and its switch, from all others.
        at_us: microseconds since 1970-01-01 UTC.

    Shapes:
        name: what names the session, for people.
        order: by it records follow each other, however they came.
        figures: what is counted, by field; those that the record has.
        texts: all others that are not empty.
    """

    line_no: int
    event_key: bytes
    content: int
    kind: Kind
    session: bytes
    node: bytes
    name: str
    order: Order
    at_us: int | None
    elapsed_s: int | None
    sequence: int | None
    figures: Figures
    texts: Mapping[str, str]
