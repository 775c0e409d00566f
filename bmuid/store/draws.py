"""Draws: what usage took from buckets; the database moves their balances by them."""

from collections.abc import Iterable

from bmuid.store.charges import FIRST_VERSION
from bmuid.store.copying import CONSTANTS, INSTANT, INT4, INT8, TEXT, Field, Rows, copy_in, encoded
from bmuid.store.days import of_day
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced

FIELDS = (
    Field(INT8, 0, 0),
    Field(INSTANT, 0, 1),
    Field(INT8, 0, 2),
    Field(TEXT, CONSTANTS, 0),
    Field(INT8, 0, 3),
    Field(INT4, CONSTANTS, 1),
    Field(INT8, 0, 4),
)
COPY = """
    COPY {} (account_id, started_at, bucket_id, kind, udr_id, version, quantity)
    FROM STDIN BINARY
"""


def rows(priced: Priced) -> list[bytes]:
    """Encode the draws of first charges."""
    drawn = [
        (owner.account_id, udr.started_us, bucket_id, id_, -quantity)
        for id_, udr, owner, rated in zip(
            priced.ids, priced.udrs, priced.owners, priced.rated, strict=True
        )
        for bucket_id, quantity in rated.draws
    ]
    return list(encoded(Rows(FIELDS, (drawn,), ((TEXT, "DRAW"), (INT4, FIRST_VERSION)))))


def add(txn: Transaction, day: int, pieces: Iterable[bytes]) -> None:
    """Write draws to the partition of their day."""
    copy_in(txn, of_day(COPY, "draw", day), pieces)
