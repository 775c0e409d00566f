"""The rating worker: the next chunk of the oldest file that is free, then bills, then what is taken in again."""

import logging
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

from bmuid import billrun
from bmuid.intake import arrival, chunk, retry
from bmuid.intake.chunk import (
    Bench,
    ChunkFailedError,
    FileBlockedError,
    LinesLostError,
    Missing,
    Worked,
)
from bmuid.realtime import holding
from bmuid.rerating import Rerating
from bmuid.store import buckets, days, files, parts, streams, verdicts, wakeup
from bmuid.store.files import Closed, FileDoesNotAddUpError
from bmuid.store.transaction import Connection, run
from bmuid.worker.failures import Failures
from bmuid.worker.life import Stop
from bmuid.worker.lines import lines_again

log = logging.getLogger(__name__)

# Whoever makes work tells so. This is for what nobody could tell: a worker elsewhere that died at its part.
IDLE_SECONDS_MAX = 30.0
# So often is it looked whether usage waits for an outside tax service.
TAXES_SECONDS = 30.0


@dataclass(slots=True)
class Rating:
    """Rates usage and bills it."""

    bench: Bench
    stop: Stop
    _refused: set[int] = field(default_factory=set)
    _failures: Failures = field(default_factory=Failures)
    _taxes_at: float = 0.0
    _rerating: Rerating = field(init=False)

    def __post_init__(self) -> None:
        self._rerating = Rerating(self.bench)

    def serve(self, connection: Connection) -> None:
        """Work while there is work, and wait to be woken, until told to stop."""
        run(connection, wakeup.listen, (wakeup.USAGE, wakeup.BILLING, wakeup.AGAIN))
        while not self.stop.told():
            if not self.step(connection):
                seconds = self._rerating.wait_seconds(IDLE_SECONDS_MAX)
                wakeup.wait(connection, self.stop.fileno(), seconds)

    def step(self, connection: Connection) -> bool:
        """Do the next piece of work; False when there is none."""
        worked = self._work(connection)
        if worked is not None:
            return worked
        self._close(connection)
        now = datetime.now(UTC)  # noqa: TID251 - the edge where the clock is read
        if billrun.step(connection, now, self.bench.snapshots.tax_service):
            return True
        again = (
            self._retry(connection)
            or self._tidy(connection, now)
            or self._rerating.step(connection)
        )
        if isinstance(again, Missing):
            self._provide(connection, again)
        return bool(again)

    def _work(self, connection: Connection) -> bool | None:
        """Work the next chunk; None: there is none. False: it can't be worked now."""
        started = time.perf_counter()
        try:
            worked = run(connection, chunk.work, self.bench)
        except FileBlockedError as error:
            log.error("file %s is blocked: %s", error.file_id, error)  # noqa: TRY400
            run(connection, parts.block, error.file_id, error.part, str(error))
            return True
        except LinesLostError as error:
            return lines_again(connection, self.bench.spool, self.bench.profiles, error)
        except ChunkFailedError as error:
            self._set_aside(connection, error)
            return True
        if isinstance(worked, Missing):
            self._provide(connection, worked)
        elif worked is not None:
            _tell(worked, time.perf_counter() - started)
            if worked.done:
                self._close(connection)
        return None if worked is None else True

    def _set_aside(self, connection: Connection, error: ChunkFailedError) -> None:
        """Block a part that failed too often: other files go on, and somebody has to look."""
        log.error("A CHUNK FAILED: %s", error, exc_info=error)
        reason = self._failures.counted(error)
        if reason is not None:
            run(connection, parts.block, error.file_id, error.part, reason)

    def _retry(self, connection: Connection) -> Missing | bool:
        retried = run(connection, retry.work, self.bench)
        if isinstance(retried, Missing):
            return retried
        if retried is not None:
            log.info("suspended lines tried again", extra=asdict(retried))
        return retried is not None

    def _tidy(self, connection: Connection, now: datetime) -> bool:
        """End what real time left behind: reservations whose time is over, streams of days that are."""
        expired = run(connection, holding.expire, now)
        if expired:
            log.info("reservations expired", extra={"reservations": expired})
        # A transaction that began yesterday may still write to yesterday's.
        ended = run(connection, streams.end_before, now.date() - timedelta(days=1))
        return expired + ended > 0 or self._retry_taxes(connection)

    def _retry_taxes(self, connection: Connection) -> bool:
        """Have tried again, now and then, what the outside tax service had no answer for."""
        at = time.monotonic()
        if self.bench.snapshots.tax_service is None or at < self._taxes_at:
            return False
        self._taxes_at = at + TAXES_SECONDS
        return run(connection, retry.again_for_taxes, self.bench)

    def _provide(self, connection: Connection, missing: Missing) -> None:
        """
        Make days and buckets that usage asks for.

        They outlive the transaction that asked: they are due whatever becomes of it. Made within it, a day would
        hold up others, and each draw from a new bucket would have the bucket's keys checked once more.
        """
        for day in sorted(missing.days):
            run(connection, days.ensure, day)
        if missing.needs.wanted:
            run(connection, buckets.grant, missing.needs.wanted)
        self.bench.provided(missing.needs)

    def _close(self, connection: Connection) -> None:
        """Close the files whose parts are all done; one that does not add up stays open, and is told of."""
        for file_id in run(connection, files.finished):
            if file_id in self._refused:
                continue
            try:
                closed = run(connection, arrival.close, file_id)
            except FileDoesNotAddUpError:
                self._refused.add(file_id)
                log.exception("A FILE DOES NOT ADD UP and stays open", extra={"file": file_id})
                continue
            if closed is not None:
                self.bench.spool.finish(closed.source, closed.sha256)
                log.info("file done", extra=_told_of(closed))
                self._warn(connection, closed)

    @staticmethod
    def _warn(connection: Connection, closed: Closed) -> None:
        """Tell of lines that could not be read: each may be a call that nobody pays for."""
        unreadable = run(connection, verdicts.unreadable, closed.file_id)
        if unreadable:
            told = {
                "file": closed.file_id,
                "source": closed.source,
                "unreadable": unreadable,
                "of": sum(asdict(closed.verdicts).values()),
            }
            log.warning(
                "lines that can't be read: see `bmadmin file rejects %d --explain`",
                closed.file_id,
                extra=told,
            )


def _told_of(closed: Closed) -> dict[str, object]:
    found = {"source": closed.source, "file": closed.file_id, "first_name": closed.name}
    return found | asdict(closed.verdicts)


def _tell(worked: Worked, seconds: float) -> None:
    part = worked.part
    lines = worked.next_line - part.next_line
    log.info(
        "lines rated",
        extra={
            "file": part.file_id,
            "part": part.part,
            "lines": f"{part.next_line}-{worked.next_line - 1}",
            "lines_a_second": round(lines / seconds),
            **asdict(worked.found),
        },
    )
