"""Why a line became no UDR: a closed list of reasons, and in words what was read and what was expected."""

from dataclasses import dataclass
from enum import Enum

READ_CHARACTERS_MAX = 60


class Reason(Enum):
    """Why a line became no UDR; the value is the text in the database."""

    FILTERED = "FILTERED"
    MALFORMED_LINE = "MALFORMED_LINE"
    BAD_ENCODING = "BAD_ENCODING"
    MISSING_FIELD = "MISSING_FIELD"
    BAD_TIME = "BAD_TIME"
    BAD_QUANTITY = "BAD_QUANTITY"
    BAD_NUMBER = "BAD_NUMBER"
    BAD_FIELD = "BAD_FIELD"


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that became no UDR; FILTERED ones are well-formed and meant not to."""

    line_no: int
    reason: Reason
    detail: str


class UnreadError(Exception):
    """Raised where a line can't be read on; it never leaves this room."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def shown(text: str) -> str:
    """Quote what was read, shortened, in printable characters only."""
    if len(text) > READ_CHARACTERS_MAX:
        return ascii(text[:READ_CHARACTERS_MAX]) + "..."
    return ascii(text)
