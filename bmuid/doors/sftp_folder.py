"""
What a client sees of its source's ``in/``: names and sizes, nothing to read back, and no way out.

A path is one name, or the root: nothing else exists here, whatever is written before it. Files that have their final
name are no longer the client's. All of it blocks, so it runs in threads; one client's requests one after the other.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from bmuid.doors.sftp_uploads import (
    WAITS,
    Place,
    Terms,
    Unfinished,
    Upload,
    Whole,
    attributes_of,
    failed,
    locked,
)
from bmuid.doors.sftp_wire import Attributes, Code, Entry, Open, RefusedError
from bmuid.intake.handing import (
    HANDED_PREFIX,
    NAME_OCTETS_MAX,
    NameTakenError,
    give_name,
)
from bmuid.intake.room import has_room
from bmuid.intake.spool import is_unfinished

UNFINISHED_MAX = 1000
LISTED_MAX = 10_000
ROOT_ATTRIBUTES = Attributes(0, stat.S_IFDIR | 0o750, 0)


class Folder:
    """The ``in/`` of one source, for one connection."""

    def __init__(self, directory: Path, terms: Terms) -> None:
        self.terms = terms
        self._directory = directory
        # Clients look whether what they handed in is there, when it was taken already.
        self._handed: dict[str, Attributes] = {}

    def open(self, path: bytes, how: Open) -> Upload:
        """
        Begin, or go on with, an upload.

        Errors:
            RefusedError: it is to be read, waits to be taken, or there is no room.
        """
        name = _file(path)
        if not how & Open.WRITE:
            raise RefusedError(Code.PERMISSION_DENIED, "files can't be read back")
        if not has_room(self._directory, self.terms.room_octets_min):
            said = "there is too little room for files at the moment; try again later"
            raise RefusedError(Code.FAILURE, said)
        if is_unfinished(name):
            return self._unfinished(name, how)
        if _lstat(self._directory / name) is not None:
            raise RefusedError(Code.FAILURE, WAITS)
        if not how & Open.CREATE:
            raise absent()
        try:
            return Whole(self._place(), name)
        except OSError as error:
            raise failed(error) from error

    def attributes(self, path: bytes) -> Attributes:
        """
        Say what a path is.

        Errors:
            RefusedError: there is nothing.
        """
        name = name_of(path)
        if name is None:
            return ROOT_ATTRIBUTES
        found = _lstat(self._directory / name)
        if found is not None and stat.S_ISREG(found.st_mode) and not _is_hidden(name):
            return attributes_of(found)
        if name in self._handed:
            return self._handed[name]
        raise absent()

    def entries(self, path: bytes) -> Iterator[Entry]:
        """
        Give the files there are; the first LISTED_MAX of them.

        Errors:
            RefusedError: the path is not the root.
        """
        if name_of(path) is not None:
            raise RefusedError(Code.FAILURE, "it is no directory")
        listed = 0
        with os.scandir(os.fsencode(self._directory)) as found:
            for each in found:
                if listed == LISTED_MAX:
                    return
                if _is_hidden(os.fsdecode(each.name)) or not each.is_file(follow_symlinks=False):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    said = attributes_of(each.stat(follow_symlinks=False))
                    listed += 1
                    yield Entry(
                        each.name,
                        said,
                        b"-rw-r----- 1 bmuid bmuid %12d %s" % (said.size or 0, each.name),
                    )

    def rename(self, old: bytes, new: bytes) -> None:
        """
        Give an unfinished file another name; a final one hands it in, for good.

        Errors:
            RefusedError: it is no unfinished file, is being written, or a file of the new name waits.
        """
        first, second = _file(old), _file(new)
        if not is_unfinished(first):
            raise self._not_theirs(first)
        part = self._directory / first
        descriptor = locked(part, os.O_RDONLY)
        try:
            found = os.fstat(descriptor)
            if found.st_nlink > 1:
                # It was handed in when a crash came: all that is missing is that its old name goes.
                part.unlink()
            else:
                os.fsync(descriptor)
                give_name(part, self._directory / second)
        except NameTakenError as error:
            raise RefusedError(Code.FAILURE, WAITS) from error
        except OSError as error:
            raise failed(error) from error
        finally:
            os.close(descriptor)
        if not is_unfinished(second):
            self._remember(second, attributes_of(found))

    def remove(self, path: bytes) -> None:
        """
        Remove an unfinished file.

        Errors:
            RefusedError: it is none, or is being written.
        """
        name = _file(path)
        if not is_unfinished(name):
            raise self._not_theirs(name)
        descriptor = locked(self._directory / name, os.O_RDONLY)
        try:
            (self._directory / name).unlink()
        finally:
            os.close(descriptor)

    def _place(self) -> Place:
        return Place(self._directory, self.terms, self._remember)

    def _remember(self, name: str, found: Attributes) -> None:
        self._handed[name] = found
        if len(self._handed) > UNFINISHED_MAX:
            del self._handed[next(iter(self._handed))]

    def _not_theirs(self, name: str) -> RefusedError:
        if _lstat(self._directory / name) is None:
            return absent()
        return RefusedError(
            Code.PERMISSION_DENIED, "it was handed in; it can't be changed any more"
        )

    def _unfinished(self, name: str, how: Open) -> Upload:
        flags = os.O_WRONLY | (os.O_CREAT if how & Open.CREATE else 0)
        flags |= os.O_EXCL if how & Open.EXCLUSIVE else 0
        unfinished = sum(is_unfinished(each.name) for each in self._directory.iterdir())
        if how & Open.CREATE and unfinished >= UNFINISHED_MAX:
            said = f"{UNFINISHED_MAX} unfinished files are there; remove some"
            raise RefusedError(Code.FAILURE, said)
        part = self._directory / name
        descriptor = locked(part, flags)
        if os.fstat(descriptor).st_nlink > 1:
            # These octets were handed in when a crash came, and are no longer to be written to.
            part.unlink()
            os.close(descriptor)
            descriptor = locked(part, flags)
        if how & Open.TRUNCATE:
            os.ftruncate(descriptor, 0)
        return Unfinished(self._place(), name, descriptor, append=bool(how & Open.APPEND))


def absent() -> RefusedError:
    """Give the refusal of what is not there."""
    return RefusedError(Code.NO_SUCH_FILE, "there is no such file")


def name_of(path: bytes) -> str | None:
    """
    Give the name that a path is, as a system does below its root; None: the root itself.

    Errors:
        RefusedError: there is no such place, or it is no name a file may have.
    """
    parts: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            del parts[-1:]
        elif part not in {b"", b"."}:
            parts.append(part)
    if not parts:
        return None
    name = parts[0]
    if len(parts) > 1:
        raise absent()
    if len(name) > NAME_OCTETS_MAX:
        raise RefusedError(Code.FAILURE, f"a name has {NAME_OCTETS_MAX} octets at most")
    if any(octet < 0x20 or octet == 0x7F for octet in name):
        raise RefusedError(Code.FAILURE, "a name has no control characters")
    return os.fsdecode(name)


def _file(path: bytes) -> str:
    name = name_of(path)
    if name is None:
        raise RefusedError(Code.FAILURE, "it is a directory")
    if _is_hidden(name):
        raise RefusedError(Code.PERMISSION_DENIED, "names like that are not for clients")
    return name


def _is_hidden(name: str) -> bool:
    return name.startswith(HANDED_PREFIX)


def _lstat(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
