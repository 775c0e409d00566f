"""The schema's version: installed whole from schema.sql, led on by deltas, checked at each start."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from bmuid.store.transaction import Connection, DatabaseError, Transaction

SCHEMA_VERSION = 1
DELTAS = Path(__file__).parent / "deltas"
DELTA_NAME = re.compile(r"([0-9]{4})-[a-z0-9-]+\.sql")


class SchemaError(Exception):
    """Raised when the schema is not the one this program knows; the message says what to do."""


class UnreachableError(Exception):
    """Raised when the database can't be reached; the message says why."""


@dataclass(frozen=True, slots=True)
class Delta:
    """The step from the version before to *version*."""

    version: int
    path: Path


def schema_path() -> Path:
    """Give the place of schema.sql: beside the packages of a checkout, else where setup.py put it."""
    beside = Path(__file__).parents[2] / "schema.sql"
    return beside if beside.exists() else Path(sys.prefix) / "share" / "bmuid" / "schema.sql"


def deltas(folder: Path = DELTAS) -> tuple[Delta, ...]:
    """
    Give the deltas of *folder*, in order.

    Errors:
        SchemaError: a file is misnamed, or the numbers have a gap or a repeat.
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        named = DELTA_NAME.fullmatch(path.name)
        if named is None:
            raise SchemaError(f"{path}: a delta is named like 0002-what-it-adds.sql")
        found.append(Delta(int(named[1]), path))
    if [delta.version for delta in found] != list(range(2, 2 + len(found))):
        raise SchemaError(f"{folder}: the deltas must be numbered 0002, 0003, ... each once")
    return tuple(found)


def version(txn: Transaction) -> int | None:
    """Give the version of the schema installed; None: there is none."""
    txn.execute("SELECT to_regclass('bmu.schema_version') IS NOT NULL")
    row = txn.fetchone()
    if row is None or not row[0]:
        return None
    txn.execute("SELECT version FROM bmu.schema_version")
    row = txn.fetchone()
    return None if row is None else int(row[0])


def check(txn: Transaction) -> None:
    """
    Pass only when the schema is the one this program knows.

    Errors:
        SchemaError: it is not.
    """
    found = version(txn)
    if found is None:
        raise SchemaError("the database has no bmuid schema; run: bmuid schema install --dsn DSN")
    if found < SCHEMA_VERSION:
        raise SchemaError(
            f"the schema is of version {found}, this program needs {SCHEMA_VERSION};"
            " stop every bmuid, then run: bmuid schema upgrade --dsn DSN"
        )
    if found > SCHEMA_VERSION:
        raise SchemaError(
            f"the schema is of version {found}, this program knows {SCHEMA_VERSION}; install a newer bmuid"
        )


def install(connection: Connection) -> None:
    """
    Make the whole schema in an empty database; all of it or nothing.

    Errors:
        SchemaError: there is one already.
    """
    with connection, connection.cursor() as txn:
        found = version(txn)
        if found is not None:
            raise SchemaError(f"the database has a bmuid schema already, of version {found}")
        txn.execute(schema_path().read_text(encoding="utf-8"))


def upgrade(connection: Connection, steps: tuple[Delta, ...]) -> int:
    """
    Lead the schema on by every delta it has not seen, each in a transaction of its own.

    A delta that meets a lock gives up after two seconds rather than hold up the work behind it, and
    can be run again. Result: the version reached.

    Errors:
        SchemaError: there is no schema.
    """
    with connection, connection.cursor() as txn:
        found = version(txn)
    if found is None:
        raise SchemaError("the database has no bmuid schema; run: bmuid schema install --dsn DSN")
    for delta in steps:
        with connection, connection.cursor() as txn:
            txn.execute("SELECT pg_advisory_xact_lock(hashtext('bmu.schema'))")
            found = version(txn) or 0
            if found >= delta.version:
                continue
            txn.execute("SET LOCAL lock_timeout = '2s'; SET LOCAL search_path = bmu")
            txn.execute("SET LOCAL ROLE bmu_owner")
            txn.execute(delta.path.read_text(encoding="utf-8"))
            txn.execute("RESET ROLE")
            txn.execute("UPDATE bmu.schema_version SET version = %(to)s", {"to": delta.version})
            found = delta.version
    return found


def connect(dsn: str) -> Connection:
    """
    Connect as whoever *dsn* says; for the checks before a start, and the offline tools.

    Errors:
        UnreachableError: the database can't be reached so.
    """
    try:
        return psycopg2.connect(dsn)
    except DatabaseError as error:
        said = " ".join(str(error).split())
        raise UnreachableError(f"the database can't be reached: {said}") from error
