"""The intake worker: looks into the spool, makes the files known, puts away those that are done."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bmuid.intake import arrival, watching
from bmuid.intake.assembly import Sessions
from bmuid.intake.profiles import Profiles
from bmuid.intake.spool import Spool, Taken, measure
from bmuid.store import files, wakeup
from bmuid.store.transaction import Connection, run
from bmuid.worker.assembling import Assembling
from bmuid.worker.life import Stop

log = logging.getLogger(__name__)

# A scan is one look into each source's directory. Files are complete when they get their name, so looking is
# enough; a source of a few thousand files a second would need another door anyway.
SCAN_SECONDS = 0.2
SCANS_A_ROUND = 50
# So many chunks of partial records are taken before somebody looks for new files again.
STEPS_A_SCAN = 20


@dataclass(slots=True)
class Arriving:
    """
    Takes files in, one after the other.

    Shapes:
        parts: of each file, so how many rating workers may share it.
        days_back: so long are sessions remembered, since records may come as late.
    """

    spool: Spool
    parts: int
    stop: Stop
    days_back: int = 400
    profiles: Profiles = field(default_factory=Profiles)
    _said: set[str] = field(default_factory=set)
    _assembling: Assembling = field(init=False)

    def __post_init__(self) -> None:
        sessions = Sessions(self.spool, self.days_back, profiles=self.profiles)
        self._assembling = Assembling(sessions, self.parts)

    def serve(self, connection: Connection) -> None:
        """Take in what arrives until told to stop."""
        self._put_away(connection)
        self._assembling.put_away(connection)
        while not self.stop.told():
            for code in run(connection, files.source_codes):
                self.spool.make(code)
            for _ in range(SCANS_A_ROUND):
                self.scan(connection)
                if not self._assemble(connection):
                    wakeup.wait(connection, self.stop.fileno(), SCAN_SECONDS)
                if self.stop.told():
                    break
            # What waits in the spool was taken: nobody is missed for having come while nobody looked.
            self._watch(connection)

    def scan(self, connection: Connection) -> None:
        """Take in what has arrived by now."""
        for code in self.spool.sources():
            try:
                self._scan_source(connection, code)
            except OSError as error:
                self._say_once(f"can't look into {code}: {error.strerror or error}")
            if self.stop.told():
                return

    def _scan_source(self, connection: Connection, code: str) -> None:
        for taken in self.spool.take(code):
            try:
                self._take_in(connection, taken)
            except OSError as error:
                self._say_once(f"can't take {taken.path}: {error.strerror or error}")
            if self.stop.told():
                return

    def _take_in(self, connection: Connection, taken: Taken) -> None:
        source = run(connection, files.source, taken.source)
        if source is None:
            self._say_once(f"{taken.path}: there is no source {taken.source!r}; left alone")
            return
        measured = measure(taken.path)
        self.spool.keep(taken, measured.sha256)
        profile = self.profiles.of(source)
        partial = profile is not None and profile.aggregation is not None
        registered = run(
            connection, arrival.register, source, taken, measured, self.parts, partial=partial
        )
        if registered is None:
            self._say_once(f"{taken.path}: waits, since no catalogue was loaded yet")
            return
        self.spool.known(taken)
        if registered.state == "DONE":
            self.spool.finish(taken.source, measured.sha256)
        log.info(
            "file taken in" if registered.first else "file was here before; nothing changed",
            extra={
                "source": taken.source,
                "name_given": taken.name,
                "file": registered.file_id,
                "first_name": registered.name,
                "lines": measured.lines,
                "state": registered.state,
            },
        )

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
            self._say_once(f"can't write what was made of sessions: {error.strerror or error}")
            return False
        return True

    def _put_away(self, connection: Connection) -> None:
        for left in run(connection, arrival.left_in_work, self.spool):
            self.spool.finish(left.source, left.sha256)

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            log.warning(text)
