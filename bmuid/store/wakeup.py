"""Connections of worker processes, and how they wake each other: NOTIFY, never polling."""

import select
from collections.abc import Sequence

import psycopg2
from psycopg2.sql import SQL, Identifier

from bmuid.store.transaction import Connection, Transaction

# Raised by any call when the database goes away.
LOST = (psycopg2.OperationalError, psycopg2.InterfaceError)

# What is told: a file or part of one can be worked; a file is done; a bill run was asked for; usage is to be
# taken in or rated again; a file is to be made ready once more.
USAGE = "bmu_usage"
DONE = "bmu_done"
BILLING = "bmu_billing"
AGAIN = "bmu_again"
ARRIVING = "bmu_arriving"


def connect(dsn: str) -> Connection:
    """
    Open a connection for work in large batches.

    Errors:
        One of LOST: the database does not answer.
    """
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as txn:
        # So that what a batch sorts and what its triggers look at stays in memory.
        txn.execute("SET work_mem = '32MB'")
    return connection


def listen(txn: Transaction, channels: Sequence[str]) -> None:
    """Hear, from the commit of this transaction on, what is told on the channels."""
    for channel in channels:
        txn.execute(SQL("LISTEN {}").format(Identifier(channel)))


def tell(txn: Transaction, channel: str) -> None:
    """Wake who listens to the channel, when this transaction commits."""
    txn.execute("SELECT pg_notify(%(channel)s, '')", {"channel": channel})


def wait(connection: Connection, also: int, seconds: float) -> bool:
    """
    Return when a listened channel was told of, *also* (a file descriptor) can be read, or the time is over.

    Shapes:
        Result: whether a channel was told of.

    Errors:
        One of LOST: the connection has ended.
    """
    if not connection.notifies:
        select.select([connection.fileno(), also], [], [], seconds)
        connection.poll()
    told = bool(connection.notifies)
    connection.notifies.clear()
    return told
