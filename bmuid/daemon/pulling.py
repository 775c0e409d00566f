"""Pulling as a receiver: each partner is looked at by its schedule, and what is new there is handed into the spool."""

import hashlib
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorThreads, IReactorTime
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from bmuid.config import Config, Https, Pull
from bmuid.daemon.receiver import Ground, Receiver
from bmuid.doors import pull_sftp
from bmuid.doors.desk import NotPerformedError
from bmuid.doors.partner import FileError, Offered, Partner, PartnerError
from bmuid.doors.pull_https import HttpsPartner
from bmuid.intake.handing import Handing, safe_name
from bmuid.intake.room import has_room
from bmuid.intake.spool import is_unfinished
from bmuid.logs import printable
from bmuid.operations.pulls import noted
from bmuid.store import pulls
from bmuid.store.claim import Claim
from bmuid.store.pulls import Pulled, Version
from bmuid.store.transaction import DatabaseError

log = logging.getLogger(__name__)

R = TypeVar("R")
BLOCK_OCTETS = 1 << 20
FIRST_SECONDS = 0.1


class Round:
    """One look at a partner: what is new is fetched, file by file; a file that fails does not keep others from it."""

    def __init__(
        self, pull: Pull, ground: Ground, threads: ThreadPool, room_octets_min: int
    ) -> None:
        self._pull = pull
        self._ground = ground
        self._threads = threads
        self._room_octets_min = room_octets_min
        self._clock = IReactorTime(ground.reactor)
        self.faults: list[str] = []
        self.fetched = 0

    async def look(self) -> None:
        """
        Look once.

        Errors:
            PartnerError: it can't be reached, or breaks off. NotPerformedError: the database is away.
            OSError: the spool has no room.
        """
        source = self._pull.source
        if not await self._ground.pool.run_repeatable(pulls.has_source, source):
            raise PartnerError(f"there is no source {source}; add it, or mend the configuration")
        known = await self._ground.pool.run_repeatable(pulls.known, self._pull.name)
        partner = await self._connect()
        try:
            for offered in await partner.offered():
                if self._wanted(offered.name):
                    await self._take(partner, offered, known.get(offered.name))
        finally:
            await partner.close()

    async def _connect(self) -> Partner:
        way = self._pull.way
        if isinstance(way, Https):
            return HttpsPartner(self._pull, way, self._ground.reactor)
        return await pull_sftp.connect(self._pull, way, self._ground.reactor)

    def _wanted(self, name: str) -> bool:
        if is_unfinished(name) or not fnmatchcase(name, self._pull.pattern):
            return False
        return not (self._pull.after == "rename" and name.endswith(self._pull.suffix))

    async def _take(self, partner: Partner, offered: Offered, had: Version | None) -> None:
        try:
            version = offered.version or await partner.version(offered.name)
            if version == had and version.is_told:
                # Fetched, and then something came between.
                await self._dispose(partner, offered.name)
            elif self._is_settled(version):
                await self._fetch(partner, offered.name, version)
        except FileError as error:
            self.faults.append(f"{offered.name}: {error}")

    def _is_settled(self, version: Version) -> bool:
        age = self._clock.seconds() - (version.mtime or 0)
        return version.mtime is None or age >= self._pull.settled_seconds

    async def _fetch(self, partner: Partner, name: str, version: Version) -> None:
        if version.size > self._pull.file_octets_max:
            raise FileError(
                f"it has {version.size} octets, more than {self._pull.file_octets_max}"
            )
        directory = self._ground.spool.root / self._pull.source / "in"
        self._ground.spool.make(self._pull.source)
        if not has_room(directory, self._room_octets_min):
            raise OSError("there is too little room in the spool")
        with Handing(directory) as handing:
            octets = await partner.fetch(name, version, handing)
            if octets != version.size >= 0 or await partner.version(name) != version:
                raise FileError("it changed while it was read; it is looked at again")
            sha256 = await self._in_thread(lambda: self._finish(handing, name))
        pulled = Pulled(self._pull.name, self._pull.source, name, version, sha256)
        await self._ground.pool.run_repeatable(pulls.remember, pulled)
        self.fetched += 1
        told = {"pull": self._pull.name, "source": self._pull.source, "name_given": name}
        log.info("pull: fetched", extra={**told, "octets": octets})
        await self._dispose(partner, name)

    def _finish(self, handing: Handing, name: str) -> bytes:
        digest = hashlib.sha256()
        with Path(f"/proc/self/fd/{handing.fileno()}").open("rb", buffering=0) as file:
            while block := file.read(BLOCK_OCTETS):
                digest.update(block)
        try:
            handing.finish(safe_name(name))
        except FileExistsError as error:
            raise FileError("one of that name waits to be taken; it is fetched later") from error
        return digest.digest()

    async def _dispose(self, partner: Partner, name: str) -> None:
        if self._pull.after != "keep":
            await partner.dispose(name)

    async def _in_thread(self, work: Callable[[], R]) -> R:
        found: R = await deferToThreadPool(
            IReactorThreads(self._ground.reactor), self._threads, work
        )
        return found


class Puller(Service):
    """One partner: looked at again and again, ever less often while that fails."""

    name: str
    address = "-"

    def __init__(self, pull: Pull, config: Config, ground: Ground) -> None:
        self.name = f"pull.{pull.name}"
        self._pull = pull
        self._config = config
        self._ground = ground
        self._clock = IReactorTime(ground.reactor)
        self._threads = ThreadPool(0, 1, self.name)
        self._claim = Claim(config.database.engine_dsn, self.name)
        self._failures = 0
        self._next: IDelayedCall | None = None
        self._round: Deferred[None] | None = None

    def startService(self) -> None:
        """Look for the first time, soon."""
        self.running = True
        self._threads.start()
        self._next = self._clock.callLater(FIRST_SECONDS, self._begin)

    def stopService(self) -> Deferred[None]:
        self.running = False
        return Deferred.fromCoroutine(self._stop())

    def reload(self, config: Config) -> None:
        """Use what is configured now for the next look; a new partner takes a new start."""
        found = [pull for pull in config.pulls if pull.name == self._pull.name]
        if found:
            self._pull, self._config = found[0], config

    def _begin(self) -> None:
        self._next = None
        self._round = Deferred.fromCoroutine(self._go()).addErrback(self._failed)

    async def _go(self) -> None:
        try:
            if await self._in_thread(self._claim.hold):
                await self._look()
        except DatabaseError as error:
            self._failures += 1
            log.warning("pull: the database is away: %s", " ".join(str(error).split()))
        finally:
            await self._in_thread(self._claim.release)
        self._again()

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._failures += 1
            log.error("pull: failed", exc_info=failure.value, extra={"pull": self._pull.name})
        self._again()

    def _again(self) -> None:
        if self.running:
            self._next = self._clock.callLater(self._pause(), self._begin)

    async def _look(self) -> None:
        room = self._config.spool.room_octets_min
        found = Round(self._pull, self._ground, self._threads, room)
        try:
            await found.look()
        except (PartnerError, OSError) as error:
            found.faults.append(str(error))
        except NotPerformedError as error:
            self._failures += 1
            log.warning("pull: %s", error.refused.text, extra={"pull": self._pull.name})
            return
        self._failures = self._failures + 1 if found.faults else 0
        # Partners' own words are in it.
        fault = printable("; ".join(found.faults))
        if fault:
            told = {"pull": self._pull.name, "failures": self._failures}
            log.warning("pull: failed: %s", fault[:1000], extra=told)
        now = datetime.fromtimestamp(self._clock.seconds(), UTC)
        try:
            await self._ground.pool.run_repeatable(
                noted, self._pull.name, self._pull.source, now, fault
            )
        except NotPerformedError as away:
            log.warning("pull: %s", away.refused.text, extra={"pull": self._pull.name})

    def _pause(self) -> float:
        pause = self._pull.every_seconds * 2 ** min(self._failures, 30)
        return float(min(pause, max(self._pull.pause_seconds_max, self._pull.every_seconds)))

    async def _in_thread(self, work: Callable[[], R]) -> R:
        found: R = await deferToThreadPool(
            IReactorThreads(self._ground.reactor), self._threads, work
        )
        return found

    async def _stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
        if self._round is not None:
            self._round.cancel()
            await self._round
        if self._threads.started:
            self._threads.stop()


def receivers(config: Config, ground: Ground) -> Iterator[Receiver]:
    """Give what fetches from each partner that is configured."""
    for pull in config.pulls:
        yield Puller(pull, config, ground)
