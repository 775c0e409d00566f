"""How partial records become one: what names a session, what a record of it is, how its fields are gathered."""

from dataclasses import dataclass
from enum import Enum

from bmu.mediation.transform import Instant


class Take(Enum):
    """
    What becomes of a field over the records of a session.

    FIRST, LAST: of the earliest, of the latest record in which it is not empty.
    SUM: each record tells what came since the one before (the volumes of 3GPP's partial records).
    COUNTER: each record tells what came since the session began (RADIUS). The highest counts; where the
        switch began again with the same session, the highest of each time, added up.
    MIN, MAX: the smallest, the largest figure.
    """

    FIRST = "FIRST"
    LAST = "LAST"
    SUM = "SUM"
    COUNTER = "COUNTER"
    MIN = "MIN"
    MAX = "MAX"


@dataclass(frozen=True, slots=True)
class Gathered:
    """
    A field, and what becomes of it over the records of a session.

    Shapes:
        high: a further field, with the upper 32 bits of the figure (RADIUS: gigawords).
    """

    field: str
    take: Take
    high: str = ""


class Emit(Enum):
    """When usage is made: once the session is over, or with each record for what came since the last one."""

    AT_STOP = "AT_STOP"
    AT_INTERIM = "AT_INTERIM"


class Cut(Enum):
    """At which turn of the source's clock a session that lasts is cut in two."""

    NEVER = "NEVER"
    HOUR = "HOUR"
    DAY = "DAY"
    MONTH = "MONTH"


@dataclass(frozen=True, slots=True)
class Aggregation:
    """
    How partial records become one: the records of a session, gathered field by field.

    The fields that records came with are gathered; what is derived is derived of the whole. Filters that ask
    for none but those fields, and for none of the figures gathered, are asked of each record too.

    Units:
        timeout_s: seconds without a record after which a session is taken for ended.
        wait_s: seconds that a stopped session waits for records whose numbers are missing.

    Shapes:
        session: the fields that tell a session from all others; each record has all of them.
        record: fields that tell a record from the others of its session; some may be empty. None: *sequence*.
        kind: the field that tells the kind of record; *starts*, *interims*, *stops*: what it may hold; no
            *interims*: any other text is one. *nodes*: the switch begins or ends, and so all its sessions are over.
        node: the fields that name the switch; a record has one of them at least.
        gathered: fields that are not mentioned are taken from the last record that has them.
        sequence: the field that numbers a session's records, from *sequence_first* on.
        at: when a record was made: by it they follow each other.
        elapsed: the field, a COUNTER, with the seconds since the session began. With it and *at* it is seen
            when a switch begins again with a session that it had.
    """

    session: tuple[str, ...]
    kind: str
    stops: tuple[str, ...]
    gathered: tuple[Gathered, ...]
    record: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    interims: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    node: tuple[str, ...] = ()
    sequence: str | None = None
    sequence_first: int = 1
    at: Instant | None = None
    elapsed: str | None = None
    emit: Emit = Emit.AT_STOP
    cut: Cut = Cut.NEVER
    timeout_s: int = 86_400
    wait_s: int = 0
