"""Buckets: locked in the order of their ids, granted once a period; the database keeps the balance."""

from collections.abc import Sequence
from typing import NamedTuple

from bmu.period import from_us
from bmu.rating import BucketState, Grant
from bmuid.store.transaction import Transaction


class Wanted(NamedTuple):
    """A bucket that usage of an account asks for."""

    account_id: int
    account_service_id: int
    grant: Grant


def lock(
    txn: Transaction, account_ids: Sequence[int], first_us: int, last_us: int
) -> list[BucketState]:
    """Lock and give the accounts' buckets whose period touches the time from first to last."""
    txn.execute(
        """
        SELECT id, account_service_id, code, (extract(epoch FROM lower(during)) * 1000000)::bigint,
            (extract(epoch FROM upper(during)) * 1000000)::bigint, balance
        FROM bucket WHERE account_id = ANY (%(account_ids)s)
        AND during && tstzrange(%(first)s, %(last)s, '[]')
        ORDER BY account_id, id FOR NO KEY UPDATE
        """,
        {"account_ids": list(account_ids), "first": from_us(first_us), "last": from_us(last_us)},
    )
    return [BucketState(*row) for row in txn.fetchall()]


def grant(txn: Transaction, wanted: Sequence[Wanted]) -> list[BucketState]:
    """
    Make the buckets, each filled by a GRANT draw; those that exist already are left alone.

    Shapes:
        Result: the buckets made, so fewer than *wanted* when another transaction was first.
    """
    txn.execute(
        """
        WITH made AS (
            INSERT INTO bucket (account_id, account_service_id, code, during, unit, granted)
            SELECT account_id, account_service_id, code, tstzrange(from_, to_), unit, granted
            FROM unnest(%(account_ids)s, %(service_ids)s, %(codes)s, %(froms)s, %(tos)s, %(units)s, %(granted)s)
                AS wanted (account_id, account_service_id, code, from_, to_, unit, granted)
            ON CONFLICT ON CONSTRAINT bucket_once_a_period DO NOTHING
            RETURNING account_id, id, account_service_id, code, during, granted
        ), filled AS (
            INSERT INTO draw (account_id, started_at, bucket_id, kind, quantity)
            SELECT account_id, lower(during), id, 'GRANT', granted FROM made
        )
        SELECT id, account_service_id, code, (extract(epoch FROM lower(during)) * 1000000)::bigint,
            (extract(epoch FROM upper(during)) * 1000000)::bigint, granted
        FROM made
        """,
        {
            "account_ids": [w.account_id for w in wanted],
            "service_ids": [w.account_service_id for w in wanted],
            "codes": [w.grant.code for w in wanted],
            "froms": [from_us(w.grant.from_us) for w in wanted],
            "tos": [from_us(w.grant.to_us) for w in wanted],
            "units": [w.grant.unit.value for w in wanted],
            "granted": [w.grant.quantity for w in wanted],
        },
    )
    return [BucketState(*row) for row in txn.fetchall()]
