"""Who owned which usage identifier when, as of one revision."""

from collections.abc import Iterator

from bmu.period import FOREVER_US
from bmu.rating import OwnerRow
from bmuid.store.transaction import Transaction

ROWS_A_TRIP = 10_000


def at(txn: Transaction, revision: int) -> Iterator[OwnerRow]:
    """
    Give the spans in force at that revision.

    A service's own span is not looked at: it can change without a revision, and workers that share a
    file must agree. Who ends a service ends the ownership of its UIDs with it, by a revision.
    """
    with txn.connection.cursor(name="owners_at") as rows:
        rows.itersize = ROWS_A_TRIP
        rows.execute(
            """
            SELECT h.id, h.uid_type, h.value,
                (extract(epoch FROM lower(h.during)) * 1000000)::bigint,
                coalesce((extract(epoch FROM upper(h.during)) * 1000000)::bigint, %(forever)s),
                a.id, s.id, s.package, a.currency, a.time_zone, a.bill_day
            FROM uid_history AS h
            JOIN account_service AS s ON s.id = h.account_service_id
            JOIN account AS a ON a.id = h.account_id
            WHERE h.since <= %(revision)s AND (h.until IS NULL OR h.until > %(revision)s)
            """,
            {"revision": revision, "forever": FOREVER_US},
        )
        for row in rows:
            yield OwnerRow(*row)
