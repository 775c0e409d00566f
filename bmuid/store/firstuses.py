"""Buckets that begin with their first use: whose have begun, and how one begins, ends unused, and begins again."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from psycopg2.extras import execute_values

from bmu.period import FOREVER_US, from_us, to_us
from bmu.rating import BucketPart, BucketState
from bmuid.store import buckets, days
from bmuid.store.buckets import Wanted
from bmuid.store.transaction import Transaction

# Buckets that began with a use that was none in the end, and did not begin again.
_UNBEGUN = """
    b.granted + b.added = 0 AND EXISTS (
        SELECT FROM draw AS e WHERE e.account_id = b.account_id AND e.started_at = lower(b.during)
        AND e.bucket_id = b.id AND e.udr_id = 0 AND e.kind = 'EXPIRY' AND e.version > 0 AND NOT EXISTS (
            SELECT FROM draw AS g WHERE g.account_id = b.account_id AND g.started_at = lower(b.during)
            AND g.bucket_id = b.id AND g.udr_id = 0 AND g.kind = 'GRANT' AND g.version = e.version
        )
    )
"""


class Key(NamedTuple):
    """Whose buckets, of which type; service 0: all of the account's."""

    account_id: int
    account_service_id: int
    code: str


class Given(NamedTuple):
    """
    The buckets that were given of one key, but for those that began with a use that was none in the end.

    Shapes:
        begun_us: when the first of them begins; starts: when each does.
    """

    begun_us: int
    starts: frozenset[int]


def lock(txn: Transaction, account_ids: Iterable[int]) -> None:
    """Let nobody else begin a bucket of these accounts before this transaction ends."""
    txn.execute(
        "SELECT id FROM account WHERE id = ANY (%(ids)s) ORDER BY id FOR NO KEY UPDATE",
        {"ids": sorted(account_ids)},
    )


def given(txn: Transaction, keys: Iterable[Key]) -> dict[Key, Given]:
    """Give what was given of each key; not there: nobody has used that yet."""
    wanted = set(keys)
    txn.execute(
        f"""
        SELECT account_id, coalesce(account_service_id, 0), code, array_agg(lower(during) ORDER BY during)
        FROM bucket AS b
        WHERE account_id = ANY (%(ids)s) AND code = ANY (%(codes)s) AND part = %(part)s AND NOT ({_UNBEGUN})
        GROUP BY 1, 2, 3
        """,  # noqa: S608 - a constant, no value
        {
            "ids": sorted({key.account_id for key in wanted}),
            "codes": sorted({key.code for key in wanted}),
            "part": BucketPart.ALLOTMENT.value,
        },
    )
    found = {}
    for account_id, service_id, code, starts in txn.fetchall():
        key = Key(account_id, service_id, code)
        if key in wanted:
            found[key] = Given(to_us(starts[0]), frozenset(map(to_us, starts)))
    return found


def begin(txn: Transaction, wanted: Sequence[Wanted]) -> None:
    """Grant buckets; one that began before, and then did not, is as full again as it was made."""
    for day in sorted({each.grant.from_us // days.US_A_DAY for each in wanted}):
        days.ensure(txn, day)
    buckets.grant(txn, wanted)
    txn.execute(
        f"""
        WITH wanted AS (
            SELECT * FROM unnest(%(accounts)s::bigint[], %(services)s::bigint[], %(codes)s::text[],
                %(froms)s::timestamptz[]) AS w (account_id, service_id, code, from_at)
        )
        INSERT INTO draw (account_id, started_at, bucket_id, kind, version, quantity)
        SELECT b.account_id, lower(b.during), b.id, 'GRANT', (
            SELECT max(d.version) FROM draw AS d WHERE d.account_id = b.account_id
            AND d.started_at = lower(b.during) AND d.udr_id = 0 AND d.bucket_id = b.id
        ), b.granted
        FROM bucket AS b JOIN wanted AS w ON w.account_id = b.account_id AND w.code = b.code
            AND w.service_id = coalesce(b.account_service_id, 0) AND w.from_at = lower(b.during)
        WHERE b.part = %(part)s AND {_UNBEGUN}
        """,  # noqa: S608 - a constant, no value
        {
            "accounts": [each.account_id for each in wanted],
            "services": [each.account_service_id or 0 for each in wanted],
            "codes": [each.grant.code for each in wanted],
            "froms": [from_us(each.grant.from_us) for each in wanted],
            "part": BucketPart.ALLOTMENT.value,
        },
    )


def states(txn: Transaction, key: Key) -> list[BucketState]:
    """Lock and give the buckets of a key, but for those that nothing is in, nor was drawn from."""
    txn.execute(
        f"""
        {buckets.STATES} WHERE account_id = %(id)s AND coalesce(account_service_id, 0) = %(service)s
        AND code = %(code)s AND granted + added > 0 ORDER BY id FOR NO KEY UPDATE
        """,
        {
            "id": key.account_id,
            "service": key.account_service_id,
            "code": key.code,
            "forever": FOREVER_US,
        },
    )
    return list(buckets.states(txn.fetchall()))


def end_unused(txn: Transaction, unused: Sequence[BucketState]) -> None:
    """Let buckets lapse whose first use was none in the end: all that was granted is there."""
    execute_values(
        txn,
        """
        INSERT INTO draw (account_id, started_at, bucket_id, kind, version, quantity)
        SELECT b.account_id, lower(b.during), b.id, 'EXPIRY', (
            SELECT max(d.version) + 1 FROM draw AS d WHERE d.account_id = b.account_id
            AND d.started_at = lower(b.during) AND d.udr_id = 0 AND d.bucket_id = b.id
        ), -b.balance
        FROM bucket AS b JOIN (VALUES %s) AS u (account_id, id) ON u.account_id = b.account_id AND u.id = b.id
        WHERE b.balance > 0 AND b.balance = b.granted + b.added
        """,
        [(state.account_id, state.id) for state in unused],
    )
