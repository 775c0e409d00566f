"""
Lines that arrive one by one for a source: kept in an open file, group by group, and handed in as whole files.

The file lies in the source's ``receiving/``, out of its reach. A group is committed when its octets and the file's name are
durable; a file that is full or old enough goes to ``in/`` by rename. What a crash left is cut at its last whole line
and handed in: a line of it that nobody was told of comes again, and its event key makes the two one.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bmuid.intake.spool import UNFINISHED_SUFFIX, sync

STAGE = "receiving"
MODE = 0o640
BLOCK_OCTETS = 1 << 16


@dataclass(frozen=True, slots=True)
class Turnover:
    """When a file is handed in: when it has so many octets, or so many seconds after its first line."""

    octets: int
    seconds: float


@dataclass(slots=True)
class _Open:
    path: Path
    descriptor: int
    since: float
    committed: int = 0


class Journal:
    """
    The open file of one source. Blocking, and for one caller at a time: on a reactor, call it in a thread.

    Shapes:
        root: of the spool. kind: begins the files' names.
    """

    def __init__(self, root: Path, source: str, kind: str, turnover: Turnover) -> None:
        self._receiving = root / source / STAGE
        self._arriving = root / source / "in"
        self._kind = kind
        self._turnover = turnover
        self._open: _Open | None = None

    def recover(self) -> int:
        """
        Hand in what a crash, or an error, left; tell how many files.

        Errors:
            OSError: the spool can't be read or written.
        """
        for directory in (self._receiving, self._arriving):
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        handed = 0
        for path in sorted(self._receiving.glob(f"{self._kind}-*{UNFINISHED_SUFFIX}")):
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            # Whoever holds the lock writes to it still.
            with os.fdopen(descriptor), contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(descriptor, _whole_octets(descriptor))
                os.fsync(descriptor)
                handed += self._hand_in(path, descriptor)
        return handed

    def append(self, lines: Sequence[bytes], now: datetime, monotonic: float) -> None:
        """
        Add lines, each without its end; when this returns they are there for good.

        Errors:
            OSError: no room, or no such spool; none of the lines is promised, and the file has been closed.
        """
        if self._open is None:
            self._open = self._begin(now, monotonic)
        octets = b"".join(line + b"\n" for line in lines)
        try:
            _write(self._open.descriptor, octets)
            os.fdatasync(self._open.descriptor)
        except OSError:
            # What of it was written, or will be, nobody can tell any more: it ends with what was committed before.
            self._abandon()
            raise
        self._open.committed += len(octets)
        if self._open.committed >= self._turnover.octets:
            self.turn()

    def is_due(self, monotonic: float) -> bool:
        """Tell whether the file is old enough to be handed in."""
        return self._open is not None and monotonic - self._open.since >= self._turnover.seconds

    def turn(self) -> None:
        """
        Hand in what there is; the next line begins another file.

        Errors:
            OSError: it stays, and `recover` hands it in.
        """
        done, self._open = self._open, None
        if done is not None:
            try:
                self._hand_in(done.path, done.descriptor)
            finally:
                os.close(done.descriptor)

    def _begin(self, now: datetime, monotonic: float) -> _Open:
        self.recover()
        name = f"{self._kind}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.jsonl"
        path = self._receiving / f"{name}{UNFINISHED_SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sync(self._receiving)
        except OSError:
            os.close(descriptor)
            raise
        return _Open(path, descriptor, monotonic)

    def _abandon(self) -> None:
        failed, self._open = self._open, None
        assert failed is not None, "it was open"
        with contextlib.suppress(OSError):
            os.ftruncate(failed.descriptor, failed.committed)
        os.close(failed.descriptor)

    def _hand_in(self, path: Path, descriptor: int) -> int:
        if os.fstat(descriptor).st_size == 0:
            path.unlink()
            return 0
        path.rename(self._arriving / path.name.removesuffix(UNFINISHED_SUFFIX))
        sync(self._arriving)
        sync(self._receiving)
        return 1


def _write(descriptor: int, octets: bytes) -> None:
    view = memoryview(octets)
    while view:
        view = view[os.write(descriptor, view) :]


def _whole_octets(descriptor: int) -> int:
    """Tell where the last whole line ends."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - BLOCK_OCTETS)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
