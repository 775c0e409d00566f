"""What a transaction is to the rest of the program, and the retry of a whole one in a worker process."""

import random
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import psycopg2
from psycopg2.extensions import connection, cursor

P = ParamSpec("P")
R = TypeVar("R")

# An open cursor inside one database transaction. Functions that get one neither commit nor roll back.
Transaction = cursor
Connection = connection
# What the database, or the way to it, may raise.
DatabaseError = psycopg2.Error

ATTEMPTS_MAX = 5
PAUSE_SECONDS_MAX = 0.2

# SQLSTATEs after which the same whole transaction may succeed: serialization failure, deadlock.
LOST_RACE_STATES = frozenset({"40001", "40P01"})


class LostRaceError(Exception):
    """Raised by work whose whole transaction is to be run again, since another came between."""


def lost_race(error: psycopg2.Error) -> bool:
    """Tell whether running the whole transaction again is the right answer to *error*."""
    return error.pgcode in LOST_RACE_STATES


def lost_connection(error: psycopg2.Error) -> bool:
    """
    Tell whether the database went away under the transaction, or could not be reached.

    If that was at the COMMIT, nobody knows whether it happened: only work that may be done twice, or that
    leaves a key behind to look for, can then be run again.
    """
    if not isinstance(error, (psycopg2.DatabaseError, psycopg2.InterfaceError)):
        return False
    # Without a code the server said nothing more: psycopg2 gives that as a plain DatabaseError, too.
    return error.pgcode is None or error.pgcode[:2] == "08" or error.pgcode[:4] == "57P0"


def took_too_long(error: psycopg2.Error) -> bool:
    """Tell whether a statement was cancelled: it ran, or waited for a lock, beyond its time."""
    return error.pgcode in {"57014", "55P03"}


def is_refused(error: psycopg2.Error) -> bool:
    """Tell whether the database refused what a statement says, so that saying it again is no use."""
    return isinstance(
        error, (psycopg2.DataError, psycopg2.IntegrityError, psycopg2.ProgrammingError)
    )


def run(
    connection: Connection,
    work: Callable[Concatenate[Transaction, P], R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """
    Call ``work(txn, ...)`` in one transaction and commit; roll back when it raises.

    Lost races are run again, ATTEMPTS_MAX times in all. A lost connection is not: the caller can't
    know whether the commit happened, reconnects, and looks.

    Errors:
        psycopg2.Error, LostRaceError: what the last attempt raised.
    """
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            with connection, connection.cursor() as txn:
                return work(txn, *args, **kwargs)
        except (psycopg2.Error, LostRaceError) as error:
            again = isinstance(error, LostRaceError) or lost_race(error)
            if attempt == ATTEMPTS_MAX or not again:
                raise
            time.sleep(random.uniform(0, PAUSE_SECONDS_MAX))
    raise AssertionError("unreachable")
