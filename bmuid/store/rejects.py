"""Lines of a file that did not become usage, as they came, for a person to mend."""

from dataclasses import dataclass

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which lines of a file; reason: None, any but FILTERED.

    Shapes:
        suspended: those that wait and were never charged, too.
        after: only lines with a larger number.
    """

    file: int
    reason: str | None
    suspended: bool
    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class Reject:
    """A line, as it came."""

    line_no: int
    verdict: str
    reason: str
    detail: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """
    How a file's lines were read.

    Shapes:
        header: the line that names its columns; None: it has none.
        is_decoded: its lines were made of its octets, which were none.
        is_stream: it never had octets.
    """

    header: bytes | None
    is_decoded: bool
    is_stream: bool


def form_of(txn: Transaction, file_id: int) -> Form | None:
    """Tell how a file's lines were read; None: there is no such file."""
    txn.execute(
        """
        SELECT header, decoded_octets IS NOT NULL, stream_day IS NOT NULL FROM usage_file WHERE id = %(id)s
        """,
        {"id": file_id},
    )
    row = txn.fetchone()
    return None if row is None else Form(row[0] and bytes(row[0]), row[1], row[2])


def lines(txn: Transaction, wanted: Wanted) -> tuple[Reject, ...]:
    """Give lines in the order they came in."""
    txn.execute(
        """
        SELECT line_no, verdict, reason, detail, line FROM verdict
        WHERE file_id = %(file)s AND line_no > %(after)s AND CASE WHEN %(reason)s IS NULL
            THEN reason <> 'FILTERED' ELSE reason = %(reason)s END
        AND (verdict = 'REJECTED' OR %(suspended)s AND verdict = 'SUSPENDED' AND resolved_at IS NULL AND udr_id IS NULL)
        ORDER BY line_no LIMIT %(limit)s
        """,
        {
            "file": wanted.file,
            "after": wanted.after,
            "reason": wanted.reason,
            "suspended": wanted.suspended,
            "limit": wanted.limit,
        },
    )
    return tuple(Reject(*(*row[:4], bytes(row[4]))) for row in txn.fetchall())
