"""Transactions in pool threads: the only runWithConnection, and the daemon's only retry of a whole transaction."""

import random
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from twisted.enterprise import adbapi
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from bmuid.daemon.lane import Lane
from bmuid.doors.desk import BUSY, OUTCOME_UNKNOWN, UNAVAILABLE, NotPerformedError
from bmuid.store.transaction import (
    ATTEMPTS_MAX,
    PAUSE_SECONDS_MAX,
    DatabaseError,
    Transaction,
    lost_connection,
    lost_race,
    took_too_long,
)

P = ParamSpec("P")
R = TypeVar("R")


# adbapi has no types: each call into it carries its own "type: ignore" here, and nowhere else.


class _Connection(adbapi.Connection):
    """The connection of one pool thread, opened anew when the server has gone away since its last use."""

    is_fresh = False

    def reconnect(self) -> None:
        super().reconnect()  # type: ignore[no-untyped-call]
        if self.closed:
            super().reconnect()  # type: ignore[no-untyped-call]
            self.is_fresh = True

    def rollback(self) -> None:
        # adbapi's own reports a fault for a connection that is gone; it has nothing to roll back.
        if not self.closed:
            super().rollback()  # type: ignore[no-untyped-call]


class Connected(Protocol):
    """A connection, as work needs it; fresh: it was opened for this work."""

    is_fresh: bool

    def reconnect(self) -> None:
        """Open it anew."""

    def cursor(self) -> Transaction:
        """Give a cursor."""


class _Attempt:
    """One run of the work; whether it came as far as the COMMIT."""

    def __init__(self) -> None:
        self.at_commit = False

    def __call__(self, connection: Connected, work: Callable[[Transaction], R]) -> R:
        try:
            result = self._run(connection, work)
        except DatabaseError as error:
            # The server was started anew while the connection lay in the pool: nothing was done yet.
            if connection.is_fresh or not lost_connection(error):
                raise
            connection.reconnect()
            result = self._run(connection, work)
        self.at_commit = True
        return result

    def _run(self, connection: Connected, work: Callable[[Transaction], R]) -> R:
        with connection.cursor() as txn:
            return work(txn)


class _Connections(adbapi.ConnectionPool):
    connectionFactory = _Connection  # noqa: N815 - adbapi's name


class Pool:
    """Connections of one database role, each in a thread of its own; what finds none free waits its turn."""

    def __init__(self, reactor: object, dsn: str, connections_max: int, waiting_max: int) -> None:
        self._clock = IReactorTime(reactor)
        self._free = connections_max + waiting_max
        self._connections = self._open(reactor, dsn, connections_max)

    def _open(self, reactor: object, dsn: str, connections_max: int) -> _Connections | Lane:
        return _Connections(
            "psycopg2", dsn, cp_min=0, cp_max=connections_max, cp_reactor=reactor, cp_noisy=False
        )  # type: ignore[no-untyped-call]

    async def run(
        self,
        work: Callable[Concatenate[Transaction, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """
        Call ``work(txn, ...)`` in a transaction and commit; roll back when it raises.

        Lost races are run again as a whole, ATTEMPTS_MAX times in all.

        Errors:
            NotPerformedError: the database was too busy or away, or went away at the COMMIT.
        """
        return await self._run(lambda txn: work(txn, *args, **kwargs), repeatable=False)

    async def run_repeatable(
        self,
        work: Callable[Concatenate[Transaction, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Do as run, for work that may be done twice: then a COMMIT of unknown outcome is run again."""
        return await self._run(lambda txn: work(txn, *args, **kwargs), repeatable=True)

    def cancel(self) -> None:
        """Break off every statement that runs: the time for it is over."""
        for connection in self._connections.connections.values():
            connection.cancel()

    def close(self) -> None:
        """Close every connection; nothing may be running."""
        self._connections.close()

    async def _run(self, work: Callable[[Transaction], R], *, repeatable: bool) -> R:
        if self._free == 0:
            raise NotPerformedError(BUSY)
        self._free -= 1
        try:
            return await self._attempts(work, repeatable=repeatable)
        finally:
            self._free += 1

    async def _attempts(self, work: Callable[[Transaction], R], *, repeatable: bool) -> R:
        for left in reversed(range(ATTEMPTS_MAX)):
            attempt = _Attempt()
            try:
                result: R = await self._connections.runWithConnection(attempt, work)
            except DatabaseError as error:
                unknown = lost_connection(error) and attempt.at_commit
                if not left or not (lost_race(error) or (unknown and repeatable)):
                    raise _renamed(error, unknown=unknown) from error
            else:
                return result
            await deferLater(self._clock, random.uniform(0, PAUSE_SECONDS_MAX))  # noqa: S311 - jitter is no secret
        raise AssertionError("unreachable")


class OneLane(Pool):
    """One connection, for transactions that somebody waits for one after the other."""

    def __init__(self, reactor: object, dsn: str) -> None:
        super().__init__(reactor, dsn, 1, 0)

    def _open(self, reactor: object, dsn: str, _connections_max: int) -> Lane:
        return Lane(reactor, dsn)


def _renamed(error: DatabaseError, *, unknown: bool) -> Exception:
    if unknown:
        return NotPerformedError(OUTCOME_UNKNOWN)
    if lost_connection(error):
        return NotPerformedError(UNAVAILABLE)
    if lost_race(error) or took_too_long(error):
        return NotPerformedError(BUSY)
    return error
