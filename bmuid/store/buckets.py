"""Buckets: locked in the order of their ids, granted once a period; the database keeps the balance."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from bmu.period import from_us
from bmu.rating import BucketState, Grant
from bmuid.store.copying import POSTGRES_EPOCH_US, array, copy_out
from bmuid.store.transaction import Transaction

# Six fields: id, service, the place of its code among those asked for, start, end, balance.
ROW = struct.Struct(">hiqiqiiiqiqiq")


class Wanted(NamedTuple):
    """A bucket that usage of an account asks for."""

    account_id: int
    account_service_id: int
    grant: Grant


class Span(NamedTuple):
    """
    Which buckets of an account: of these types, open at some time from first to last.

    Units:
        first_us, last_us: microseconds since 1970-01-01 UTC, both included.
    """

    first_us: int
    last_us: int
    codes: Sequence[str]


def lock(txn: Transaction, account_ids: Sequence[int], span: Span) -> list[BucketState]:
    """Lock and give the accounts' buckets of the span."""
    octets = copy_out(
        txn,
        """
        COPY (
            SELECT id, account_service_id, array_position(%(codes)s, code), lower(during),
                upper(during), balance
            FROM bucket WHERE account_id = ANY (%(account_ids)s::bigint[])
            AND code = ANY (%(codes)s) AND during && tstzrange(%(first)s, %(last)s, '[]')
            ORDER BY account_id, id FOR NO KEY UPDATE
        ) TO STDOUT BINARY
        """,
        {
            "account_ids": array(account_ids),
            "codes": list(span.codes),
            "first": from_us(span.first_us),
            "last": from_us(span.last_us),
        },
    )
    return [
        BucketState(
            id_,
            service_id,
            span.codes[place - 1],
            from_ + POSTGRES_EPOCH_US,
            to + POSTGRES_EPOCH_US,
            balance,
        )
        for _, _, id_, _, service_id, _, place, _, from_, _, to, _, balance in ROW.iter_unpack(
            octets
        )
    ]


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
