"""
The one way by which receivers hand a file into a source's ``in/``: whole, durable, or not at all.

A file is written under a name that nobody takes, synced, given its name without replacing another, and its
directory is synced: only then may anybody be told that it has arrived.
"""

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from bmuid.intake.spool import UNFINISHED_SUFFIX, sync

MODE = 0o640
NAME_OCTETS_MAX = 200
HANDED_PREFIX = ".handed-"
_ALLOWED = frozenset("._-+=@,() ")


class NameTakenError(OSError):
    """Raised when a file of that name waits in the directory; nothing was changed."""


def safe_name(text: str) -> str:
    """Give a name like *text* that names a file in a directory, is taken as finished, and is not too long."""
    kept = "".join(one if one.isalnum() or one in _ALLOWED else "_" for one in text).strip()
    kept = kept.encode()[:NAME_OCTETS_MAX].decode("utf-8", "ignore")
    if kept.startswith((".", "-")):
        kept = f"_{kept[1:]}"
    if kept.endswith(UNFINISHED_SUFFIX):
        kept = f"{kept[: -len(UNFINISHED_SUFFIX)]}_part"
    return kept or "unnamed"


class Handing:
    """
    One file on its way into a directory.

    Leave its ``with`` without `finish`, by an error or not, and nothing is left of it. Blocking: on a reactor,
    call `finish` in a thread.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._part = directory / f"{HANDED_PREFIX}{secrets.token_hex(8)}{UNFINISHED_SUFFIX}"
        self._descriptor = -1

    def __enter__(self) -> "Handing":
        """
        Open it.

        Errors:
            OSError: the directory is not there, or is not ours to write.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._part, flags, MODE)
        # So that `sweep` knows what is still being written.
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self

    def __exit__(self, *_: object) -> None:
        self._part.unlink(missing_ok=True)
        os.close(self._descriptor)

    def fileno(self) -> int:
        """Give the descriptor, for whoever writes elsewhere than at the end."""
        return self._descriptor

    def write(self, octets: bytes) -> None:
        """
        Add octets at the end.

        Errors:
            OSError: there is no room.
        """
        view = memoryview(octets)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def finish(self, name: str) -> Path:
        """
        Give the file its name, for good.

        Shapes:
            name: a safe one.

        Errors:
            NameTakenError: a file of that name waits still; it may be tried again.
            OSError: the octets can't be kept.
        """
        os.fsync(self._descriptor)
        return give_name(self._part, self._directory / name)


def hand(directory: Path, name: str, blocks: Iterable[bytes]) -> Path:
    """
    Hand in a file of these octets; when this returns it is there for good, when it raises there is nothing.

    Shapes:
        directory: the in/ of a source; name: any text, which is made safe.

    Errors:
        NameTakenError: a file of that name waits still.
        OSError: no room, no such directory, or not ours.
    """
    with Handing(directory) as handing:
        for block in blocks:
            handing.write(block)
        return handing.finish(safe_name(name))


def give_name(part: Path, target: Path) -> Path:
    """
    Give a synced file of *part* its name, replacing nothing, and sync the directory that both are in.

    Errors:
        NameTakenError: there is a file of that name.
    """
    try:
        # A rename would replace what waits under that name.
        os.link(part, target, follow_symlinks=False)
    except FileExistsError as error:
        raise NameTakenError(
            error.errno, "a file of that name waits still", target.name
        ) from error
    part.unlink()
    sync(target.parent)
    return target


def sweep(root: Path) -> int:
    """Remove what receivers that were killed left half written in the spool; tell how many files."""
    swept = 0
    for path in _handed(root):
        # What somebody writes still is locked.
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                swept += 1
            finally:
                os.close(descriptor)
    return swept


def _handed(root: Path) -> Iterator[Path]:
    for path in sorted(root.glob(f"*/in/{HANDED_PREFIX}*{UNFINISHED_SUFFIX}")):
        if stat.S_ISREG(path.lstat().st_mode):
            yield path
