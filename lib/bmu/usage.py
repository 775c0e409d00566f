"""Usage as mediation leaves it and rating takes it: one UDR is one event of one user."""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple


class Unit(Enum):
    """What a usage class counts; its base unit is the second, the octet or one."""

    TIME = "TIME"
    DATA = "DATA"
    COUNT = "COUNT"


class Rater(Enum):
    """How rates of a usage class are found: by the location called, or by the class alone."""

    GEOTREE = "GEOTREE"
    CLASS = "CLASS"


class UDR(NamedTuple):
    """
    A usage data record: one event after mediation.

    Units:
        event_key: 16 octets that tell this event from all others, for ever.
        content: 64 bits, signed, that tell a repeat of the event from a conflict.
        started_us: microseconds since 1970-01-01 UTC.
        quantity: base units of the usage class, as measured.
        origin, destination: normalised; a telephone number is E.164 digits without "+".

    Shapes:
        extras: fields of the company's own, by name; none: none.
    """

    line_no: int
    event_key: bytes
    content: int
    uid_type: str
    uid: str
    usage_class: str
    started_us: int
    quantity: int
    origin: str
    destination: str
    extras: Mapping[str, str] | None = None
