"""Where every door hands in its requests: looked up, counted, performed, logged, and always answered."""

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from bmu.wire import Answer, Request
from bmuid import logs
from bmuid.config import Secrets
from bmuid.doors.limits import Allowance
from bmuid.operations.perform import UNKNOWN, refusal
from bmuid.operations.registry import Actor, Door, Operation, RateClass, Refused, Role

BUSY = Refused("BUSY", "too much is asked at the moment; try again in a few seconds")
UNAVAILABLE = Refused(
    "UNAVAILABLE", "the database can't be reached at the moment; try again later"
)
OUTCOME_UNKNOWN = Refused(
    "OUTCOME_UNKNOWN",
    "the connection to the database was lost at the last moment; look whether the change was made",
)
STOPPING = Refused("UNAVAILABLE", "bmuid is stopping; try again in a few seconds")

log = logging.getLogger(__name__)


class NotPerformedError(Exception):
    """
    Raised when the database let the work down, so that nothing was done, or nobody knows.

    Shapes:
        refused: BUSY, UNAVAILABLE or OUTCOME_UNKNOWN.
    """

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.code)
        self.refused = refused


Perform = Callable[[Operation, Actor, Mapping[str, str], datetime], Awaitable[Answer]]
Allowances = Mapping[RateClass, Allowance]
Answered = Callable[[Answer], None]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at a door: a name for the log and the audit, and the roles the door gives."""

    name: str
    door: Door
    roles: frozenset[Role]


class Asks(Protocol):
    """Where a door hands in its requests."""

    def ask(
        self, caller: Caller, request: Request, allowance: Allowances | None, answered: Answered
    ) -> None:
        """Perform *request* and call *answered*, once."""


class Desk:
    """The one way from a door to the operations."""

    def __init__(
        self,
        operations: Iterable[Operation],
        perform: Perform,
        secrets: Secrets,
        clock: IReactorTime,
    ) -> None:
        # By door and name; by name alone, so that a try at another door's is denied and audited.
        self._operations: dict[tuple[Door | None, str], Operation] = {}
        for operation in operations:
            for door in (*operation.doors, None):
                self._operations[door, operation.name] = operation
        self._perform = perform
        self._secrets = secrets
        self._clock = clock
        self._outstanding = 0
        self._is_open = True
        self._drained: Deferred[None] | None = None

    def ask(
        self, caller: Caller, request: Request, allowance: Allowances | None, answered: Answered
    ) -> None:
        """Perform *request* and call *answered*, once: whatever happens is an answer."""
        begun = self._clock.seconds()
        self._outstanding += 1
        _ = (
            Deferred.fromCoroutine(self._answer(caller, request, allowance))
            .addErrback(self._crashed, request)
            .addCallback(self._note, caller, request, begun)
            .addCallback(answered)
        )

    async def drain(self) -> None:
        """Take no more requests; return once those taken are answered."""
        self._is_open = False
        if self._outstanding:
            self._drained = Deferred()
            await self._drained

    async def _answer(
        self, caller: Caller, request: Request, allowance: Allowances | None
    ) -> Answer:
        named = self._operations.get((None, request.operation))
        operation = self._operations.get((caller.door, request.operation), named)
        if not self._is_open:
            return refusal(request.id, STOPPING)
        if operation is None:
            return refusal(request.id, UNKNOWN)
        if allowance and not allowance[operation.rate_class].take(self._clock.seconds()):
            return refusal(request.id, BUSY)
        actor = Actor(caller.name, caller.door, caller.roles, request.id, self._secrets)
        now = datetime.fromtimestamp(self._clock.seconds(), UTC)
        try:
            return await self._perform(operation, actor, request.arguments, now)
        except NotPerformedError as error:
            return refusal(request.id, error.refused)

    def _crashed(self, failure: Failure, request: Request) -> Answer:
        with logs.request(request.id):
            log.error("operation %s failed", request.operation, exc_info=failure.value)
        text = f"something went wrong; tell your administrator the number {request.id}"
        return refusal(request.id, Refused("FAILED", text))

    def _note(self, answer: Answer, caller: Caller, request: Request, begun: float) -> Answer:
        event = {
            "operation": request.operation,
            "outcome": "DONE" if answer.done else json.loads(answer.body)["code"],
            "actor": caller.name,
            "door": caller.door.value,
            "milliseconds": round((self._clock.seconds() - begun) * 1000),
        }
        with logs.request(request.id):
            log.info("answered", extra=event)
        self._outstanding -= 1
        if self._drained is not None and self._outstanding == 0:
            self._drained.callback(None)
        return answer
