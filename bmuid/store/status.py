"""How things stand, in a few counts."""

from dataclasses import dataclass
from datetime import datetime

from bmuid.store.transaction import Transaction

UNREAD_DAYS = 7
VERDICTS_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class Queue:
    """
    What waits: files, their lines not yet looked at, bill runs; and since when the oldest of each.

    Shapes:
        blocked: files that are not worked until somebody has acted; held: those that wait to be released;
            not_taken: those that lie in a source's directory still; since when the oldest of these.
    """

    files: int
    lines: int
    oldest_file: datetime | None
    blocked: int
    held: int
    not_taken: int
    oldest_not_taken: datetime | None
    bill_runs: int
    oldest_bill_run: datetime | None


@dataclass(frozen=True, slots=True)
class Totals:
    """
    What there is.

    Shapes:
        udrs: lines of done files that became usage.
        short_of_uids: services that have fewer usage identifiers now than their package says.
        alarms: raised and not over.
        unread: files done in the last days of which no line could be read, and which were not replayed since.
    """

    accounts: int
    sources: int
    files: int
    udrs: int
    suspended: int
    invoices: int
    sessions: int
    audit: int
    short_of_uids: int
    alarms: int
    unread: int


@dataclass(frozen=True, slots=True)
class Versions:
    """Of the schema, of the database server, and the newest revision of the reference data."""

    schema: int
    server: str
    revision: int


def queue(txn: Transaction) -> Queue:
    """Count what waits."""
    txn.execute(
        """
        SELECT count(*), coalesce(sum(f.lines - p.seen), 0)::bigint, min(f.received_at),
            (SELECT count(DISTINCT file_id) FROM usage_file_part WHERE state = 'BLOCKED'),
            (SELECT count(*) FROM usage_file WHERE state = 'HELD'),
            (SELECT count(*) FROM file_waiting), (SELECT min(since) FROM file_waiting),
            (SELECT count(*) FROM bill_run WHERE state = 'OPEN'),
            (SELECT min(created_at) FROM bill_run WHERE state = 'OPEN')
        FROM usage_file AS f CROSS JOIN LATERAL (
            SELECT coalesce(sum(new + duplicate + suspended + rejected), 0) AS seen
            FROM usage_file_part WHERE file_id = f.id
        ) AS p
        WHERE f.state IN ('ARRIVING', 'OPEN')
        """
    )
    [row] = txn.fetchall()
    return Queue(*row)


def totals(txn: Transaction) -> Totals:
    """Count what there is."""
    txn.execute(
        """
        SELECT
            (SELECT count(*) FROM account),
            (SELECT count(*) FROM source),
            (SELECT count(*) FROM usage_file),
            (SELECT coalesce(sum(new), 0)::bigint FROM usage_file),
            (SELECT count(*) FROM verdict WHERE verdict = 'SUSPENDED' AND resolved_at IS NULL),
            (SELECT count(*) FROM invoice),
            (SELECT count(*) FROM session WHERE NOT ended AND ends_at > clock_timestamp()
                AND seen_at > clock_timestamp() - interval '15 minutes'),
            (SELECT coalesce(max(seq), 0) FROM audit),
            (SELECT count(*) FROM account_service AS s
                JOIN package AS p ON p.code = s.package AND p.until IS NULL AND p.uids > 0
                WHERE s.during @> clock_timestamp() AND p.uids > (
                    SELECT count(*) FROM uid_history AS h
                    WHERE h.account_id = s.account_id AND h.account_service_id = s.id AND h.until IS NULL
                    AND h.during @> clock_timestamp())),
            (SELECT count(*) FROM alarm WHERE raised_at IS NOT NULL AND cleared_at IS NULL),
            (SELECT count(*) FROM usage_file AS f
                WHERE f.done_at > clock_timestamp() - make_interval(days => %(days)s)
                AND f.new + f.duplicate + f.suspended = 0 AND f.rejected > 0
                -- Of a long file that is all filtered, not all verdicts are looked at.
                AND EXISTS (
                    SELECT FROM (
                        SELECT reason FROM verdict AS v WHERE v.file_id = f.id LIMIT %(looked_at)s
                    ) AS first WHERE first.reason <> 'FILTERED')
                AND NOT EXISTS (
                    SELECT FROM usage_file AS g WHERE g.source_id = f.source_id AND g.sha256 = f.sha256
                    AND g.replay > f.replay))
        """,
        {"days": UNREAD_DAYS, "looked_at": VERDICTS_LOOKED_AT},
    )
    [row] = txn.fetchall()
    return Totals(*row)


def versions(txn: Transaction) -> Versions:
    """Tell the versions."""
    txn.execute(
        """
        SELECT (SELECT version FROM schema_version), current_setting('server_version'),
            (SELECT coalesce(max(id), 0) FROM revision)
        """
    )
    [row] = txn.fetchall()
    return Versions(*row)
