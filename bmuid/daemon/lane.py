"""One connection in a thread of its own, for transactions that somebody waits for one after the other."""

from collections.abc import Callable, Mapping
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from bmuid.store import sparing
from bmuid.store.sparing import SparingConnection
from bmuid.store.transaction import Transaction


class LaneConnection:
    """The connection of a lane, opened on first need, and anew when the server has gone away since its last use."""

    def __init__(self, dsn: str) -> None:
        self.is_fresh = False
        self._dsn = dsn
        self._connection: SparingConnection | None = None

    def reconnect(self) -> None:
        """Open it anew."""
        self.close()
        self._connection = sparing.connect(self._dsn)
        self.is_fresh = True

    def cursor(self) -> Transaction:
        """Give a cursor of the transaction that is open, or begins with its first statement."""
        if self._connection is None or self._connection.closed:
            self.reconnect()
        assert self._connection is not None, "it was opened"
        return self._connection.cursor()

    def commit(self) -> None:
        """Commit."""
        assert self._connection is not None, "it was opened"
        self._connection.commit()
        self.is_fresh = False

    def rollback(self) -> None:
        """Take back whatever was begun."""
        self.is_fresh = False
        if self._connection is not None and not self._connection.closed:
            self._connection.rollback()

    def cancel(self) -> None:
        """Break off the statement that runs."""
        if self._connection is not None and not self._connection.closed:
            self._connection.cancel()

    def close(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()


class _Asked(NamedTuple):
    given: Deferred[Any]
    call: Callable[..., object]
    arguments: tuple[object, ...]


class Lane:
    """
    A connection pool of one, as far as `Pool` needs it.

    Twisted's own threads cost as much as a small transaction.
    """

    def __init__(self, reactor: object, dsn: str) -> None:
        self._threads = IReactorFromThreads(reactor)
        self._connection = LaneConnection(dsn)
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name="lane", daemon=True)

    @property
    def connections(self) -> Mapping[str, LaneConnection]:
        """The one connection."""
        return {"lane": self._connection}

    def runWithConnection(self, call: Callable[..., object], *arguments: object) -> Deferred[Any]:
        """Call ``call(connection, ...)`` in the thread and commit; roll back when it raises."""
        if self._thread.ident is None:
            self._thread.start()
        given: Deferred[Any] = Deferred()
        self._asked.put(_Asked(given, call, arguments))
        return given

    def close(self) -> None:
        """End the thread, and close the connection."""
        self._asked.put(None)

    def _serve(self) -> None:
        while (asked := self._asked.get()) is not None:
            try:
                result = asked.call(self._connection, *asked.arguments)
                self._connection.commit()
            except BaseException:  # noqa: BLE001 - whatever it was, who asked is told
                failure = Failure()
                self._take_back()
                self._threads.callFromThread(asked.given.errback, failure)
            else:
                self._threads.callFromThread(asked.given.callback, result)
        self._connection.close()

    def _take_back(self) -> None:
        try:
            self._connection.rollback()
        except Exception:  # noqa: BLE001 - then it is of no more use
            self._connection.close()
