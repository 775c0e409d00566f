"""Files that are made of sessions: what goes into one is settled before it is written, and it is known once."""

from dataclasses import dataclass, replace

from bmuid.store import files
from bmuid.store.files import Source
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes into one file, and by which profile it is read."""

    id: int
    source: str
    profile: str
    profile_version: int
    lines: int


@dataclass(frozen=True, slots=True)
class Books:
    """
    What became of the partial records of a source.

    Shapes:
        taken: lines of files that were taken into sessions; told: of these, what usage stands for, or what brought nothing
            new; waiting: what sessions have beyond that. taken = told + waiting.
        unwritten: usage made of sessions that is in no file yet, in lines.
    """

    taken: int
    told: int
    waiting: int
    unwritten: int

    @property
    def hold(self) -> bool:
        """Tell whether they add up."""
        return self.taken == self.told + self.waiting


def settle(txn: Transaction, batch_max: int, wait_for: int) -> int:
    """
    Settle what goes into the next files; give how many they are.

    Shapes:
        wait_for: while a source has partial records to be taken, its emissions wait for so many of them.
    """
    txn.execute(
        """
        SELECT e.source_id, e.profile, e.profile_version FROM usage_emission AS e
        WHERE e.batch_id IS NULL GROUP BY 1, 2, 3
        HAVING count(*) >= %(wait_for)s OR NOT EXISTS (
            SELECT FROM usage_file AS f JOIN usage_file_part AS p ON p.file_id = f.id
            WHERE f.source_id = e.source_id AND f.state = 'OPEN' AND p.state = 'SESSION'
        ) ORDER BY 1, 2, 3
        """,
        {"wait_for": wait_for},
    )
    wanted = txn.fetchall()
    for source_id, profile, version in wanted:
        txn.execute(
            """
            WITH these AS MATERIALIZED (
                SELECT session_id, number, rows, line FROM usage_emission
                WHERE batch_id IS NULL AND source_id = %(source)s AND profile = %(profile)s
                AND profile_version = %(version)s
                ORDER BY session_id, number LIMIT %(max)s FOR UPDATE
            ), made AS (
                INSERT INTO usage_batch (source_id, profile, profile_version, rows, emissions, lines)
                SELECT %(source)s, %(profile)s, %(version)s, sum(rows), count(*), count(line)
                FROM these HAVING count(*) > 0 RETURNING id
            )
            UPDATE usage_emission AS e SET batch_id = made.id FROM these, made
            WHERE e.session_id = these.session_id AND e.number = these.number
            """,
            {"source": source_id, "profile": profile, "version": version, "max": batch_max},
        )
    return len(wanted)


def unwritten(txn: Transaction) -> tuple[Batch, ...]:
    """Give the batches whose file is not known yet, the oldest first."""
    txn.execute(
        """
        SELECT b.id, s.code, b.profile, b.profile_version, b.lines
        FROM usage_batch AS b JOIN source AS s ON s.id = b.source_id
        WHERE b.file_id IS NULL AND b.lines > 0 ORDER BY b.id
        """
    )
    return tuple(Batch(*row) for row in txn.fetchall())


def lines(txn: Transaction, batch: Batch) -> list[bytes]:
    """Give the lines of a batch, in the same order whenever it is asked for."""
    txn.execute(
        """
        SELECT line FROM usage_emission WHERE batch_id = %(id)s AND line IS NOT NULL
        ORDER BY session_id, number
        """,
        {"id": batch.id},
    )
    return [bytes(line) for (line,) in txn.fetchall()]


def source(txn: Transaction, batch: Batch) -> Source:
    """Give the source of a batch, as it is now, but with the profile by which its records were read."""
    found = files.source(txn, batch.source)
    assert found is not None, "sources stay"
    return replace(
        found, profile=batch.profile, profile_version=batch.profile_version, assembled=True
    )


def filed(txn: Transaction, batch: Batch, file_id: int) -> None:
    """Note the file that a batch has become."""
    txn.execute(
        "UPDATE usage_batch SET file_id = %(file)s WHERE id = %(id)s",
        {"file": file_id, "id": batch.id},
    )
    assert txn.rowcount == 1, "a batch stays"


def is_filed(txn: Transaction, batch_id: int) -> bool:
    """Tell whether a batch has become a file that is known."""
    txn.execute("SELECT file_id IS NOT NULL FROM usage_batch WHERE id = %(id)s", {"id": batch_id})
    row = txn.fetchone()
    return row is not None and bool(row[0])


def books(txn: Transaction, source: str | None = None) -> Books:
    """Count the partial records of a source, or of all, by what became of them; each number from its own table."""
    txn.execute(
        """
        SELECT (
            SELECT coalesce(sum(p.new), 0) FROM usage_file AS f JOIN usage_file_part AS p ON p.file_id = f.id
            WHERE f.assembly = 'PARTIAL' AND f.source_id = ANY (wanted.ids)
        ), (
            SELECT coalesce(sum(b.rows), 0) FROM usage_batch AS b WHERE b.source_id = ANY (wanted.ids)
        ) + (
            SELECT coalesce(sum(e.rows), 0) FROM usage_emission AS e
            WHERE e.batch_id IS NULL AND e.source_id = ANY (wanted.ids)
        ), (
            SELECT coalesce(sum(u.rows - u.told), 0) FROM usage_session AS u
            WHERE u.source_id = ANY (wanted.ids)
        ), (
            SELECT count(e.line) FROM usage_emission AS e LEFT JOIN usage_batch AS b ON b.id = e.batch_id
            WHERE b.file_id IS NULL AND e.source_id = ANY (wanted.ids)
        )
        FROM (
            SELECT array(SELECT id FROM source WHERE %(source)s IS NULL OR code = %(source)s) AS ids
        ) AS wanted
        """,
        {"source": source},
    )
    [row] = txn.fetchall()
    return Books(*map(int, row))
