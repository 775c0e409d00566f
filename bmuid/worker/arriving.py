"""The intake worker: looks into the spool, makes the files known, puts away those that are done."""

import errno
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bmu.mediation.same_events import tell_alike
from bmuid.intake import arrival, limits, watching
from bmuid.intake.assembly import Sessions
from bmuid.intake.preparing import RewrittenError, Wanted, prepare, why_unended
from bmuid.intake.profiles import Profiles
from bmuid.intake.spool import Measure, Spool, Taken, measure
from bmuid.intake.unpacking import Limits
from bmuid.intake.whole import Whole
from bmuid.store import files, files_waiting, originals, wakeup
from bmuid.store.files import Arrived, Ready, Registered, Source, WayIn
from bmuid.store.files import Arriving as Returning
from bmuid.store.transaction import Connection, Transaction, run
from bmuid.worker.assembling import Assembling
from bmuid.worker.life import Stop
from bmuid.worker.tending import Tending

log = logging.getLogger(__name__)

# A scan is one look into each source's directory. Files are complete when they get their name, so looking is
# enough; a source of a few thousand files a second would need another door anyway.
SCAN_SECONDS = 0.2
SCANS_A_ROUND = 50
# So many chunks of partial records are taken before somebody looks for new files again.
STEPS_A_SCAN = 20
# So long is nothing taken when there was no room for it.
FULL_SECONDS = 5.0
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(slots=True)
class Arriving:
    """
    Takes files in, one after the other.

    Shapes:
        parts: of each file, so how many rating workers may share it.
        days_back: so long are sessions remembered, since records may come as late.
        limits: of what may come out of a compressed file.
        clock: seconds that only ever grow.
    """

    spool: Spool
    parts: int
    stop: Stop
    days_back: int = 400
    profiles: Profiles = field(default_factory=Profiles)
    limits: Limits = field(default_factory=Limits)
    tending: Tending = field(default_factory=Tending)
    clock: Callable[[], float] = time.monotonic
    _whole: Whole = field(init=False)
    _assembling: Assembling = field(init=False)
    # What keeps files from being taken, by source and name: now, as it was logged, and as the database has it.
    _faults: dict[tuple[str, str], str] = field(default_factory=dict)
    _logged: dict[tuple[str, str], str] = field(default_factory=dict)
    _noted: dict[tuple[str, str], str] | None = None
    _told_of_arriving: bool = True
    _full_until: float = 0.0
    _said: str = ""

    def __post_init__(self) -> None:
        self._whole = Whole(self.clock)
        sessions = Sessions(self.spool, self.days_back, profiles=self.profiles)
        self._assembling = Assembling(sessions, self.parts)

    def serve(self, connection: Connection) -> None:
        """Take in what arrives until told to stop."""
        self.begin(connection)
        while not self.stop.told():
            for code in run(connection, files.source_codes):
                self.spool.make(code)
            for _ in range(SCANS_A_ROUND):
                taken = self.scan(connection)
                if not self._assemble(connection) and not taken:
                    self._idle(connection)
                if self.stop.told():
                    break
            # What waits in the spool was taken: nobody is missed for having come while nobody looked.
            self._watch(connection)

    def begin(self, connection: Connection) -> None:
        """Put away what was left half done, by whoever took files in before."""
        run(connection, wakeup.listen, (wakeup.ARRIVING,))
        self._noted, self._told_of_arriving = None, True
        for code in self.spool.sources():
            self.spool.sweep(code)
        for left in run(connection, arrival.left_in_work, self.spool):
            self.spool.finish(left.source, left.sha256)
        self._assembling.put_away(connection)

    def _idle(self, connection: Connection) -> None:
        seconds = 0.0 if self.tending.tend(connection, self.spool, SCAN_SECONDS) else SCAN_SECONDS
        if wakeup.wait(connection, self.stop.fileno(), seconds):
            self._told_of_arriving = True

    def scan(self, connection: Connection) -> bool:
        """Take in what has arrived by now; tell whether there was anything."""
        if self.clock() < self._full_until:
            return False
        self._faults = {}
        self._whole.look()
        taken = self._make_ready(connection)
        for code in self.spool.sources():
            if self.stop.told():
                break
            try:
                taken += self._scan_source(connection, code)
            except OSError as error:
                self._fault(code, ".", f"can't look into its directory: {error.strerror or error}")
        self._tell(connection)
        return taken > 0

    def _scan_source(self, connection: Connection, code: str) -> int:
        count = 0
        ways: list[WayIn | None] = []

        def why_not(path: Path) -> str:
            source = run(connection, files.source, code)
            profile = None if source is None else run(connection, self.profiles.of, source)
            return why_unended(path, profile)

        def is_whole(path: Path) -> bool:
            if not ways:
                ways.append(run(connection, files.way_in, code))
            # A directory of no source: its files are taken out of reach, and left alone.
            return ways[0] is None or self._whole.is_whole(ways[0], path, why_not)

        for taken in self.spool.take(code, is_whole):
            try:
                count += self._take_in(connection, taken)
            except OSError as error:
                self._fault(code, taken.name, f"can't be taken: {error.strerror or error}")
                if error.errno in NO_ROOM:
                    self._full_until = self.clock() + FULL_SECONDS
                    break
            if self.stop.told():
                break
        return count

    def _take_in(self, connection: Connection, taken: Taken) -> bool:
        source = run(connection, files.source, taken.source)
        if source is None:
            self._fault(taken.source, taken.name, "there is no source of that name; left alone")
            return False
        measured = measure(taken.path)
        registered = run(connection, arrival.known, source, measured.sha256)
        self.spool.keep(taken, measured.sha256)
        if registered is None:
            registered = self._register(connection, source, taken, measured)
        if registered is None:
            self._fault(taken.source, taken.name, "waits, since no catalogue was loaded yet")
            return False
        self.spool.known(taken)
        # Its octets may be replayed just now: then they, and the lines made of them, are in use.
        if run(connection, originals.is_done, taken.source, measured.sha256):
            self.spool.finish(taken.source, measured.sha256)
        log.info(
            "file taken in" if registered.first else "file was here before; nothing changed",
            extra={
                "source": taken.source,
                "name_given": taken.name,
                "file": registered.file_id,
                "first_name": registered.name,
                "octets": measured.octets,
                "state": registered.state,
            },
        )
        return True

    def _register(
        self, connection: Connection, source: Source, taken: Taken, measured: Measure
    ) -> Registered | None:
        try:
            ready = self._within_limits(connection, source, measured)
        except RewrittenError:
            # It is no other file's: that would have been known.
            self.spool.forget(source.code, measured.sha256)
            raise
        arrived = Arrived(measured.sha256, taken.name, measured.octets)
        if ready.held is not None:
            log.error("A FILE IS HELD: %s of %s: %s", taken.name, source.code, ready.held)
        return run(connection, arrival.register, source, arrived, ready, self.parts)

    def _within_limits(self, connection: Connection, source: Source, measured: Measure) -> Ready:
        """Make a file ready that is new; one beyond its source's limits is held instead. What staff let go on is asked no more."""
        now = datetime.now(UTC)  # noqa: TID251 - the edge where the clock is read
        place = source.id, source.code
        beyond = run(connection, limits.why_held, place, measured.octets, 0, now)
        if beyond is not None:
            return Ready(0, held=beyond)
        ready = self._ready(connection, source, Wanted(source.code, measured))
        if ready.held is not None or not ready.lines:
            return ready
        beyond = run(connection, limits.why_held, place, measured.octets, ready.lines, now)
        return ready if beyond is None else Ready(0, held=beyond)

    def _ready(self, connection: Connection, source: Source, wanted: Wanted) -> Ready:
        profile = run(connection, self.profiles.of, source)
        if profile is None:
            said = f"its profile {source.profile!r} is not known to this program; `bmadmin source set` gives another"
            return Ready(0, held=said)
        if source.assembled:
            return Ready(wanted.measured.lines)
        try:
            ready = prepare(self.spool, wanted, profile, self.limits)
        except OSError:
            raise
        except Exception as error:
            # One file must not keep all others out.
            log.exception(
                "A FILE CAN'T BE MADE READY: %s of %s", wanted.measured.sha256.hex(), source.code
            )
            return Ready(0, held=_of_fault(error))
        return replace(ready, partial=profile.aggregation is not None)

    def _make_ready(self, connection: Connection) -> int:
        """Make the files ready that were released, or are to be taken in anew."""
        if not self._told_of_arriving:
            return 0
        count = 0
        for arriving in run(connection, files.arriving):
            source = run(connection, files.source, arriving.source)
            assert source is not None, "a file has its source"
            source = replace(source, assembled=arriving.assembled)
            try:
                ready = self._ready_again(connection, source, arriving)
            except OSError as error:
                said = f"can't be taken in anew: {error.strerror or error}"
                self._fault(arriving.source, arriving.name, said)
                if error.errno in NO_ROOM:
                    self._full_until = self.clock() + FULL_SECONDS
                return count
            run(connection, arrival.make_ready, arriving, source, ready, self.parts)
            # One without lines is done at once.
            if run(connection, originals.is_done, source.code, arriving.sha256):
                self.spool.finish(source.code, arriving.sha256)
            count += 1
        self._told_of_arriving = False
        return count

    def _ready_again(self, connection: Connection, source: Source, arriving: Returning) -> Ready:
        if arriving.dismissed:
            return Ready(0)
        if not self.spool.take_up(source.code, arriving.sha256):
            return Ready(
                0,
                held=f"its octets are not in the spool: hand in what has the SHA-256 {arriving.sha256.hex()}",
            )
        measured = measure(self.spool.in_work_at(source.code, arriving.sha256))
        if measured.sha256 != arriving.sha256:
            return Ready(
                0,
                held="what is kept of it in work/ is not what came: put back what its name is the SHA-256 of",
            )
        told = None if arriving.released else run(connection, self._why_anew, source, arriving)
        if told is not None:
            return Ready(0, held=told)
        wanted = Wanted(source.code, measured, arriving.replay, arriving.released)
        return self._ready(connection, source, wanted)

    def _why_anew(self, txn: Transaction, source: Source, arriving: Returning) -> str | None:
        """Say why rows of a replay that were events before would not be known for the same."""
        if source.assembled:
            # It is told from others by its session, whatever its profile.
            return None
        now = self.profiles.of(txn, source)
        for file_id, read_by in originals.events_before(txn, source, arriving.sha256):
            before = self.profiles.of(txn, read_by)
            if now is not None and before is not None and not tell_alike(before, now):
                return (
                    f"its source's profile tells events apart otherwise than when file {file_id} was read, so what was"
                    " charged then would be charged again: give the source a profile with the identities of then and"
                    " replay that file, or have this one taken as it is by `bmadmin file release`"
                )
        return None

    @staticmethod
    def _watch(connection: Connection) -> None:
        now = datetime.now(UTC)  # noqa: TID251 - the edge where the clock is read
        for said in run(connection, watching.look, now):
            log.warning("alarm: %s", said)

    def _assemble(self, connection: Connection) -> bool:
        """Take some of the partial records that have arrived; False: there are none left, or they have to wait."""
        try:
            for _ in range(STEPS_A_SCAN):
                now = datetime.now(UTC)  # noqa: TID251 - the edge where the clock is read
                if self.stop.told() or not self._assembling.step(connection, now):
                    return False
        except OSError as error:
            said = f"can't write what was made of sessions: {error.strerror or error}"
            if said != self._said:
                log.warning(said)
            self._said = said
            return False
        return True

    def _fault(self, source: str, name: str, why: str) -> None:
        self._faults[source, name] = why

    def _tell(self, connection: Connection) -> None:
        """Log what keeps files from being taken, once each; let the database have all that are not."""
        for (source, name), why in self._faults.items():
            if self._logged.get((source, name)) != why:
                log.warning("%s of %s: %s", name, source, why)
        self._logged = self._faults
        waiting = self._whole.waiting | self._faults
        if waiting != self._noted:
            run(connection, files_waiting.note, waiting)
            self._noted = waiting


def _of_fault(error: Exception) -> str:
    """Say that a file is held for a reason that nobody foresaw."""
    said = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    return (
        f"it can't be made ready, which is a fault of the program or of what it was given: {said}. The log has all of it;"
        " when it is mended, `bmadmin file release` has it tried again"
    )
