"""Draws: what usage took from buckets; the database moves their balances by them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress, repeat
from operator import is_, itemgetter
from typing import NamedTuple

from bmu.rating import EntryKind, Owner, Rated
from bmu.rating.rerate import entries_made
from bmu.usage import UDR
from bmuid.store.charges import FIRST_VERSION
from bmuid.store.copying import (
    CONSTANTS,
    EACH,
    INSTANT,
    INT4,
    INT8,
    LESS,
    TEXT,
    WHOLE,
    Field,
    Rows,
    at,
    copy_in,
    encoded,
)
from bmuid.store.transaction import DatabaseError, Transaction
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
# Of events that did nothing but draw: a row for each draw that the outcome holds.
_IDS, _UDRS, _OWNERS, _RATED = range(4)
_OF_EACH = (
    Field(INT8, _OWNERS, at(Owner, "account_id")),
    Field(INSTANT, _UDRS, at(UDR, "started_us")),
    Field(INT8, EACH, 0),
    Field(TEXT, CONSTANTS, 1),
    Field(INT8, _IDS, WHOLE),
    Field(INT4, CONSTANTS, 0),
    Field(LESS, EACH, 1),
)
COLUMNS = "account_id, started_at, bucket_id, kind, udr_id, version, quantity"
# The table above the days, which nobody reads: it has no row level security, and so is copied to.
COPY = f"COPY draw_by_day ({COLUMNS}) FROM STDIN BINARY"
DRAW = EntryKind.DRAW.value
_DRAWS, _DETAIL = itemgetter(at(Rated, "draws")), itemgetter(at(Rated, "detail"))
# Account, start, bucket, kind, record, quantity, version.
_Again = tuple[int, int, int, str, int, int, int]
_ACCOUNT, _STARTED = at(Owner, "account_id"), at(UDR, "started_us")


class Moves(NamedTuple):
    """
    What charges of a day move buckets by.

    What usage grants is written before what any usage draws, of whatever day: the draws of a later day may be of what an
    earlier one grants, and no order of days would be right for all.
    """

    grants: Rows
    draws: Rows


def rows(priced: Priced, elsewhere: Mapping[int, int]) -> tuple[list[bytes], list[bytes]]:
    """
    Encode the grants and the draws of first charges.

    Shapes:
        elsewhere: the accounts of buckets that are not of the account that draws.
    """
    if _only_draw(priced.rated):
        sources = priced.ids, priced.udrs, priced.owners, priced.rated
        constants = (INT4, FIRST_VERSION), (TEXT, DRAW)
        drawn = encoded(Rows(_OF_EACH, sources, constants), (_RATED, at(Rated, "draws")))
        return [], list(filter(None, drawn))
    moves = unencoded(priced, elsewhere)
    return list(encoded(moves.grants)), list(encoded(moves.draws))


def _only_draw(rated: Sequence[Rated]) -> bool:
    """Tell whether events have no detail: then they draw from nobody else's buckets, and grant nothing."""
    return all(map(is_, map(_DETAIL, rated), repeat(None)))


def unencoded(priced: Priced, elsewhere: Mapping[int, int]) -> Moves:
    """
    Give the rows of the grants and draws of first charges.

    Shapes:
        elsewhere: the accounts of buckets that are not of the account that draws.
    """
    # By their places: half of all events draw nothing, and a name costs as much as all else that is asked of them.
    granted: list[tuple[object, ...]] = []
    drawn: list[tuple[object, ...]] = []
    lists = priced.ids, priced.udrs, priced.owners, priced.rated
    if _only_draw(priced.rated):
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
                moved = drawn if kind == DRAW else granted
                moved.append((account_id, udr.started_us, bucket_id, kind, id_, quantity))
    first = ((INT4, FIRST_VERSION),)
    return Moves(Rows(FIELDS, (granted,), first), Rows(FIELDS, (drawn,), first))


def add(txn: Transaction, pieces: Iterable[bytes]) -> None:
    """
    Write draws, or grants, of any days; each bucket is moved once, in the order in which all lock them.

    Errors:
        DatabaseError: `overdrawn` tells whether a bucket held less.
    """
    copy_in(txn, COPY, pieces)


def overdrawn(error: DatabaseError) -> bool:
    """Tell whether draws were refused because a bucket held less."""
    return error.diag.constraint_name == "bucket_never_below_zero"


FIELDS_AGAIN = (*FIELDS[:5], Field(INT4, 0, 6), FIELDS[6])


def add_again(
    txn: Transaction,
    days: Sequence[tuple[int, Priced, list[int]]],
    elsewhere: Mapping[int, int],
) -> None:
    """
    Write grants and draws of charges in place of others.

    Shapes:
        days: their numbers, charges, and versions, parallel to the lists of those.
    """
    granted: list[_Again] = []
    drawn: list[_Again] = []
    for _, priced, versions in days:
        for id_, udr, owner, rated, version in zip(
            priced.ids, priced.udrs, priced.owners, priced.rated, versions, strict=True
        ):
            for bucket_id, kind, quantity in _entries(rated):
                account_id = elsewhere.get(bucket_id, owner.account_id)
                moved = drawn if kind == DRAW else granted
                row = account_id, udr.started_us, bucket_id, kind, id_, quantity, version
                moved.append(row)
    for rows in filter(None, (granted, drawn)):
        add(txn, encoded(Rows(FIELDS_AGAIN, (rows,), ())))


def _entries(rated: Rated) -> Iterator[tuple[int, str, int]]:
    for bucket_id, kind, quantity in entries_made(rated):
        yield bucket_id, kind.value, quantity
