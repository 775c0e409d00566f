"""Draws: what usage took from buckets; the database moves their balances by them."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import compress, repeat
from operator import is_, itemgetter

from bmu.rating import EntryKind, Owner, Rated
from bmu.rating.rerate import entries_made
from bmu.usage import UDR
from bmuid.store.charges import FIRST_VERSION
from bmuid.store.copying import (
    CONSTANTS,
    INSTANT,
    INT4,
    INT8,
    TEXT,
    Field,
    Rows,
    at,
    copy_in,
    encoded,
)
from bmuid.store.days import of_day
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced

FIELDS = (
    Field(INT8, 0, 0),
    Field(INSTANT, 0, 1),
    Field(INT8, 0, 2),
    Field(TEXT, 0, 3),
    Field(INT8, 0, 4),
    Field(INT4, CONSTANTS, 0),
    Field(INT8, 0, 5),
)
COLUMNS = "account_id, started_at, bucket_id, kind, udr_id, version, quantity"
COPY = f"COPY {{}} ({COLUMNS}) FROM STDIN BINARY"
DRAW = EntryKind.DRAW.value
_DRAWS, _DETAIL = itemgetter(at(Rated, "draws")), itemgetter(at(Rated, "detail"))
_ACCOUNT, _STARTED = at(Owner, "account_id"), at(UDR, "started_us")


def rows(priced: Priced, elsewhere: Mapping[int, int]) -> list[bytes]:
    """Encode the draws of first charges; elsewhere: as unencoded has it."""
    return list(encoded(unencoded(priced, elsewhere)))


def unencoded(priced: Priced, elsewhere: Mapping[int, int]) -> Rows:
    """
    Give the rows of the draws of first charges.

    Shapes:
        elsewhere: the accounts of buckets that are not of the account that draws.
    """
    # By their places: half of all events draw nothing, and a name costs as much as all else that is asked of them.
    drawn = []
    lists = priced.ids, priced.udrs, priced.owners, priced.rated
    if all(map(is_, map(_DETAIL, priced.rated), repeat(None))):
        draws = list(map(_DRAWS, priced.rated))
        drawn = [
            (owner[_ACCOUNT], udr[_STARTED], bucket_id, DRAW, id_, -quantity)
            for id_, udr, owner, taken in compress(zip(*lists[:3], draws, strict=True), draws)
            for bucket_id, quantity in taken
        ]
    else:
        for id_, udr, owner, rated in zip(*lists, strict=True):
            for bucket_id, kind, quantity in _entries(rated):
                account_id = elsewhere.get(bucket_id, owner.account_id)
                drawn.append((account_id, udr.started_us, bucket_id, kind, id_, quantity))
    return Rows(FIELDS, (drawn,), ((INT4, FIRST_VERSION),))


def add(txn: Transaction, day: int, pieces: Iterable[bytes]) -> None:
    """Write draws to the partition of their day."""
    copy_in(txn, of_day(COPY, "draw", day), pieces)


FIELDS_AGAIN = (*FIELDS[:5], Field(INT4, 0, 6), FIELDS[6])


def add_again(
    txn: Transaction, day: int, priced: Priced, elsewhere: Mapping[int, int], versions: list[int]
) -> None:
    """Write the draws of charges in place of others; versions: parallel to the lists of *priced*."""
    drawn = []
    for id_, udr, owner, rated, version in zip(
        priced.ids, priced.udrs, priced.owners, priced.rated, versions, strict=True
    ):
        for bucket_id, kind, quantity in _entries(rated):
            account_id = elsewhere.get(bucket_id, owner.account_id)
            drawn.append((account_id, udr.started_us, bucket_id, kind, id_, quantity, version))
    if drawn:
        add(txn, day, encoded(Rows(FIELDS_AGAIN, (drawn,), ())))


def _entries(rated: Rated) -> Iterator[tuple[int, str, int]]:
    for bucket_id, kind, quantity in entries_made(rated):
        yield bucket_id, kind.value, quantity
