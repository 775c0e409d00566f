"""Requests and answers on one connection of any door, with a deadline for each wait."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
    ISystemHandle,
)
from zope.interface import implementer

from bmu.wire import NO_ID, Answer, Broken, Request, ServerSession, answer_octets
from bmuid.config import Limits
from bmuid.doors.desk import Answered, Caller
from bmuid.operations.perform import refusal
from bmuid.operations.registry import Refused

log = logging.getLogger(__name__)

# TLS waits for the peer's farewell after its own; one that says none is not waited for much longer.
CLOSE_SECONDS_MAX = 5


class ITransport(ISSLTransport, ISystemHandle, IConsumer):
    """What a door uses of a connection's transport."""


class Deadline:
    """
    At most one moment after which something is called.

    A call that is due too early is left to find that out: most waits end long before their time, and making a call
    for each would cost more than the rest of a small request.
    """

    def __init__(self, clock: IReactorTime, passed: Callable[[], object]) -> None:
        self._clock = clock
        self._passed = passed
        self._call: IDelayedCall | None = None
        self._at: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether a wait is bounded now."""
        return self._at is not None

    def set(self, seconds: float) -> None:
        """Bound what begins now, instead of what was bounded before."""
        self._at = self._clock.seconds() + seconds
        if self._call is not None and self._call.getTime() > self._at:
            self._call.cancel()
            self._call = None
        if self._call is None:
            self._call = self._clock.callLater(seconds, self._due)

    def lift(self) -> None:
        """Bound nothing until it is set again, which is soon."""
        self._at = None

    def clear(self) -> None:
        """Bound nothing any more."""
        self._at = None
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _due(self) -> None:
        self._call = None
        if self._at is None:
            return
        left = self._at - self._clock.seconds()
        if left > 0:
            self._call = self._clock.callLater(left, self._due)
            return
        self._at = None
        self._passed()


class Stoppable(Protocol):
    """A connection, as its door sees it."""

    def stop(self) -> None:
        """End, after the answer if one is awaited."""


C = TypeVar("C", bound=Stoppable)


class Connections(Generic[C]):
    """The open connections of a door."""

    def __init__(self) -> None:
        self._open: set[C] = set()
        self._empty: Deferred[None] | None = None

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[C]:
        return iter(tuple(self._open))

    def add(self, connection: C) -> None:
        """Count one more."""
        self._open.add(connection)

    def discard(self, connection: C) -> None:
        """Count one less, if it was counted."""
        self._open.discard(connection)
        if not self._open and self._empty is not None:
            self._empty.callback(None)
            self._empty = None

    def stop(self) -> None:
        """End each, after the answer if one is awaited."""
        for connection in self:
            connection.stop()

    async def gone(self) -> None:
        """Return once none is open: each has a deadline, so that is a matter of time."""
        if self._open:
            self._empty = Deferred()
            await self._empty


@dataclass(frozen=True, slots=True)
class Terms:
    """What a door agrees on with each connection."""

    limits: Limits
    clock: IReactorTime
    ask: Callable[[Caller, Request, Answered], None]


@implementer(IPushProducer)
class Conversation:
    """
    One connection after its caller is known.

    The deadline runs for the next request, the rest of its line, or the reading of an answer. Only the
    work on a request has none here: its statements have theirs.
    """

    def __init__(
        self, transport: ITransport, session: ServerSession, caller: Caller, terms: Terms
    ) -> None:
        self._transport = transport
        self._session = session
        self._caller = caller
        self._terms = terms
        self._deadline = Deadline(terms.clock, transport.abortConnection)
        self._is_over = False
        self._is_last = False

    def begin(self, greeting: bytes) -> None:
        """Greet, and wait for the first request."""
        self._transport.registerProducer(self, streaming=True)
        self._deadline.set(self._terms.limits.idle_seconds_max)
        if greeting:
            self._transport.write(greeting)

    def received(self, octets: bytes) -> None:
        """Take octets as they came."""
        was_idle = self._session.is_idle
        for message in self._session.feed(octets):
            match message:
                case Request():
                    self._deadline.lift()
                    self._terms.ask(self._caller, message, self._answer)
                case Broken(code="EARLY_OCTETS"):
                    log.warning("octets before the answer from %s", self._caller.name)
                    self._transport.abortConnection()
                case Broken():
                    self._refuse(message)
        if was_idle and not self._session.is_idle and self._deadline.is_set:
            self._deadline.set(self._terms.limits.line_seconds_max)

    def stop(self) -> None:
        """End now unless an answer is awaited; then after it."""
        self._is_last = True
        if self._session.is_idle:
            self._transport.abortConnection()

    def over(self) -> None:
        """Note that the connection is gone."""
        self._is_over = True
        self._deadline.clear()

    def pauseProducing(self) -> None:
        """Bound the time that the peer takes to read."""
        self._deadline.set(self._terms.limits.write_seconds_max)

    def resumeProducing(self) -> None:
        """Wait for the next request again: the answer has been read."""
        self._deadline.set(self._terms.limits.idle_seconds_max)

    def stopProducing(self) -> None:
        """Stop: the transport has closed."""
        self._deadline.clear()

    def _answer(self, answer: Answer) -> None:
        if self._is_over:
            return
        self._deadline.set(self._terms.limits.idle_seconds_max)
        self._transport.write(self._session.answer(answer.body, done=answer.done))
        if self._is_last:
            self._close()

    def _refuse(self, broken: Broken) -> None:
        log.warning("%s from %s", broken.code, self._caller.name)
        answer = refusal(NO_ID, Refused(broken.code, broken.text))
        self._transport.write(answer_octets(answer))
        self._close()

    def _close(self) -> None:
        # A transport with a producer would wait for it for ever before it closes.
        self._transport.unregisterProducer()
        self._transport.loseConnection()
        self._deadline.set(CLOSE_SECONDS_MAX)
