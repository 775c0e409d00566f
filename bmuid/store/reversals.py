"""Charges taken back, and what their draws are undone by."""

from collections.abc import Sequence

from bmu.rating.rerate import Live
from bmu.usage import UDR
from bmuid.store.copying import (
    CONSTANTS,
    INSTANT,
    INT4,
    INT8,
    TEXT,
    WHOLE,
    Field,
    Rows,
    array,
    at,
    copy_in,
    encoded,
)
from bmuid.store.days import of_day
from bmuid.store.transaction import Transaction

# Places of the lists that a row comes from.
ACCOUNTS, LIVES, UDRS = range(3)
FIELDS = (
    Field(INT8, ACCOUNTS, WHOLE),
    Field(INSTANT, UDRS, at(UDR, "started_us")),
    Field(INT8, LIVES, at(Live, "udr_id")),
    Field(INT4, LIVES, at(Live, "version")),
    Field(TEXT, CONSTANTS, 0),
)
COPY = "COPY {} (account_id, started_at, udr_id, version, reason) FROM STDIN BINARY"

# An entry of a bucket's ledger: the bucket's account, when its event began, bucket, kind, record, version, quantity.
Moved = tuple[int, int, int, str, int, int, int]


def begin(txn: Transaction, reason: str) -> None:
    """Have the charges reversed that others replace from now on, as those are written."""
    txn.execute("SELECT set_config('bmu.reversed_for', %(reason)s, true)", {"reason": reason})


def end(txn: Transaction) -> None:
    """Have charges replace again only those that are reversed."""
    begin(txn, "")


def add(
    txn: Transaction, day: int, account_ids: list[int], charges: list[Live], reason: str
) -> None:
    """Take charges of one day back; their accounts are parallel."""
    udrs = [live[0] for live in charges]
    rows = Rows(FIELDS, (account_ids, charges, udrs), ((TEXT, reason),))
    copy_in(txn, of_day(COPY, "charge_reversal", day), encoded(rows))


def move(txn: Transaction, entries: Sequence[Moved]) -> None:
    """
    Write entries of ledgers of any days, in one statement.

    So the database moves each balance once, by all of them together: on the way it may pass its limits.
    """
    if not entries:
        return
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
        {
            name: array(column)
            for name, column in zip(names, zip(*entries, strict=True), strict=True)
        },
    )
