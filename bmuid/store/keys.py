"""Event keys: each is claimed once, for ever, whatever the file or the day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg2.errors

from bmu.usage import UDR
from bmuid.store.copying import CONSTANTS, INT8, OCTETS, Field, Rows, array, at, copy_in, encoded
from bmuid.store.transaction import Transaction

FIELDS = (
    Field(OCTETS, 0, at(UDR, "event_key")),
    Field(INT8, 0, at(UDR, "content")),
    Field(INT8, CONSTANTS, 0),
    Field(INT8, 0, at(UDR, "line_no")),
)
COPY = "COPY usage_key (event_key, content, file_id, line_no) FROM STDIN BINARY"


class Keyed(Protocol):
    """What is taken in once: a UDR, or any named tuple that begins like one."""

    @property
    def line_no(self) -> int:
        """The number of its line."""

    @property
    def event_key(self) -> bytes:
        """What tells it from all others, for ever."""

    @property
    def content(self) -> int:
        """What tells a repeat from a conflict."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """Who claimed a key before: the content then, and the line of which file."""

    content: int
    file_id: int
    line_no: int


def claim(txn: Transaction, file_id: int, udrs: Sequence[Keyed]) -> Mapping[bytes, Earlier]:
    """
    Claim the event keys of *udrs* for their lines of the file.

    Shapes:
        udrs: no key twice; in the order of the key, so that neighbours share pages of the index.
        Result: the keys that were not to be had, with who has them. All others are ours now.
    """
    txn.execute("SAVEPOINT claim")
    try:
        copy_in(txn, COPY, encoded(Rows(FIELDS, (udrs,), ((INT8, file_id),))))
    except psycopg2.errors.UniqueViolation:
        txn.execute("ROLLBACK TO SAVEPOINT claim")
        return claim_each(txn, file_id, udrs)
    txn.execute("RELEASE SAVEPOINT claim")
    return {}


def claim_each(txn: Transaction, file_id: int, udrs: Sequence[Keyed]) -> Mapping[bytes, Earlier]:
    """Claim event keys as `claim` does, the short way where many of them are taken."""
    columns = {
        "keys": array(udr.event_key.hex() for udr in udrs),
        "contents": array(udr.content for udr in udrs),
        "lines": array(udr.line_no for udr in udrs),
        "file_id": file_id,
    }
    txn.execute(
        """
        INSERT INTO usage_key (event_key, content, file_id, line_no)
        SELECT key, content, %(file_id)s, line_no
        FROM unnest(%(keys)s::uuid[], %(contents)s::bigint[], %(lines)s::bigint[])
            AS arriving (key, content, line_no)
        ORDER BY key ON CONFLICT (event_key) DO NOTHING RETURNING event_key
        """,
        columns,
    )
    ours = {key.replace("-", "") for (key,) in txn.fetchall()}
    if len(ours) == len(udrs):
        return {}
    txn.execute(
        """
        SELECT event_key, content, file_id, line_no FROM usage_key
        WHERE event_key = ANY (%(keys)s::uuid[])
        """,
        {"keys": array(hexed for udr in udrs if (hexed := udr.event_key.hex()) not in ours)},
    )
    return {
        bytes.fromhex(key.replace("-", "")): Earlier(content, earlier_file, line_no)
        for key, content, earlier_file, line_no in txn.fetchall()
    }
