"""
Octets that the processes of this machine share: a file in memory that each of them maps.

Whoever needs one that is not there makes it, while others wait for it. Each holds a lock on what it maps, which the
system lets go with the process, however that ends. Who ends last takes the file away; what was left by processes that
were killed goes when the next one looks.
"""

import fcntl
import logging
import mmap
import os
import stat
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - ours is a directory in it that nobody else may enter
UNFINISHED_SUFFIX = ".part"


@dataclass(frozen=True, slots=True)
class Sharing:
    """A directory of shared octets, each under a name."""

    directory: Path

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let nobody else make or remove anything; what nobody uses any more goes first."""
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def names(self) -> list[str]:
        """Give the names of what is there."""
        found = (path.name for path in self.directory.iterdir())
        return sorted(name for name in found if not name.endswith(UNFINISHED_SUFFIX))

    def sweep(self) -> None:
        """Remove what nobody maps; to be called alone."""
        for path in list(self.directory.iterdir()):
            with suppress(OSError):
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
                _let_go(descriptor, path)

    def map(self, name: str) -> memoryview | None:
        """Map what is there under a name, if it is."""
        path = self.directory / name
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return _mapped(descriptor, path)

    def put(self, name: str, pieces: Sequence[bytes | bytearray]) -> memoryview:
        """
        Share octets under a new name and map them; to be called alone.

        Errors:
            OSError: there is no room.
        """
        path = self.directory / name
        part = path.with_name(name + UNFINISHED_SUFFIX)
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            for piece in pieces:
                _write(descriptor, piece)
            part.rename(path)
        except OSError:
            part.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        found = _mapped(descriptor, path)
        assert found is not None, "nobody removes it while others are locked out"
        return found


def own_sharing(above: Path | None = None) -> Sharing | None:
    """Give the directory of this user, made when it is not there; None where there can be none."""
    if above is None:
        above = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    path = above / f"bmuid-{os.geteuid()}"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        log.warning("owners are not shared between workers: %s", error)
        return None
    # Anybody may make a directory there of that name.
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077:
        return Sharing(path)
    log.warning("owners are not shared between workers: %s is not ours alone", path)
    return None


def _write(descriptor: int, piece: bytes | bytearray) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _mapped(descriptor: int, path: Path) -> memoryview | None:
    """Map a file on which there is our lock; None: it was taken away before that."""
    found = os.fstat(descriptor)
    if not found.st_nlink or not found.st_size:
        os.close(descriptor)
        return None
    mapped = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
    weakref.finalize(mapped, _let_go, descriptor, path)
    return memoryview(mapped)


def _let_go(descriptor: int, path: Path) -> None:
    """Close a file, and remove it when nobody else has a lock on it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pass
    else:
        # A file that others put in its place is theirs.
        with suppress(OSError):
            if path.lstat().st_ino == os.fstat(descriptor).st_ino:
                path.unlink()
    finally:
        os.close(descriptor)
