"""Buckets: locked in the order of their ids, granted once a period; the database keeps the balance."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

import psycopg2.errors

from bmu.period import from_us
from bmu.rating import BucketState, Grant
from bmuid.store.copying import POSTGRES_EPOCH_US, array, copy_out
from bmuid.store.transaction import Transaction

# Six fields: id, service, the place of its code among those asked for, start, end, balance.
ROW = struct.Struct(">hiqiqiiiqiqiq")

# In the order of the accounts, as draws come: neighbours share pages.
GRANT = """
    INSERT INTO bucket (account_id, account_service_id, code, during, unit, granted)
    SELECT w.account_id, w.account_service_id, g.code, tstzrange(g.from_, g.to_), g.unit, g.granted
    FROM unnest(%(account_ids)s::bigint[], %(service_ids)s::bigint[], %(places)s::bigint[])
        AS w (account_id, account_service_id, place)
    JOIN unnest(%(codes)s, %(froms)s, %(tos)s, %(units)s, %(granted)s)
        WITH ORDINALITY AS g (code, from_, to_, unit, granted, place) ON g.place = w.place
    ORDER BY w.account_id
"""
ONCE = "ON CONFLICT ON CONSTRAINT bucket_once_a_period DO NOTHING"


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


def grant(txn: Transaction, wanted: Sequence[Wanted]) -> None:
    """Make the buckets, full; one that exists already is left alone."""
    grants = {
        grant: place for place, grant in enumerate(dict.fromkeys(w.grant for w in wanted), 1)
    }
    values = {
        "account_ids": array(w.account_id for w in wanted),
        "service_ids": array(w.account_service_id for w in wanted),
        "places": array(grants[w.grant] for w in wanted),
        "codes": [grant.code for grant in grants],
        "froms": [from_us(grant.from_us) for grant in grants],
        "tos": [from_us(grant.to_us) for grant in grants],
        "units": [grant.unit.value for grant in grants],
        "granted": [grant.quantity for grant in grants],
    }
    txn.execute("SAVEPOINT granting")
    try:
        txn.execute(GRANT, values)
    except psycopg2.errors.UniqueViolation:
        # Rare: a worker began anew within the month.
        txn.execute("ROLLBACK TO SAVEPOINT granting")
        txn.execute(GRANT + ONCE, values)
    else:
        txn.execute("RELEASE SAVEPOINT granting")
