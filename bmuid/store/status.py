"""How things stand, in a few counts."""

from dataclasses import dataclass
from datetime import datetime

from bmuid.store.transaction import Transaction


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
            (SELECT count(*) FROM alarm WHERE raised_at IS NOT NULL AND cleared_at IS NULL)
        """
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
