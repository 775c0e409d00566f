"""Rows into PostgreSQL by COPY in its binary format: the shortest way in that there is."""

import io
import json
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple, Protocol, runtime_checkable

from psycopg2.sql import Composed

from bmuid.store.transaction import Transaction

# Source: PostgreSQL documentation, COPY, "Binary Format".
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# timestamptz counts microseconds from 2000-01-01 UTC.
POSTGRES_EPOCH_US = 946_684_800_000_000

# How a field is written: whole numbers of 2, 4, 8 octets; one of 8 octets, given as the number that it is below zero; an instant, given in microseconds since 1970-01-01 UTC;
# text; octets; jsonb, of a mapping or of what gives its JSON data.
INT2, INT4, INT8, LESS, INSTANT, TEXT, OCTETS, JSON = "h", "i", "q", "n", "t", "s", "b", "j"
# jsonb comes as its version and the text.
JSON_VERSION = b"\1"
# In place of a source: the same value in each row; what the row is made for. In place of an item: the row is the value.
CONSTANTS, EACH, WHOLE = -1, -2, -1
# In place of where it stands what rows are made for each of: nowhere, there is one row.
ONCE = (-1, WHOLE)

PIECE_ROWS = 1000
NULL = struct.pack(">i", -1)
_PACKINGS = {INT2: struct.Struct(">ih"), INT4: struct.Struct(">ii"), INT8: struct.Struct(">iq")}


@runtime_checkable
class Detailed(Protocol):
    """What is written as jsonb."""

    def data(self) -> dict[str, object]:
        """Give it as JSON data."""


class Field(NamedTuple):
    """
    Where one field of a row comes from.

    Shapes:
        source: the place of the list whose elements hold it, or CONSTANTS or EACH.
        item: its place in the element, or WHOLE; of CONSTANTS, its place there.
    """

    form: str
    source: int
    item: int


class Rows(NamedTuple):
    """
    Rows to be written, not yet encoded.

    Shapes:
        sources: lists, no other sequences, of tuples (or of values), parallel.
        constants: (form, value) of each.
    """

    fields: tuple[Field, ...]
    sources: tuple[Sequence[object], ...]
    constants: tuple[tuple[str, object], ...] = ()


def at(row: type[tuple[object, ...]], name: str) -> int:
    """Give the place of a field in a named tuple."""
    places: tuple[str, ...] = getattr(row, "_fields", ())
    return places.index(name)


def copy_in(txn: Transaction, statement: str | Composed, pieces: Iterable[bytes]) -> None:
    """Run ``COPY ... FROM STDIN BINARY`` with encoded rows, their fields in the order of its columns."""
    txn.copy_expert(statement, _Stream(pieces))


def copy_out(txn: Transaction, statement: str, values: Mapping[str, object]) -> memoryview:
    """Run ``COPY (...) TO STDOUT BINARY``, and give the rows that came."""
    octets = io.BytesIO()
    txn.copy_expert(txn.mogrify(statement, values), octets)
    return octets.getbuffer()[len(SIGNATURE) : -len(TRAILER)]


def array(items: Iterable[int | str]) -> str:
    """Write an array of numbers or plain words as PostgreSQL reads it, for a parameter cast to its type."""
    if isinstance(items, list) and items and isinstance(items[0], int):
        # Python writes a list of numbers nearly as PostgreSQL does, in a third of the time.
        return "{" + repr(items)[1:-1] + "}"
    return "{" + ",".join(map(str, items)) + "}"


def began(txn: Transaction) -> int:
    """Give the instant at which this transaction began, in microseconds since 1970-01-01 UTC."""
    txn.execute(
        "SELECT (extract(epoch FROM transaction_timestamp() - timestamptz 'epoch') * 1000000)::bigint"
    )
    row = txn.fetchone()
    assert row is not None, "a SELECT without FROM gives one row"
    return int(row[0])


def encoded(rows: Rows, each: tuple[int, int] = ONCE) -> Iterator[bytes]:
    """
    Encode rows piece by piece, as they are asked for.

    Shapes:
        each: a source and an item with a tuple; there are as many rows as it holds, one made for each.
    """
    constants = tuple(encode_all(form, [value])[0] for form, value in rows.constants)
    count = len(rows.sources[0])
    for first in range(0, count, PIECE_ROWS):
        last = min(first + PIECE_ROWS, count)
        yield _encode_rows(rows.fields, rows.sources, constants, first, last, each)


class _Stream(io.RawIOBase):
    """What psycopg2 reads: one piece after the other, so that encoding and inserting may overlap."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = chain((SIGNATURE,), pieces, (TRAILER,))

    def read(self, _size: int = -1, /) -> bytes:
        """Give the next piece, whatever its size; nothing at the end."""
        return next(self._pieces, b"")


def encode_plainly(
    fields: tuple[Field, ...],
    sources: tuple[Sequence[object], ...],
    constants: tuple[bytes, ...],
    first: int,
    last: int,
    each: tuple[int, int],
    /,
) -> bytes:
    """Encode the rows from first to before last, whose constants are encoded."""
    made_for: list[object] = []
    places: list[int] = []
    for place in range(first, last):
        some = (None,) if each == ONCE else _item(sources[each[0]][place], each[1])
        assert isinstance(some, tuple)
        made_for += some
        places += [place] * len(some)
    columns = [[struct.pack(">h", len(fields))] * len(places)]
    for form, source, item in fields:
        if source == CONSTANTS:
            columns.append([constants[item]] * len(places))
            continue
        rows = made_for if source == EACH else [sources[source][place] for place in places]
        columns.append(encode_all(form, [_item(row, item) for row in rows]))
    return b"".join(map(b"".join, zip(*columns, strict=True)))


def _item(row: object, item: int) -> object:
    if item == WHOLE:
        return row
    assert isinstance(row, tuple)
    return row[item]


def decode_plainly(forms: str, octets: bytes | memoryview, /) -> list[tuple[Any, ...]]:
    """
    Decode rows that COPY gave, of fields of these forms, one letter each; a null is None, jsonb its text.

    Errors:
        ValueError: they are not that.
    """
    rows: list[tuple[Any, ...]] = []
    at, whole = 0, bytes(octets)
    while at < len(whole):
        if int.from_bytes(whole[at : at + 2], "big") != len(forms):
            raise ValueError(f"not a row of {len(forms)} fields")
        at += 2
        row: list[object] = []
        for form in forms:
            length = int.from_bytes(whole[at : at + 4], "big", signed=True)
            at += 4 + max(0, length)
            if at > len(whole):
                raise ValueError("a row is cut")
            row.append(None if length < 0 else _decode(form, whole[at - length : at]))
        rows.append(tuple(row))
    return rows


def _decode(form: str, octets: bytes) -> object:
    if form in _PACKINGS or form == INSTANT:
        if len(octets) != _PACKINGS[INT8 if form == INSTANT else form].size - 4:
            raise ValueError(f"{len(octets)} octets are no {form}")
        number = int.from_bytes(octets, "big", signed=True)
        return number + POSTGRES_EPOCH_US if form == INSTANT else number
    if form == OCTETS:
        return octets
    return octets.removeprefix(JSON_VERSION if form == JSON else b"").decode()


def encode_all(form: str, values: Sequence[object]) -> list[bytes]:
    """
    Encode values of one form: before each its length in 4 octets; a null is the length -1 alone.

    Errors:
        TypeError, struct.error: a value is not of the form, or does not fit.
    """
    if None in values:
        return [NULL if value is None else encode_all(form, [value])[0] for value in values]
    if form in _PACKINGS:
        packing = _PACKINGS[form]
        return list(map(packing.pack, repeat(packing.size - 4), values))
    if form == LESS:
        return encode_all(INT8, [-value for value in values if isinstance(value, int)])
    if form == INSTANT:
        return encode_all(
            INT8, [value - POSTGRES_EPOCH_US for value in values if isinstance(value, int)]
        )
    if form == JSON:
        return encode_all(OCTETS, [json_octets(value) for value in values])
    octets = [value.encode() if isinstance(value, str) else value for value in values]
    return [len(each).to_bytes(4, "big") + each for each in octets if isinstance(each, bytes)]


def json_octets(value: object) -> bytes:
    """
    Write JSON data, or what gives it, as jsonb; the compiled form calls this, too: few rows have any.

    Errors:
        TypeError: it is no such thing.
    """
    if isinstance(value, Detailed):
        data = value.data()
    elif isinstance(value, Mapping):
        data = dict(value)
    else:
        raise TypeError(f"no JSON data in {type(value).__name__}")
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return JSON_VERSION + text.encode()


# The compiled forms, where there was a compiler; nothing but time hangs on them.
try:
    from bmuid.store import _copying
except ImportError:
    decoded, _encode_rows = decode_plainly, encode_plainly
else:
    decoded, _encode_rows = _copying.decode, _copying.encode
