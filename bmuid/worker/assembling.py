"""The part of the intake worker that takes partial records into sessions, and writes files of what comes of them."""

import logging
from dataclasses import asdict, dataclass, field
from datetime import datetime

from bmuid.intake import assembly
from bmuid.intake.assembly import Sessions
from bmuid.intake.chunk import ChunkFailedError, FileBlockedError, LinesLostError
from bmuid.intake.spool import measure
from bmuid.store import assembled, files, parts, usage_sessions, wakeup
from bmuid.store.assembled import Batch
from bmuid.store.files import Arrived, Ready, Registered
from bmuid.store.transaction import Connection, Transaction, run
from bmuid.worker.failures import Failures, is_foreseen
from bmuid.worker.lines import lines_again

log = logging.getLogger(__name__)

BATCH_LINES_MAX = 50_000
# While a source's records come in, the usage made of them waits for so much that a file is worth it.
BATCH_LINES_MIN = 20_000
_NAME = "sessions-"
_ENDING = ".jsonl"
_LEFT = "It is a fault of the program or of what is kept: mend it, then restart bmuid, which tries again"


@dataclass(slots=True)
class Assembling:
    """
    Works partial records, a step at a time.

    Shapes:
        files_parts: of each file that is written, so how many rating workers may share it.
    """

    sessions: Sessions
    files_parts: int
    failures: Failures = field(default_factory=Failures)
    # Sources and batches that failed for a reason that nobody foresaw: looked at again by the next process.
    _left_alone: set[str | int] = field(default_factory=set)

    def step(self, connection: Connection, now: datetime) -> bool:
        """
        Do the next piece of work; False when there is none.

        Errors:
            OSError: a file can't be written; it will be, by a later step.
        """
        worked = self._end(connection, now) or self._take(connection, now)
        return self._write(connection) or worked

    def put_away(self, connection: Connection) -> None:
        """Drop the names in assembled/ of files that are known, which a crash left there."""
        spool = self.sessions.spool
        for source in run(connection, files.source_codes):
            for taken in spool.assembled(source):
                number = taken.name.removeprefix(_NAME).removesuffix(_ENDING)
                if number.isdecimal() and run(connection, assembled.is_filed, int(number)):
                    spool.known(taken)

    def _take(self, connection: Connection, now: datetime) -> bool:
        try:
            taken = run(connection, assembly.take, self.sessions, now)
        except FileBlockedError as error:
            log.error("file %s is blocked: %s", error.file_id, error)  # noqa: TRY400
            run(connection, parts.block, error.file_id, error.part, str(error))
            return True
        except LinesLostError as error:
            return lines_again(connection, self.sessions.spool, self.sessions.profiles, error)
        except ChunkFailedError as error:
            self._set_aside(connection, error)
            return True
        if taken is None:
            return False
        lines = f"{taken.part.next_line}-{taken.next_line - 1}"
        told = {"file": taken.part.file_id, "lines": lines, "made": taken.emissions}
        log.info("partial records taken", extra=told | asdict(taken.found))
        return True

    def _set_aside(self, connection: Connection, error: ChunkFailedError) -> None:
        """Block a file that failed too often: other files go on, and somebody has to look."""
        log.error("A CHUNK FAILED: %s", error, exc_info=error)
        reason = self.failures.counted(error)
        if reason is not None:
            run(connection, parts.block, error.file_id, error.part, reason)

    def _end(self, connection: Connection, now: datetime) -> bool:
        worked = False
        for code in run(connection, usage_sessions.sources_due, now):
            if code in self._left_alone:
                continue
            try:
                ended = run(connection, assembly.end, self.sessions, code, now)
            except Exception as error:
                if is_foreseen(error):
                    raise
                self._left_alone.add(code)
                log.exception(
                    "SESSIONS OF %s CAN'T BE ENDED; other sources go on. %s", code, _LEFT
                )
                continue
            if ended is not None:
                worked = True
                log.info("sessions that were due", extra=asdict(ended))
        return worked

    def _write(self, connection: Connection) -> bool:
        run(connection, assembled.settle, BATCH_LINES_MAX, BATCH_LINES_MIN)
        worked = False
        for batch in run(connection, assembled.unwritten):
            if batch.id in self._left_alone:
                continue
            try:
                if not self._write_one(connection, batch):
                    return worked
            except Exception as error:
                if is_foreseen(error):
                    raise
                self._left_alone.add(batch.id)
                log.exception("A FILE OF %s CAN'T BE MADE; others are. %s", batch.source, _LEFT)
                continue
            worked = True
        return worked

    def _write_one(self, connection: Connection, batch: Batch) -> bool:
        """Write a file made of sessions and make it known; False: no catalogue was loaded yet."""
        name = f"{_NAME}{batch.id:012}{_ENDING}"
        lines = run(connection, assembled.lines, batch)
        taken = self.sessions.spool.assemble(batch.source, name, lines)
        measured = measure(taken.path)
        self.sessions.spool.keep(taken, measured.sha256)
        arrived = Arrived(measured.sha256, taken.name, measured.octets)
        registered = run(connection, _register, batch, arrived, self.files_parts)
        if registered is None:
            return False
        self.sessions.spool.known(taken)
        told = {"source": batch.source, "file": registered.file_id, "lines": batch.lines}
        log.info("file made of sessions", extra=told)
        return True


def _register(
    txn: Transaction, batch: Batch, arrived: Arrived, files_parts: int
) -> Registered | None:
    """Make the file's row and note it with its batch; None: no catalogue was loaded, so nothing could be rated."""
    source = assembled.source(txn, batch)
    registered = files.register(txn, source, arrived, Ready(batch.lines), files_parts)
    if registered is not None:
        assembled.filed(txn, batch, registered.file_id)
        wakeup.tell(txn, wakeup.USAGE)
    return registered
