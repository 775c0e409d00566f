"""Draws: what usage took from buckets; the database moves their balances by them."""

from collections.abc import Iterator

from bmuid.store.charges import FIRST_VERSION
from bmuid.store.copying import POSTGRES_EPOCH_US, copy_in, row_start
from bmuid.store.days import of_day
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced

ROW = row_start("q q q 4s q i q")
COPY = """
    COPY {} (account_id, started_at, bucket_id, kind, udr_id, version, quantity)
    FROM STDIN BINARY
"""


def add(txn: Transaction, priced: Priced) -> None:
    """Write the draws of first charges."""
    if any(rated.draws for rated in priced.rated):
        copy_in(txn, of_day(COPY, "draw", priced.day), _rows(priced))


def _rows(priced: Priced) -> Iterator[bytes]:
    pack = ROW.pack
    for id_, udr, owner, rated in priced:
        for bucket_id, quantity in rated.draws:
            yield pack(
                7, 8, owner.account_id, 8, udr.started_us - POSTGRES_EPOCH_US, 8, bucket_id,
                4, b"DRAW", 8, id_, 4, FIRST_VERSION, 8, -quantity,
            )  # fmt: skip
