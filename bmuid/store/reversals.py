"""Charges taken back, and what their draws are undone by."""

from collections.abc import Sequence
from typing import NamedTuple

from bmuid.store.copying import (
    CONSTANTS,
    INSTANT,
    INT4,
    INT8,
    TEXT,
    Field,
    Rows,
    array,
    copy_in,
    encoded,
)
from bmuid.store.days import US_A_DAY, of_day
from bmuid.store.transaction import Transaction

FIELDS = (
    Field(INT8, 0, 0),
    Field(INSTANT, 0, 1),
    Field(INT8, 0, 2),
    Field(INT4, 0, 3),
    Field(TEXT, CONSTANTS, 0),
)
COPY = "COPY {} (account_id, started_at, udr_id, version, reason) FROM STDIN BINARY"


class Reversed(NamedTuple):
    """A charge that is taken back."""

    account_id: int
    started_us: int
    udr_id: int
    version: int


class Moved(NamedTuple):
    """An entry of a bucket's ledger, as it is stored; account_id: the bucket's."""

    account_id: int
    started_us: int
    bucket_id: int
    kind: str
    udr_id: int
    version: int
    quantity: int


def add(txn: Transaction, charges: Sequence[Reversed], reason: str) -> None:
    """Take charges back."""
    by_day: dict[int, list[Reversed]] = {}
    for each in charges:
        by_day.setdefault(each[1] // US_A_DAY, []).append(each)
    for day, of_one in by_day.items():
        rows = Rows(FIELDS, (of_one,), ((TEXT, reason),))
        copy_in(txn, of_day(COPY, "charge_reversal", day), encoded(rows))


def move(txn: Transaction, entries: Sequence[Moved]) -> None:
    """
    Write entries of ledgers of any days, in one statement.

    So the database moves each balance once, by all of them together: on the way it may pass its limits.
    """
    if not entries:
        return
    columns = list(zip(*sorted(entries, key=lambda each: each[1]), strict=True))
    names = ("accounts", "starts", "buckets", "kinds", "ids", "versions", "quantities")
    txn.execute(
        """
        INSERT INTO draw (account_id, started_at, bucket_id, kind, udr_id, version, quantity)
        SELECT account_id, timestamptz 'epoch' + started_us * interval '1 microsecond', bucket_id,
            kind, udr_id, version, quantity
        FROM unnest(%(accounts)s::bigint[], %(starts)s::bigint[], %(buckets)s::bigint[],
            %(kinds)s::text[], %(ids)s::bigint[], %(versions)s::integer[], %(quantities)s::bigint[])
            AS e (account_id, started_us, bucket_id, kind, udr_id, version, quantity)
        """,
        {name: array(column) for name, column in zip(names, columns, strict=True)},
    )
