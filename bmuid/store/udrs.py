"""UDRs: one row for each usage record that somebody pays for."""

from collections.abc import Iterable
from dataclasses import dataclass

from bmu.rating import Owner, Rated
from bmu.usage import UDR
from bmuid.store.copying import (
    CONSTANTS,
    INSTANT,
    INT4,
    INT8,
    JSON,
    TEXT,
    WHOLE,
    Field,
    Rows,
    at,
    copy_in,
    encoded,
)
from bmuid.store.days import of_day
from bmuid.store.transaction import Transaction

IDS_A_BLOCK = 1 << 16

# Places of the lists that a row comes from.
IDS, UDRS, OWNERS, RATED = range(4)
FIELDS = (
    Field(INT8, OWNERS, at(Owner, "account_id")),
    Field(INSTANT, UDRS, at(UDR, "started_us")),
    Field(INT8, IDS, WHOLE),
    Field(INT8, CONSTANTS, 0),
    Field(INT8, UDRS, at(UDR, "line_no")),
    Field(INT8, OWNERS, at(Owner, "account_service_id")),
    Field(INT8, OWNERS, at(Owner, "uid_id")),
    Field(INT4, RATED, at(Rated, "usage_class_id")),
    Field(INT8, UDRS, at(UDR, "quantity")),
    Field(TEXT, UDRS, at(UDR, "origin")),
    Field(TEXT, UDRS, at(UDR, "destination")),
    Field(JSON, UDRS, at(UDR, "extras")),
)
COLUMNS = """
    account_id, started_at, id, file_id, line_no, account_service_id, uid_id, usage_class_id,
        quantity, origin, destination, extras"""
COPY = f"COPY {{}} ({COLUMNS}) FROM STDIN BINARY"


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
        ids, udrs, owners, rated: parallel.
    """

    ids: list[int]
    udrs: list[UDR]
    owners: list[Owner]
    rated: list[Rated]


def rows(priced: Priced, file_id: int) -> list[bytes]:
    """Encode the UDRs, read from lines of one file."""
    return list(encoded(unencoded(priced, file_id)))


def unencoded(priced: Priced, file_id: int) -> Rows:
    """Give the rows of UDRs, read from lines of one file."""
    sources = priced.ids, priced.udrs, priced.owners, priced.rated
    return Rows(FIELDS, sources, ((INT8, file_id),))


def add(txn: Transaction, day: int, pieces: Iterable[bytes]) -> None:
    """Write UDRs to the partition of their day."""
    copy_in(txn, of_day(COPY, "udr", day), pieces)
