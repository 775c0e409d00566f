"""What the intake worker does when nothing arrives: originals are compressed, and dropped when they were kept long enough."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bmuid.intake import keeping
from bmuid.intake.spool import Spool
from bmuid.store import originals, parts
from bmuid.store.transaction import Connection, run

log = logging.getLogger(__name__)

# So often is it looked whether there is anything to compress, and anything to drop.
PACK_SECONDS = 60.0
DROP_SECONDS = 6 * 3600.0
DAY_SECONDS = 86_400


@dataclass(slots=True)
class Tending:
    """
    Keeps originals small, and no longer than is wanted.

    Shapes:
        keep_days: after a file is done; 0: for ever.
    """

    keep_days: int = 0
    _packing: Iterator[None] | None = None
    _pack_at: float = 0.0
    _drop_at: float = 0.0

    def tend(self, connection: Connection, spool: Spool, seconds: float) -> bool:
        """Do some of it, about so long; tell whether there is more to do at once."""
        now = time.monotonic()
        if self._packing is None and now >= self._pack_at:
            self._packing = keeping.pack_all(spool)
        if self._packing is not None:
            # Whoever rates needs the processor more.
            if run(connection, parts.any_open):
                return False
            return self._pack(now + seconds)
        if self.keep_days and now >= self._drop_at:
            self._drop_at = now + DROP_SECONDS
            kept_from = time.time() - self.keep_days * DAY_SECONDS  # noqa: TID251 - the file system's clock
            self.drop(connection, spool, kept_from)
        return False

    def _pack(self, until: float) -> bool:
        assert self._packing is not None, "there is something to do"
        try:
            for _ in self._packing:
                if time.monotonic() >= until:
                    return True
        except OSError as error:
            log.warning("originals can't be compressed: %s", error.strerror or error)
        self._packing, self._pack_at = None, time.monotonic() + PACK_SECONDS
        return False

    def drop(self, connection: Connection, spool: Spool, before: float) -> None:
        """
        Drop what was kept long enough, of originals that came to done/ before an instant.

        Shapes:
            before: seconds since 1970-01-01 UTC.
        """

        def drop(source: str, digests: list[bytes]) -> list[bytes]:
            return run(connection, originals.drop_old, source, digests, self.keep_days)

        try:
            keeping.drop_old(spool, before, drop)
        except OSError as error:
            log.warning("originals can't be dropped: %s", error.strerror or error)
