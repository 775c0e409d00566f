"""UDRs: one row for each usage record that somebody pays for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bmu.rating import Owner, Rated
from bmu.usage import UDR
from bmuid.store.copying import POSTGRES_EPOCH_US, copy_in, row_start
from bmuid.store.days import of_day
from bmuid.store.transaction import Transaction

IDS_A_BLOCK = 1 << 16

COPY = """
    COPY {} (account_id, started_at, id, file_id, line_no, account_service_id, uid_id,
        usage_class_id, quantity, origin, destination) FROM STDIN BINARY
"""


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
    New usage of one day, with who pays what for it.

    Shapes:
        day: its number since 1970-01-01 UTC.
        ids, udrs, owners, rated: parallel.
    """

    day: int
    ids: list[int]
    udrs: list[UDR]
    owners: list[Owner]
    rated: list[Rated]

    def __iter__(self) -> Iterator[tuple[int, UDR, Owner, Rated]]:
        return zip(self.ids, self.udrs, self.owners, self.rated, strict=True)


def add(txn: Transaction, file_id: int, priced: Priced) -> None:
    """Write the UDRs, read from lines of one file, to the partition of their day."""
    copy_in(txn, of_day(COPY, "udr", priced.day), _rows(file_id, priced))


def _rows(file_id: int, priced: Priced) -> Iterator[bytes]:
    packs: dict[tuple[int, int], Callable[..., bytes]] = {}
    for id_, udr, owner, rated in priced:
        line_no, _, _, _, _, _, started_us, quantity, origin_text, destination_text = udr
        origin, destination = origin_text.encode(), destination_text.encode()
        lengths = len(origin), len(destination)
        pack = packs.get(lengths)
        if pack is None:
            # Numbers have few lengths, so a row is one call.
            pack = packs[lengths] = row_start("q q q q q q q i q {}s {}s".format(*lengths)).pack
        yield pack(
            11, 8, owner.account_id, 8, started_us - POSTGRES_EPOCH_US, 8, id_, 8, file_id,
            8, line_no, 8, owner.account_service_id, 8, owner.uid_id, 4, rated.usage_class_id,
            8, quantity, lengths[0], origin, lengths[1], destination,
        )  # fmt: skip
