"""Verdicts: the lines that did not become a UDR, each kept with the reason."""

from collections.abc import Collection, Sequence
from enum import Enum
from typing import NamedTuple

from bmuid.store.copying import (
    CONSTANTS,
    INSTANT,
    INT8,
    OCTETS,
    TEXT,
    Field,
    Rows,
    began,
    copy_in,
    encoded,
)
from bmuid.store.transaction import Transaction

DETAIL_CHARACTERS_MAX = 140_000

FIELDS = (
    Field(INT8, CONSTANTS, 0),
    Field(INSTANT, CONSTANTS, 1),
    Field(INT8, 0, 0),
    Field(TEXT, 0, 1),
    Field(TEXT, 0, 2),
    Field(TEXT, 0, 3),
    Field(OCTETS, 0, 4),
    Field(OCTETS, 0, 5),
)
COPY = """
    COPY verdict (file_id, at, line_no, verdict, reason, detail, line, event_key)
    FROM STDIN BINARY
"""


class Outcome(Enum):
    """How a line may end other than as new."""

    DUPLICATE = "DUPLICATE"
    SUSPENDED = "SUSPENDED"
    REJECTED = "REJECTED"


class Verdict(NamedTuple):
    """One line's end, with a reason (a code) and what a person needs to mend it."""

    line_no: int
    outcome: Outcome
    reason: str
    detail: str
    line: bytes
    event_key: bytes | None


def add(txn: Transaction, file_id: int, verdicts: Sequence[Verdict]) -> None:
    """Write the verdicts of lines of one file."""
    told = [
        (line_no, outcome.value, reason, storable(detail), line, event_key)
        for line_no, outcome, reason, detail, line, event_key in verdicts
    ]
    if told:
        constants = (INT8, file_id), (INSTANT, began(txn))
        copy_in(txn, COPY, encoded(Rows(FIELDS, (told,), constants)))


def lines(txn: Transaction, file_id: int, wanted: Collection[int]) -> dict[int, bytes]:
    """Give those of the lines of a file that the database has, by number: without usage of their own, or told of in real time."""
    txn.execute(
        """
        SELECT line_no, line FROM verdict
        WHERE file_id = %(file_id)s AND line_no = ANY (%(wanted)s) AND udr_id IS NULL
        UNION ALL
        SELECT line_no, line FROM usage_event
        WHERE file_id = %(file_id)s AND line_no = ANY (%(wanted)s)
        """,
        {"file_id": file_id, "wanted": list(wanted)},
    )
    return {line_no: bytes(line) for line_no, line in txn.fetchall()}


def storable(text: str) -> str:
    """Give a detail as it can be stored: not longer than allowed, odd characters written out."""
    # PostgreSQL's text holds neither NUL nor half a surrogate pair.
    kept = text[:DETAIL_CHARACTERS_MAX].replace("\0", "\\x00")
    return kept.encode("utf-8", "backslashreplace").decode()


def unreadable(txn: Transaction, file_id: int) -> int:
    """Count the lines of a file that no sense could be made of; those its profile leaves out are not among them."""
    txn.execute(
        """
        SELECT count(*) FROM verdict
        WHERE file_id = %(file_id)s AND verdict = 'REJECTED' AND reason <> 'FILTERED'
        """,
        {"file_id": file_id},
    )
    [(count,)] = txn.fetchall()
    return int(count)
