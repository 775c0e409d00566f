"""
The spool: where files of usage arrive and are kept.

A directory a source, and in it ``in/`` (the source writes there), ``taking/`` (out of its reach, not yet
known), ``work/`` (known, named by SHA-256) and ``done/`` (every line has its verdict; kept, and compressed in time);
``assembled/`` is to files that are made of sessions what ``taking/`` is to others. A file moves by rename within one
file system, and both directories are synced, so it is never absent and never half there. What isn't lines of text has
its lines beside it in ``work/``, made of it whenever they are not there.
"""

import contextlib
import gzip
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK_OCTETS = 1 << 20
UNFINISHED_SUFFIX = ".part"
# What clients call a file while they write it; `.filepart` is WinSCP's.
UNFINISHED_SUFFIXES = (UNFINISHED_SUFFIX, ".filepart")
PACKED_SUFFIX = ".gz"
KEPT_MODE = 0o400
STAGES = ("in", "taking", "assembled", "work", "done")


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that is out of its source's reach, under the name that the source gave it."""

    source: str
    path: Path

    @property
    def name(self) -> str:
        """The name as text that can be stored."""
        return name_of(self.path)


def name_of(path: Path) -> str:
    """Give the name of a file as text that can be stored, at most 255 characters."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")[:255]


@dataclass(frozen=True, slots=True)
class Measure:
    """What a file holds; a last line needs no line end to count."""

    sha256: bytes
    octets: int
    lines: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the octets of a file lie; packed: compressed by us (gzip)."""

    path: Path
    packed: bool


@dataclass(frozen=True, slots=True)
class Spool:
    """The directory of all sources' directories."""

    root: Path

    def make(self, source: str) -> None:
        """Make the directories of a source, unless they are there."""
        for stage in STAGES:
            (self.root / source / stage).mkdir(mode=0o750, parents=True, exist_ok=True)

    def sources(self) -> Iterator[str]:
        """Give the names of the sources' directories."""
        with os.scandir(self.root) as entries:
            yield from sorted(each.name for each in entries if each.is_dir(follow_symlinks=False))

    def take(
        self, source: str, is_whole: Callable[[Path], bool] = Path.is_file
    ) -> Iterator[Taken]:
        """
        Take the files that have arrived whole, oldest first; those taken before and not yet kept come first.

        What has the name of an unfinished file is still being written. Only plain files are
        taken: a link could name a file that is none of the source's.
        """
        taking = self.root / source / "taking"
        for path in plain_files(taking):
            yield Taken(source, path)
        for path in plain_files(self.root / source / "in"):
            if is_unfinished(path.name):
                continue
            taken = taking / path.name
            # A file of that name was taken and still waits, since switches give all theirs the same
            # name: then this one waits too.
            if taken.exists():
                continue
            with contextlib.suppress(FileNotFoundError):
                if is_whole(path):
                    move(path, taken)
                    yield Taken(source, taken)

    def assembled(self, source: str) -> Iterator[Taken]:
        """Give the files that were made of sessions of a source, and are not known yet, or were not put away."""
        for path in plain_files(self.root / source / "assembled"):
            if not path.name.endswith(UNFINISHED_SUFFIX):
                yield Taken(source, path)

    def assemble(self, source: str, name: str, lines: Iterable[bytes]) -> Taken:
        """
        Write a file that is made of sessions; again is no harm.

        Errors:
            OSError: no room.
        """
        directory = self.root / source / "assembled"
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        part = directory / (name + UNFINISHED_SUFFIX)
        with part.open("wb") as file:
            for line in lines:
                file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        move(part, directory / name)
        return Taken(source, directory / name)

    def keep(self, taken: Taken, sha256: bytes) -> None:
        """Give the file its place in work/ as well; its name in taking/ stays until it is known."""
        kept = self._at(taken.source, "work", sha256)
        try:
            os.link(taken.path, kept, follow_symlinks=False)
        except FileExistsError:
            pass
        except PermissionError:
            # Linux links only files that are ours to write; what another user handed in is copied.
            _copy(taken.path, kept)
        sync(kept.parent)

    def known(self, taken: Taken) -> None:
        """Drop the name in taking/, since the file has its row."""
        taken.path.unlink(missing_ok=True)

    def forget(self, source: str, sha256: bytes) -> None:
        """Drop a file from work/ that has no row, since it is not what its name says."""
        self._at(source, "work", sha256).unlink(missing_ok=True)

    def in_work_at(self, source: str, sha256: bytes) -> Path:
        """Give the path of a file while it is worked."""
        return self._at(source, "work", sha256)

    def lines_at(self, source: str, sha256: bytes, replay: int) -> Path:
        """Give the path of the lines that are made of a file."""
        return self.root / source / "work" / f"{sha256.hex()}.{replay}.lines"

    def write_lines(self, path: Path, lines: Iterable[bytes]) -> None:
        """
        Write a file whole, or not at all.

        Errors:
            OSError: there is no room.
        """
        # Two workers may find that it is not there.
        part = path.with_name(f"{path.name}.{os.getpid()}{UNFINISHED_SUFFIX}")
        part.unlink(missing_ok=True)
        try:
            with part.open("wb", buffering=BLOCK_OCTETS) as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        sync(path.parent)

    def finish(self, source: str, sha256: bytes) -> None:
        """Put away a file whose every line has a verdict, and drop the lines that were made of it; again is no harm."""
        original, done = self._at(source, "work", sha256), self._at(source, "done", sha256)
        if not original.exists():
            return
        # First what is made again when it is missed.
        for lines in original.parent.glob(f"{original.name}.*.lines"):
            lines.unlink(missing_ok=True)
        if done.exists() or packed_at(done).exists():
            original.unlink(missing_ok=True)
        else:
            with contextlib.suppress(FileNotFoundError):
                move(original, done)

    def take_up(self, source: str, sha256: bytes) -> bool:
        """Bring the octets of a file back to work/; False: the spool has them no more."""
        kept = self.find(source, sha256)
        if kept is None:
            return False
        original = self._at(source, "work", sha256)
        if kept.packed:
            with gzip.open(kept.path) as file:
                self.write_lines(original, iter(lambda: file.read(BLOCK_OCTETS), b""))
            original.chmod(KEPT_MODE)
        elif kept.path != original:
            original.hardlink_to(kept.path)
            sync(original.parent)
        return True

    def in_work(self, source: str) -> Iterator[bytes]:
        """Give the SHA-256 of each file in work/."""
        return _digests(self.root / source / "work")

    def in_done(self, source: str) -> Iterator[bytes]:
        """Give the SHA-256 of each file in done/ that is not packed."""
        return _digests(self.root / source / "done")

    def done_before(self, source: str, before: float) -> Iterator[bytes]:
        """Give the SHA-256 of each file in done/, packed or not, that came there before an instant."""
        for path in plain_files(self.root / source / "done"):
            with contextlib.suppress(FileNotFoundError, ValueError):
                # To be given another place changes this time, and nobody can set it.
                if path.stat().st_ctime < before:
                    yield bytes.fromhex(path.name.removesuffix(PACKED_SUFFIX))

    def done_at(self, source: str, sha256: bytes) -> Path:
        """Give the path of a file that is done and not packed."""
        return self._at(source, "done", sha256)

    def find(self, source: str, sha256: bytes) -> Kept | None:
        """Tell where a file is that is in work/ or done/."""
        work, done = self._at(source, "work", sha256), self._at(source, "done", sha256)
        places = (
            Kept(work, packed=False),
            Kept(done, packed=False),
            Kept(packed_at(done), packed=True),
        )
        return next((kept for kept in places if kept.path.exists()), None)

    def sweep(self, source: str) -> None:
        """Remove what was left half written in work/ and done/; nobody may write there meanwhile."""
        for stage in ("work", "done"):
            for path in plain_files(self.root / source / stage):
                if path.name.endswith(UNFINISHED_SUFFIX):
                    path.unlink(missing_ok=True)

    def _at(self, source: str, stage: str, sha256: bytes) -> Path:
        return self.root / source / stage / sha256.hex()


def is_unfinished(name: str) -> bool:
    """Tell whether a name says that its file is still being written: a dot before it, or .part after it."""
    return name.startswith(".") or name.endswith(UNFINISHED_SUFFIXES)


def packed_at(path: Path) -> Path:
    """Give the path of a file once it is packed."""
    return path.with_name(path.name + PACKED_SUFFIX)


def _digests(directory: Path) -> Iterator[bytes]:
    for path in plain_files(directory):
        with contextlib.suppress(ValueError):
            yield bytes.fromhex(path.name)


def measure(path: Path) -> Measure:
    """
    Read the file once, make it durable and read-only, and say what it holds.

    Errors:
        OSError: it can't be read, or is no plain file of ours.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a plain file")
        # Another user's file is not ours to change; the copy that is kept will be.
        with contextlib.suppress(PermissionError):
            os.fchmod(descriptor, KEPT_MODE)
        os.fsync(descriptor)
        digest = hashlib.sha256()
        octets = lines = 0
        last = b"\n"
        while block := file.read(BLOCK_OCTETS):
            digest.update(block)
            octets += len(block)
            lines += block.count(b"\n")
            last = block[-1:]
    return Measure(digest.digest(), octets, lines + (last != b"\n"))


def plain_files(directory: Path) -> list[Path]:
    """Give the plain files of a directory, the oldest first."""
    try:
        with os.scandir(directory) as entries:
            found = [
                (each.stat(follow_symlinks=False).st_mtime_ns, each.name)
                for each in entries
                if each.is_file(follow_symlinks=False)
            ]
    except FileNotFoundError:
        return []
    return [directory / name for _, name in sorted(found)]


def move(path: Path, target: Path) -> None:
    """Give a file another place for good, in place of what is there."""
    path.rename(target)
    sync(target.parent)
    sync(path.parent)


def _copy(path: Path, target: Path) -> None:
    part = target.with_name(target.name + UNFINISHED_SUFFIX)
    part.unlink(missing_ok=True)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEPT_MODE)
        with os.fdopen(descriptor, "wb") as copy, path.open("rb") as original:
            shutil.copyfileobj(original, copy, BLOCK_OCTETS)
            copy.flush()
            os.fsync(descriptor)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)


def sync(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
