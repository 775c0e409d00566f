"""Where the usage door hands in its requests: those that wait are performed and committed together."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from bmu.wire import Answer, Request
from bmuid import logs
from bmuid.config import Secrets, UsageSource
from bmuid.doors.desk import BUSY, STOPPING, Allowances, Answered, Caller, NotPerformedError
from bmuid.doors.limits import Allowance
from bmuid.intake.events import PHONE
from bmuid.operations.perform import UNKNOWN, Asked, refusal
from bmuid.operations.registry import Actor, Door, Operation, Refused
from bmuid.operations.single_events import BAD_UID_TYPE
from bmuid.realtime.counter import Counter

log = logging.getLogger(__name__)

Perform = Callable[[Sequence[Asked]], Awaitable[Sequence[Answer]]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    asked: Asked
    answered: Answered


class Grouping:
    """
    A desk that performs whatever waits in one transaction, and answers only after its commit.

    While one group is worked the next one gathers; so the more ask at once, the larger the groups are. A request
    that makes its group fail is performed alone, as are the others of that group.
    """

    def __init__(
        self,
        operations: Iterable[Operation],
        perform: Perform,
        counter: Counter,
        secrets: Secrets,
        clock: IReactorTime,
    ) -> None:
        self._operations = {one.name: one for one in operations if Door.USAGE in one.doors}
        self._perform = perform
        self._counter = counter
        self._secrets = secrets
        self._clock = clock
        self._sources: Mapping[str, UsageSource] = {}
        self._allowances: dict[str, Allowance] = {}
        self._group_max = 1
        self._waiting: list[_Waiting] = []
        self._works = False
        self._is_open = True
        self._drained: Deferred[None] | None = None

    def limit(self, sources: Iterable[UsageSource], group_max: int) -> None:
        """Take so much of each source, and so many requests in a group, from now on."""
        now = self._clock.seconds()
        self._sources = {source.code: source for source in sources}
        self._allowances = {
            code: Allowance(source.requests_a_second, now)
            for code, source in self._sources.items()
        }
        self._group_max = group_max

    def ask(
        self, caller: Caller, request: Request, _allowance: Allowances | None, answered: Answered
    ) -> None:
        """Have *request* performed with all that wait, and call *answered* once it is committed."""
        refused = self._refused(caller, request)
        if refused is not None:
            answered(refusal(request.id, refused))
            return
        operation = self._operations[request.operation]
        actor = Actor(
            caller.name,
            caller.door,
            caller.roles,
            request.id,
            self._secrets,
            counter=self._counter,
        )
        self._waiting.append(_Waiting(Asked(operation, actor, request.arguments), answered))
        if not self._works:
            self._works = True
            _ = Deferred.fromCoroutine(self._work()).addErrback(self._broke)

    async def drain(self) -> None:
        """Take no more requests; return once those taken are answered."""
        self._is_open = False
        if self._works:
            self._drained = Deferred()
            await self._drained

    def _refused(self, caller: Caller, request: Request) -> Refused | None:
        source = self._sources.get(caller.name)
        if not self._is_open or source is None:
            return STOPPING
        if request.operation not in self._operations:
            return UNKNOWN
        if not self._allowances[caller.name].take(self._clock.seconds()):
            return BUSY
        uid_type = request.arguments.get("uid_type", PHONE)
        if source.uid_types and uid_type not in source.uid_types:
            return BAD_UID_TYPE
        return None

    async def _work(self) -> None:
        while self._waiting:
            group = self._waiting[: self._group_max]
            del self._waiting[: self._group_max]
            await self._work_group(group)
        self._works = False
        if self._drained is not None:
            self._drained.callback(None)

    async def _work_group(self, group: Sequence[_Waiting]) -> None:
        try:
            answers = await self._perform([one.asked for one in group])
        except NotPerformedError as error:
            answers = [refusal(one.asked.actor.request_id, error.refused) for one in group]
        except Exception as error:  # noqa: BLE001 - whatever it was, each of the others has a right to its answer
            if len(group) > 1:
                for one in group:
                    await self._work_group([one])
                return
            answers = [self._failed(group[0].asked, error)]
        for one, answer in zip(group, answers, strict=True):
            one.answered(answer)

    def _failed(self, asked: Asked, error: Exception) -> Answer:
        request_id = asked.actor.request_id
        with logs.request(request_id):
            log.error("operation %s failed", asked.operation.name, exc_info=error)
        text = f"something went wrong; tell your administrator the number {request_id}"
        return refusal(request_id, Refused("FAILED", text))

    def _broke(self, failure: Failure) -> None:
        log.critical("the usage door's groups stand still", exc_info=failure.value)
