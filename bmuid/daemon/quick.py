"""The quick way of a request that is alone: its two trips to the database between the reactor's other work, without a thread."""

import logging
from datetime import datetime

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReadWriteDescriptor
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from zope.interface import implementer

from bmu.wire import Answer
from bmuid import logs
from bmuid.doors.desk import STOPPING, NotPerformedError
from bmuid.operations.perform import Asked, answer_alone, read_alone
from bmuid.realtime.quick import Quick
from bmuid.store.asking import AskingConnection, Progress
from bmuid.store.quick import Statement
from bmuid.store.transaction import DatabaseError

log = logging.getLogger(__name__)


@implementer(IReadWriteDescriptor)
class _Watched:
    """A connection whose answers the reactor waits for."""

    def __init__(self, reactor: object, connection: AskingConnection) -> None:
        self.connection = connection
        self.is_lost = False
        self._reactor = IReactorFDSet(reactor)
        self._waits: Deferred[None] | None = None
        self._reactor.addReader(self)

    def ask(self, before: str, statement: Statement | None, after: str) -> Deferred[None]:
        """Ask, and give what fires when all is done, or fails."""
        waits: Deferred[None] = Deferred()
        self._waits = waits
        try:
            self._wait(self.connection.ask(before, statement, after))
        except Exception:  # noqa: BLE001 - whoever asked is told
            self._fail(Failure())
        return waits

    def close(self) -> None:
        """Close it; the server takes back what was not committed."""
        if not self.is_lost:
            self.is_lost = True
            self._reactor.removeReader(self)
            self._reactor.removeWriter(self)
            self.connection.close()

    def fileno(self) -> int:
        return self.connection.fileno()

    def logPrefix(self) -> str:
        return "quick"

    def doRead(self) -> None:
        try:
            self._wait(self.connection.progress())
        except DatabaseError:
            self._fail(Failure())

    def doWrite(self) -> None:
        self._reactor.removeWriter(self)
        self.doRead()

    def connectionLost(self, reason: Failure) -> None:
        self._fail(reason)

    def _wait(self, progress: Progress) -> None:
        if progress is Progress.ROOM:
            self._reactor.addWriter(self)
        elif progress is Progress.NOTHING and self._waits is not None:
            waits, self._waits = self._waits, None
            waits.callback(None)

    def _fail(self, reason: Failure) -> None:
        self.close()
        if self._waits is not None:
            waits, self._waits = self._waits, None
            waits.errback(reason)


class QuickWay:
    """
    Performs a request that is alone, if nothing is odd about it; else nothing of it stays, and a lane performs it.

    A connection of its own: it is opened, and anew after any fault, beside the requests, which meanwhile go their other way.
    """

    def __init__(self, reactor: object, dsn: str, quick: Quick) -> None:
        self._reactor = reactor
        self._dsn = dsn
        self._quick = quick
        self._watched: _Watched | None = None
        self._connects = False
        self._is_over = False

    async def perform(self, asked: Asked, now: datetime) -> Answer | None:
        """
        Perform a request and commit; None: nothing was done, or nobody knows, and it is to be performed another way.

        Errors:
            NotPerformedError: it was broken off.
        """
        watched = self._watched
        if watched is None or watched.is_lost:
            self._connect()
            return None
        request = read_alone(asked)
        if request is None or asked.operation.event_of is None:
            return None
        begun = self._quick.begin(
            asked.actor.name, asked.operation.event_of(request.arguments), now
        )
        if begun is None:
            return None
        try:
            await watched.ask("BEGIN;", begun.statement, "")
            ended = self._quick.end(begun, watched.connection.row())
            if ended is None:
                await watched.ask("ROLLBACK", None, "")
                return None
            await watched.ask("", ended.statement, "COMMIT")
        except Exception as error:
            watched.close()
            if self._is_over:
                raise NotPerformedError(STOPPING) from error
            with logs.request(asked.actor.request_id):
                log.warning("the request goes its other way", exc_info=error)
            return None
        assert watched.connection.done() == "COMMIT", "an error would have been told"
        return answer_alone(asked, ended.outcome)

    def cancel(self) -> None:
        """Break off what runs: the time for it is over."""
        self._is_over = True
        if self._watched is not None:
            self._watched.connection.cancel()

    def close(self) -> None:
        """Close its connection; nothing may be running."""
        self._is_over = True
        if self._watched is not None:
            self._watched.close()

    def _connect(self) -> None:
        if not self._connects:
            self._connects = True
            connecting = deferToThread(AskingConnection, self._dsn)
            _ = connecting.addCallbacks(self._connected, self._not_connected)

    def _connected(self, connection: AskingConnection) -> None:
        self._connects = False
        if self._is_over:
            connection.close()
        else:
            self._watched = _Watched(self._reactor, connection)

    def _not_connected(self, _reason: Failure) -> None:
        # Requests say so, on their other way.
        self._connects = False
