"""Files that lie in a source's directory and are not taken yet, and why, as the intake worker saw it last."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A file that is not taken yet."""

    source: str
    name: str
    reason: str
    since: datetime


def known(txn: Transaction, source: str | None = None) -> tuple[NotTaken, ...]:
    """Give the files that are not taken, of all sources or of one, the oldest first."""
    txn.execute(
        """
        SELECT s.code, w.name, w.reason, w.since
        FROM file_waiting AS w JOIN source AS s ON s.id = w.source_id
        WHERE %(source)s IS NULL OR s.code = %(source)s ORDER BY w.since, s.code, w.name
        """,
        {"source": source},
    )
    return tuple(NotTaken(*row) for row in txn.fetchall())


def note(txn: Transaction, reasons: Mapping[tuple[str, str], str]) -> None:
    """
    Note which files wait now, and why; all others don't.

    Shapes:
        reasons: by source and name; those of no source are left out.
    """
    values = {
        "sources": [source for source, _ in reasons],
        "names": [name for _, name in reasons],
        "reasons": [*reasons.values()],
    }
    txn.execute(
        """
        DELETE FROM file_waiting AS w WHERE NOT EXISTS (
            SELECT FROM unnest(%(sources)s::text[], %(names)s::text[]) AS now (source, name)
            JOIN source AS s ON s.code = now.source WHERE s.id = w.source_id AND now.name = w.name
        )
        """,
        values,
    )
    txn.execute(
        """
        INSERT INTO file_waiting (source_id, name, reason)
        SELECT s.id, now.name, now.reason
        FROM unnest(%(sources)s::text[], %(names)s::text[], %(reasons)s::text[]) AS now (source, name, reason)
        JOIN source AS s ON s.code = now.source
        ON CONFLICT (source_id, name) DO UPDATE SET reason = excluded.reason
        WHERE file_waiting.reason <> excluded.reason
        """,
        values,
    )
