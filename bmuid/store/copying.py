"""Rows into PostgreSQL by COPY in its binary format: the shortest way in that there is."""

import io
import struct
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from psycopg2.sql import Composed

from bmuid.store.transaction import Transaction

# Source: PostgreSQL documentation, COPY, "Binary Format".
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# timestamptz counts microseconds from 2000-01-01 UTC.
POSTGRES_EPOCH_US = 946_684_800_000_000

# A field is its length in 4 octets and its octets; a null is the length -1.
NULL = struct.pack(">i", -1)

PIECE_ROWS = 1000


def row_start(formats: str) -> struct.Struct:
    """
    Give the packing of the number of a row's fields, and of its first fields as fields() says.

    The first value is the number of all fields of the row.
    """
    return struct.Struct(">h" + "".join(f"i{each}" for each in formats.split()))


def fields(formats: str) -> struct.Struct:
    """
    Give the packing of fields of fixed width; before each value comes its length.

    Shapes:
        formats: struct's letters (h, i, q for 2, 4, 8 octets, 16s for octets), with spaces between.
    """
    return struct.Struct(">" + "".join(f"i{each}" for each in formats.split()))


def varied(octets: bytes) -> bytes:
    """Encode one field of text or bytea."""
    return len(octets).to_bytes(4, "big") + octets


class _Pieces(io.RawIOBase):
    """What psycopg2 reads: the stream in pieces, so that encoding and inserting overlap."""

    def __init__(self, rows: Iterable[bytes]) -> None:
        self._pieces = self._stream(iter(rows))

    @staticmethod
    def _stream(rows: Iterator[bytes]) -> Iterator[bytes]:
        yield SIGNATURE
        while piece := b"".join(islice(rows, PIECE_ROWS)):
            yield piece
        yield TRAILER

    def read(self, _size: int = -1, /) -> bytes:
        """Give the next piece, whatever its size; nothing at the end."""
        return next(self._pieces, b"")


def copy_in(txn: Transaction, statement: str | Composed, rows: Iterable[bytes]) -> None:
    """
    Run ``COPY ... FROM STDIN BINARY`` with *rows*.

    Shapes:
        rows: each encoded whole, the number of its fields first.
    """
    txn.copy_expert(statement, _Pieces(rows))


def copy_out(txn: Transaction, statement: str, values: Mapping[str, object]) -> memoryview:
    """Run ``COPY (...) TO STDOUT BINARY``, and give the rows that came."""
    octets = io.BytesIO()
    txn.copy_expert(txn.mogrify(statement, values), octets)
    return octets.getbuffer()[len(SIGNATURE) : -len(TRAILER)]


def array(items: Iterable[int | str]) -> str:
    """Write an array of numbers or plain words as PostgreSQL reads it, for a parameter cast to its type."""
    return "{" + ",".join(map(str, items)) + "}"


def began(txn: Transaction) -> int:
    """Give the instant at which this transaction began, as COPY writes it."""
    txn.execute(
        "SELECT (extract(epoch FROM transaction_timestamp() - timestamptz 'epoch') * 1000000)::bigint"
    )
    row = txn.fetchone()
    assert row is not None, "a SELECT without FROM gives one row"
    return int(row[0]) - POSTGRES_EPOCH_US
