"""Buckets: locked in the order of their ids, granted once a period, carried over; the database keeps the balance."""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import psycopg2.errors

from bmu.period import FOREVER_US, from_us
from bmu.rating import (
    BucketPart,
    BucketScope,
    BucketState,
    BucketTier,
    Grant,
)
from bmuid.store import at_once
from bmuid.store.at_once import Call, Prepared
from bmuid.store.columns import from_json, json_text
from bmuid.store.copying import POSTGRES_EPOCH_US, array, copy_out
from bmuid.store.transaction import Transaction

# Six fields: id, service, the place of its code among those asked for, start, end, balance.
ROW = struct.Struct(">hiqiqiiiqiqiq")

SAMPLE = BucketState(0, 0, "", 0, 0, 0)

# In the order of the accounts, as draws come: neighbours share pages. Within one as they are wanted: of what is
# alike else, the lower id is drawn from first, so that order must not hang on how many are made at once.
GRANT = """
    INSERT INTO bucket (account_id, account_service_id, share_id, code, during, unit, granted, for_tree, part,
        carried_from, tiers, repeat_last)
    SELECT w.account_id, nullif(w.account_service_id, 0), nullif(%(share_id)s::bigint, 0), g.code, tstzrange(g.from_, g.to_), g.unit,
        g.granted, g.for_tree, g.part, g.carried_from, g.tiers, g.repeat_last
    FROM unnest(%(account_ids)s::bigint[], %(service_ids)s::bigint[], %(places)s::bigint[])
        WITH ORDINALITY AS w (account_id, account_service_id, place, number)
    JOIN unnest(%(codes)s, %(froms)s, %(tos)s::timestamptz[], %(units)s, %(granted)s, %(for_tree)s, %(parts)s,
            %(carried_froms)s::timestamptz[], %(tiers)s::jsonb[], %(repeat_last)s)
        WITH ORDINALITY AS g (code, from_, to_, unit, granted, for_tree, part, carried_from, tiers,
            repeat_last, place) ON g.place = w.place
    ORDER BY w.account_id, w.number
"""
ONCE = "ON CONFLICT DO NOTHING"

STATES = """
    SELECT id, coalesce(account_service_id, 0), code,
        (extract(epoch FROM lower(during)) * 1000000)::bigint,
        coalesce((extract(epoch FROM upper(during)) * 1000000)::bigint, %(forever)s),
        balance, granted + added, account_id, for_tree, part, tiers, repeat_last,
        coalesce((extract(epoch FROM carried_from) * 1000000)::bigint, 0), warned, coalesce(share_id, 0)
    FROM bucket
"""


_READ = """
    FROM bucket WHERE account_id = ANY ({account_ids}::bigint[])
    AND (for_tree OR account_id <> ALL ({above}::bigint[]) OR share_id = ANY ({shares}::bigint[]))
    AND code = ANY ({codes}::text[]) AND during && tstzrange({first}::timestamptz, {last}::timestamptz, '[]')
    ORDER BY account_id, id
"""
_FOR_US = "FOR NO KEY UPDATE"
_VALUES = ("account_ids", "above", "shares", "codes", "first", "last")
_MANY = f"""
    COPY (
        SELECT id, coalesce(account_service_id, 0), array_position(%(codes)s, code), lower(during),
            coalesce(upper(during), 'infinity'), balance
        {_READ.format(**{name: f"%({name})s" for name in _VALUES})} {{lock}}
    ) TO STDOUT BINARY
"""
_READ_MANY, _LOCK_MANY = _MANY.format(lock=""), _MANY.format(lock=_FOR_US)
# Few are asked for where somebody waits for them, and then planning would take longer than all else.
FEW_ACCOUNTS = 32
_FEW = f"""
    SELECT id, coalesce(account_service_id, 0), code,
        (extract(epoch FROM lower(during)) * 1000000)::bigint,
        coalesce((extract(epoch FROM upper(during)) * 1000000)::bigint, {FOREVER_US}), balance
    {_READ.format(**{name: f"${place}" for place, name in enumerate(_VALUES, 1)})}
"""  # noqa: S608 - all of it is ours
_READ_FEW = Prepared("read few buckets", _FEW)
_LOCK_FEW = Prepared("lock few buckets", _FEW + _FOR_US)


class Wanted(NamedTuple):
    """A bucket that usage of an account asks for; without a service it is the account's, or a share plan's of it."""

    account_id: int
    account_service_id: int | None
    grant: Grant


class Span(NamedTuple):
    """
    Which buckets of an account: of these types, open at some time from first to last.

    Shapes:
        whole: those of the types that are not drawn from plainly.
        above: accounts whose buckets for the accounts below them are meant, too; or their share plans', as shares says.

    Units:
        first_us, last_us: microseconds since 1970-01-01 UTC, both included.
    """

    first_us: int
    last_us: int
    codes: Sequence[str]
    whole: Sequence[str] = ()
    above: Sequence[int] = ()
    shares: Sequence[int] = ()


def states_plainly(
    octets: memoryview, codes: tuple[str, ...], sample: BucketState, /
) -> list[BucketState]:
    """Make the buckets of rows that `lock` read; all else is as in the sample."""
    return [
        replace(
            sample,
            id=id_,
            account_service_id=service_id,
            code=codes[place - 1],
            from_us=from_ + POSTGRES_EPOCH_US,
            to_us=to + POSTGRES_EPOCH_US,
            balance=balance,
        )
        for _, _, id_, _, service_id, _, place, _, from_, _, to, _, balance in ROW.iter_unpack(
            octets
        )
    ]


try:
    from bmuid.store._states import states as _states_of
except ImportError:
    _states_of = states_plainly


def lock(txn: Transaction, account_ids: Sequence[int], span: Span) -> list[BucketState]:
    """
    Lock and give the accounts' buckets of the span.

    Whoever locks several does it by account and id, so no two wait for each other.
    """
    found = _read(txn, (_LOCK_FEW, _LOCK_MANY), account_ids, span)
    whole = _whole(txn, account_ids, span)
    if not whole:
        return found
    locked = {state.id for state in found}
    if any(_is_of(whole[id_], span) for id_ in whole.keys() - locked):
        # Made by whom this one waited for: a statement sees what was there as it began.
        return lock(txn, account_ids, span)
    return [whole.get(state.id, state) for state in found]


def read(txn: Transaction, account_ids: Sequence[int], span: Span) -> list[BucketState]:
    """Give the accounts' buckets of the span, all of plain types, without keeping others from them."""
    assert not span.whole, span
    return _read(txn, (_READ_FEW, _READ_MANY), account_ids, span)


def _read(
    txn: Transaction, by: tuple[Prepared, str], account_ids: Sequence[int], span: Span
) -> list[BucketState]:
    few, many = by
    values = {
        "account_ids": array([*account_ids, *span.above]),
        "above": array(span.above),
        "shares": array(span.shares),
        "codes": list(span.codes),
        "first": from_us(span.first_us),
        "last": from_us(span.last_us),
    }
    if len(account_ids) + len(span.above) <= FEW_ACCOUNTS:
        at_once.perform(txn, [Call(few, [values[name] for name in _VALUES])])
        return [BucketState(*row) for row in txn.fetchall()]
    return _states_of(copy_out(txn, many, values), tuple(span.codes), SAMPLE)


def any_left(txn: Transaction, used_up: Sequence[tuple[int, int]]) -> bool:
    """Tell whether there is something in any of these buckets, given by account and id."""
    txn.execute(
        """
        SELECT EXISTS (
            SELECT FROM unnest(%(account_ids)s::bigint[], %(ids)s::bigint[]) AS u (account_id, id)
            JOIN bucket AS b ON b.account_id = u.account_id AND b.id = u.id WHERE b.balance > 0
        )
        """,
        {
            "account_ids": array(account_id for account_id, _ in used_up),
            "ids": array(id_ for _, id_ in used_up),
        },
    )
    row = txn.fetchone()
    return row is not None and row[0] is True


def _is_of(state: BucketState, span: Span) -> bool:
    """Tell whether a bucket is one of those that are locked."""
    return state.for_tree or state.account_id not in span.above or state.share_id in span.shares


def grant(txn: Transaction, wanted: Sequence[Wanted], share_id: int = 0) -> None:
    """Make the buckets, full, all of one share plan or none of any; one that exists already is left alone."""
    # Most are the very same few; it costs more to see that two are alike than to write both.
    same = {id(w.grant): w.grant for w in wanted}
    places = dict(zip(same, range(1, len(same) + 1), strict=True))
    grants = list(same.values())
    values = {
        "share_id": share_id,
        "account_ids": array(w.account_id for w in wanted),
        "service_ids": array(w.account_service_id or 0 for w in wanted),
        "places": array(places[id(w.grant)] for w in wanted),
        "codes": [grant.code for grant in grants],
        "froms": [from_us(grant.from_us) for grant in grants],
        "tos": [_end(grant.to_us) for grant in grants],
        "units": [grant.unit.value for grant in grants],
        "granted": [grant.quantity for grant in grants],
        "for_tree": [grant.scope is BucketScope.TREE for grant in grants],
        "parts": [grant.part.value for grant in grants],
        "carried_froms": [
            from_us(grant.since_us) if grant.part is BucketPart.CARRIED else None
            for grant in grants
        ],
        "tiers": [json_text(grant.tiers) if grant.tiers else None for grant in grants],
        "repeat_last": [grant.repeat_last for grant in grants],
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


def warn(txn: Transaction, warned: Mapping[int, int], account_ids: Sequence[int]) -> None:
    """Note the highest threshold that was reached, by bucket."""
    txn.execute(
        """
        UPDATE bucket AS b SET warned = w.warned
        FROM unnest(%(ids)s::bigint[], %(warned)s::smallint[]) AS w (id, warned)
        WHERE b.id = w.id AND b.account_id = ANY (%(account_ids)s)
        """,
        {
            "ids": list(warned),
            "warned": list(warned.values()),
            "account_ids": list(account_ids),
        },
    )


def _whole(txn: Transaction, account_ids: Sequence[int], span: Span) -> dict[int, BucketState]:
    """Read all of buckets of the span's whole types, which are locked."""
    if not span.whole:
        return {}
    txn.execute(
        f"""
        {STATES} WHERE account_id = ANY (%(account_ids)s) AND code = ANY (%(codes)s)
        AND during && tstzrange(%(first)s, %(last)s, '[]')
        """,
        {
            "account_ids": [*account_ids, *span.above],
            "codes": list(span.whole),
            "first": from_us(span.first_us),
            "last": from_us(span.last_us),
            "forever": FOREVER_US,
        },
    )
    return {state.id: state for state in states(txn.fetchall())}


def _end(us: int) -> datetime | None:
    return from_us(us) if us < FOREVER_US else None


def states(rows: Iterable[tuple[Any, ...]]) -> Iterator[BucketState]:
    """Read rows that STATES selects."""
    for id_, service_id, code, from_, to, balance, granted, account_id, *kept in rows:
        for_tree, part, tiers, repeat_last, since, warned, share_id = kept
        yield BucketState(
            id=id_,
            account_service_id=service_id,
            code=code,
            from_us=from_,
            to_us=to,
            balance=balance,
            granted=granted,
            account_id=account_id,
            share_id=share_id,
            for_tree=for_tree,
            part=BucketPart(part),
            tiers=from_json(tuple[BucketTier, ...], tiers) or (),
            repeat_last=repeat_last,
            since_us=since,
            warned=warned,
        )
