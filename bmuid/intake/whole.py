"""When a file in a source's directory is whole, by the way in which the source writes its files."""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bmuid.intake.spool import BLOCK_OCTETS, name_of
from bmuid.store.files import WayIn
from bmuid.store.sources import Completion

DONE_SUFFIX, DIGEST_SUFFIX = ".done", ".sha256"
MANIFEST_SUFFIXES = (DONE_SUFFIX, DIGEST_SUFFIX)
MANIFEST_OCTETS_MAX = 4096
TAIL_OCTETS = 1 << 16
STALE_SECONDS = 7 * 86_400

_DIGEST = re.compile(rb"\s*([0-9A-Fa-f]{64})(?:\s|\Z)")

# What a file was when it was looked at: which one, how long, when it was last written to.
_Look = tuple[int, int, int]


@dataclass(slots=True)
class _Quiet:
    """A file that was the same since an instant, and what it held later."""

    look: _Look
    since: float
    digest: bytes | None = None


@dataclass(slots=True)
class Whole:
    """
    Tells which files are whole; remembers what it saw of those that are not.

    Shapes:
        clock: seconds that only ever grow, so that a clock put forward makes no file quiet.
        waiting: by source and name, why a file that was looked at since `look` is not whole.
    """

    clock: Callable[[], float] = time.monotonic
    waiting: dict[tuple[str, str], str] = field(default_factory=dict)
    _seen: dict[Path, _Quiet] = field(default_factory=dict)
    _other: dict[Path, tuple[_Look, _Look]] = field(default_factory=dict)

    def look(self) -> None:
        """Begin to look anew; files that have gone are forgotten."""
        self.waiting = {}
        self._seen = {path: seen for path, seen in self._seen.items() if path.exists()}
        self._other = {path: looks for path, looks in self._other.items() if path.exists()}

    def is_whole(self, way: WayIn, path: Path, why_unended: Callable[[Path], str]) -> bool:
        """
        Tell whether a file is whole; a file that speaks of another never is.

        Shapes:
            why_unended: why a file does not end as its profile says; nothing where it does.
        """
        why = ""
        match way.completion:
            case Completion.RENAME:
                pass
            case Completion.QUIET:
                why = self._why_not_quiet(way, path)
            case Completion.MANIFEST:
                if path.suffix in MANIFEST_SUFFIXES:
                    _drop_stale(path)
                    return False
                why = self._why_no_manifest(path)
            case Completion.TRAILER:
                why = why_unended(path)
        if why:
            self.waiting[way.code, name_of(path)] = why
        return not why

    def _why_not_quiet(self, way: WayIn, path: Path) -> str:
        """Size and time must stay the same all the while, and what it holds from the middle of it to its end."""
        look = _look(path)
        seen = self._seen.get(path)
        now = self.clock()
        if seen is None or seen.look != look:
            self._seen[path] = _Quiet(look, now)
        elif seen.digest is None:
            if now - seen.since >= way.quiet_seconds / 2:
                seen.digest = digest_of(path)
        elif now - seen.since >= way.quiet_seconds:
            if digest_of(path) == seen.digest:
                del self._seen[path]
                return ""
            self._seen[path] = _Quiet(look, now)
        return f"it was not yet left alone for {way.quiet_seconds} seconds"

    def _why_no_manifest(self, path: Path) -> str:
        """Tell why no file beside it says that a file is whole; one that is older spoke of an earlier one of that name."""
        told = path.with_name(path.name + DONE_SUFFIX)
        if told.is_file() and told.stat().st_mtime_ns >= path.stat().st_mtime_ns:
            return ""
        manifest = path.with_name(path.name + DIGEST_SUFFIX)
        if not manifest.is_file():
            return f"there is no {told.name} and no {manifest.name} for it"
        with manifest.open("rb") as file:
            found = _DIGEST.match(file.read(MANIFEST_OCTETS_MAX))
        if found is None:
            return f"{manifest.name} does not begin with a SHA-256 of 64 hexadecimal digits"
        looks = _look(path), _look(manifest)
        # What was read once is read again when one of the two has changed.
        if self._other.get(path) != looks:
            if digest_of(path).hex() == found[1].decode().lower():
                return ""
            self._other[path] = looks
        return f"its octets are not those that {manifest.name} tells of"


def _drop_stale(manifest: Path) -> None:
    """Remove what spoke of a file that was taken long ago, so that a source's directory does not grow for ever."""
    age = time.time() - manifest.stat().st_mtime  # noqa: TID251 - the file system's clock
    if age > STALE_SECONDS and not manifest.with_suffix("").exists():
        manifest.unlink()


def _look(path: Path) -> _Look:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def digest_of(path: Path) -> bytes:
    """Give the SHA-256 of a file's octets."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_OCTETS):
            digest.update(block)
    return digest.digest()


def last_line(path: Path) -> bytes:
    """Give the last line of a file, with its end where it has one; of one that is very long, the last of it."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_OCTETS))
        octets = file.read()
    line = octets.removesuffix(b"\n").rpartition(b"\n")[2]
    return line + b"\n" if octets.endswith(b"\n") else line
