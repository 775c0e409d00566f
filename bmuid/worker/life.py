"""The life of a worker process: it connects, serves until it is told to stop, and connects again when it must."""

import logging
import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import closing

from bmuid.store import wakeup
from bmuid.store.transaction import Connection, DatabaseError, is_refused, lost_connection

log = logging.getLogger(__name__)

PAUSE_SECONDS_FIRST = 0.1
PAUSE_SECONDS_MAX = 10.0


class Stop:
    """Whether this process was told to stop; whoever waits can wait for that too."""

    def __init__(self) -> None:
        self._told = False
        self._read, write = os.pipe()
        for end in (self._read, write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._tell)

    def _tell(self, _number: int, _frame: object) -> None:
        self._told = True

    def told(self) -> bool:
        """Tell whether to stop as soon as the running transaction is over."""
        return self._told

    def fileno(self) -> int:
        """Give the descriptor that can be read once the process was told."""
        return self._read

    def wait(self, seconds: float) -> None:
        """Wait so long, or until told."""
        select.select([self._read], [], [], seconds)


def keep_serving(dsn: str, serve: Callable[[Connection], None], stop: Stop) -> None:
    """Serve with a connection until told to stop; when it is lost again and again, try ever more slowly."""
    pause = PAUSE_SECONDS_FIRST
    while not stop.told():
        began = time.monotonic()
        try:
            with closing(wakeup.connect(dsn)) as connection:
                serve(connection)
        except DatabaseError as error:
            # What the server could not say any more is a plain DatabaseError.
            if is_refused(error) or not (isinstance(error, wakeup.LOST) or lost_connection(error)):
                raise
            if time.monotonic() - began > PAUSE_SECONDS_MAX:
                pause = PAUSE_SECONDS_FIRST
            said = " ".join(str(error).split())
            log.warning("the database is away: %s", said, extra={"next_try_seconds": pause})
            stop.wait(pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)
