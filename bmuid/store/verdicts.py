"""Verdicts: the lines that did not become a UDR, each kept with the reason."""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from bmuid.store.copying import NULL, began, copy_in, fields, row_start, varied
from bmuid.store.transaction import Transaction

DETAIL_CHARACTERS_MAX = 140_000

START = row_start("q q")
KEY = fields("16s")
AT = fields("q")
COPY = """
    COPY verdict (file_id, line_no, at, event_key, verdict, reason, detail, line)
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
    if verdicts:
        copy_in(txn, COPY, _rows(file_id, began(txn), verdicts))


def _rows(file_id: int, at: int, verdicts: Sequence[Verdict]) -> Iterator[bytes]:
    start, key, instant = START.pack, KEY.pack, AT.pack(8, at)
    for line_no, outcome, reason, detail, line, event_key in verdicts:
        yield b"".join(
            (
                start(8, 8, file_id, 8, line_no),
                instant,
                NULL if event_key is None else key(16, event_key),
                varied(outcome.value.encode()),
                varied(reason.encode()),
                varied(_storable(detail)),
                varied(line),
            )
        )


def _storable(text: str) -> bytes:
    # PostgreSQL's text holds neither NUL nor half a surrogate pair.
    kept = text[:DETAIL_CHARACTERS_MAX].replace("\0", "\\x00")
    return kept.encode("utf-8", "backslashreplace")
