"""
Files that clients of the SFTP door write: whole under their final name, or unfinished until they get one.

A file is complete by an orderly close, or by a rename from the name of an unfinished one. All of it blocks.
"""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bmuid.doors.sftp_wire import Attributes, Code, RefusedError
from bmuid.intake.handing import MODE, Handing, NameTakenError

WAITS = (
    "a file of that name waits to be taken; hand this one in again later, or under another name"
)
BUSY = "it is being written by another connection"


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What a client may use.

    Shapes:
        room_octets_min: of the spool's file system; with less, nothing new is begun.
    """

    file_octets_max: int
    room_octets_min: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where uploads go, on which terms, and who is told of what was handed in."""

    directory: Path
    terms: Terms
    handed: Callable[[str, Attributes], None]


class Upload:
    """A file that a client writes; after an error nothing is left of it, whatever the client says then."""

    def __init__(self, place: Place, name: str, *, append: bool = False) -> None:
        self.name = name
        self._place = place
        self._append = append
        self._broken = False

    def fileno(self) -> int:
        """Give the descriptor."""
        raise NotImplementedError

    def write(self, offset: int, octets: bytes) -> None:
        """
        Write octets.

        Errors:
            RefusedError: too many, or there is no room; then the file is gone.
        """
        if self._broken:
            raise RefusedError(Code.FAILURE, "this upload failed before")
        if self._append:
            offset = os.fstat(self.fileno()).st_size
        self._limit(offset + len(octets))
        view = memoryview(octets)
        try:
            while view:
                written = os.pwrite(self.fileno(), view, offset)
                offset += written
                view = view[written:]
        except OSError as error:
            self._breaks()
            raise RefusedError(Code.FAILURE, f"not kept: {error.strerror}") from error

    def cut(self, size: int) -> None:
        """
        Give the file another size.

        Errors:
            RefusedError: too large, or there is no room.
        """
        self._limit(size)
        try:
            os.ftruncate(self.fileno(), size)
        except OSError as error:
            self._breaks()
            raise RefusedError(Code.FAILURE, f"not kept: {error.strerror}") from error

    def sync(self) -> None:
        """
        Make it durable as far as it is written.

        Errors:
            RefusedError: the octets can't be kept.
        """
        try:
            os.fsync(self.fileno())
        except OSError as error:
            self._breaks()
            raise RefusedError(Code.FAILURE, f"not kept: {error.strerror}") from error

    def attributes(self) -> Attributes:
        """Say what it is by now."""
        return attributes_of(os.fstat(self.fileno()))

    def close(self) -> None:
        """
        End it in order.

        Errors:
            RefusedError: it failed before, or can't be kept; nothing is left of it.
        """
        if self._broken:
            self.drop()
            raise RefusedError(Code.FAILURE, "this upload failed before; nothing of it was kept")
        self._end()

    def drop(self) -> None:
        """End it because the connection has."""
        raise NotImplementedError

    def _end(self) -> None:
        raise NotImplementedError

    def _limit(self, octets: int) -> None:
        most = self._place.terms.file_octets_max
        if octets > most:
            self._breaks()
            raise RefusedError(Code.FAILURE, f"a file has {most} octets at most")

    def _breaks(self) -> None:
        self._broken = True
        # Its room is needed by others.
        with contextlib.suppress(OSError):
            os.ftruncate(self.fileno(), 0)


class Whole(Upload):
    """One under its final name: it gets that when it is closed in order, and is nothing before."""

    def __init__(self, place: Place, name: str) -> None:
        super().__init__(place, name)
        self._handing = Handing(place.directory)
        self._handing.__enter__()

    def fileno(self) -> int:
        return self._handing.fileno()

    def drop(self) -> None:
        self._handing.__exit__()

    def _end(self) -> None:
        try:
            found = self.attributes()
            self._handing.finish(self.name)
        except NameTakenError as error:
            raise RefusedError(Code.FAILURE, WAITS) from error
        except OSError as error:
            raise RefusedError(Code.FAILURE, f"not kept: {error.strerror}") from error
        finally:
            self.drop()
        self._place.handed(self.name, found)


class Unfinished(Upload):
    """One under the name of an unfinished file: it stays that until it is renamed, and can be gone on with."""

    def __init__(self, place: Place, name: str, descriptor: int, *, append: bool) -> None:
        super().__init__(place, name, append=append)
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def drop(self) -> None:
        if self._broken:
            with contextlib.suppress(OSError):
                (self._place.directory / self.name).unlink()
        os.close(self._descriptor)

    def _end(self) -> None:
        self.drop()


def locked(path: Path, flags: int) -> int:
    """
    Open a plain file that nobody else writes; it is ours until its descriptor is closed.

    Errors:
        RefusedError: there is none, or somebody writes it.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, MODE)
    except OSError as error:
        raise failed(error) from error
    try:
        refused = _refused(descriptor, path)
    except OSError:
        refused = RefusedError(Code.FAILURE, BUSY)
    if refused is not None:
        os.close(descriptor)
        raise refused
    return descriptor


def _refused(descriptor: int, path: Path) -> RefusedError | None:
    """Lock the file; or say why it is not to be had."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return RefusedError(Code.NO_SUCH_FILE, "there is no such file")
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # Between the two it may have got its final name, and is not to be written to any more.
    if not os.path.samestat(found, path.lstat()):
        return RefusedError(Code.FAILURE, BUSY)
    return None


def attributes_of(found: os.stat_result) -> Attributes:
    """Say what a file is."""
    return Attributes(found.st_size, stat.S_IFREG | MODE, int(found.st_mtime))


def failed(error: OSError) -> RefusedError:
    """Give the refusal that an error of the system is."""
    if error.errno in {errno.ENOENT, errno.ELOOP}:
        return RefusedError(Code.NO_SUCH_FILE, "there is no such file")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return RefusedError(Code.PERMISSION_DENIED, "it is not yours")
    return RefusedError(Code.FAILURE, f"not done: {error.strerror}")
