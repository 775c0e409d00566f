"""UDRs: usage records that somebody pays for; the first charge of each is its row, too."""

from dataclasses import dataclass

from bmu.rating import Owner, Rated
from bmu.usage import UDR
from bmuid.store.transaction import Transaction

IDS_A_BLOCK = 1 << 16


def new_ids(txn: Transaction, count: int) -> list[int]:
    """Give *count* ids that no UDR has; one value of the sequence is a block of 65536 of them."""
    blocks = -(-count // IDS_A_BLOCK)
    txn.execute(
        "SELECT nextval('udr_block') FROM generate_series(1, %(blocks)s)", {"blocks": blocks}
    )
    ids: list[int] = []
    for (block,) in txn.fetchall():
        first = block * IDS_A_BLOCK
        ids += range(first, first + min(IDS_A_BLOCK, count - len(ids)))
    return ids


@dataclass(frozen=True, slots=True)
class Priced:
    """
    Usage of one day, with who pays what for it.

    Shapes:
        ids, udrs, owners, rated: parallel.
    """

    ids: list[int]
    udrs: list[UDR]
    owners: list[Owner]
    rated: list[Rated]
