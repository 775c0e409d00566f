"""
Originals of files that are done: compressed when nothing else is to be done, dropped when they were kept long enough.

At every moment a file is there, plain or compressed; what is dropped was noted as dropped before.
"""

import gzip
import hashlib
import itertools
import logging
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from bmuid.intake.spool import BLOCK_OCTETS, KEPT_MODE, UNFINISHED_SUFFIX, Spool, packed_at, sync
from bmuid.intake.unpacking import UnpackError, packing_of

log = logging.getLogger(__name__)

LEVEL = 6
AT_ONCE = 1000

# Of a source's octets by their SHA-256: those that are to go, which was noted.
Drop = Callable[[str, list[bytes]], list[bytes]]


def pack_all(spool: Spool) -> Iterator[None]:
    """
    Compress what is done and plain, a block from one step to the next.

    Errors:
        OSError: it can't be read, or there is no room; then it lies there as it was.
    """
    for source in spool.sources():
        for sha256 in spool.in_done(source):
            path = spool.done_at(source, sha256)
            if not _is_packed_already(path):
                yield from pack(path, sha256)


def _is_packed_already(path: Path) -> bool:
    """Tell whether a file came compressed, and would become no smaller."""
    try:
        return packing_of(path) is not None
    except UnpackError:
        return True


def pack(path: Path, sha256: bytes) -> Iterator[None]:
    """Compress one original, durable before the plain one goes."""
    packed = packed_at(path)
    part = packed.with_name(packed.name + UNFINISHED_SUFFIX)
    part.unlink(missing_ok=True)
    try:
        if (yield from _pack(path, part)) != sha256:
            log.error("AN ORIGINAL IS NOT WHAT IT WAS, and is left as it is: %s", path)
            return
        part.rename(packed)
    finally:
        part.unlink(missing_ok=True)
    sync(packed.parent)
    path.unlink(missing_ok=True)


def _pack(path: Path, part: Path) -> Generator[None, None, bytes]:
    """Write the compressed form, durable; give the SHA-256 of what it holds."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as original, part.open("xb") as file:
        os.fchmod(file.fileno(), KEPT_MODE)
        # Without a name and a time in it: the same octets become the same.
        with gzip.GzipFile("", "wb", LEVEL, file, 0) as packed:
            while block := original.read(BLOCK_OCTETS):
                digest.update(block)
                packed.write(block)
                yield
        file.flush()
        os.fsync(file.fileno())
    return digest.digest()


def drop_old(spool: Spool, before: float, drop: Drop) -> None:
    """
    Drop originals that came to done/ before an instant, as far as *drop* says so.

    Shapes:
        before: seconds since 1970-01-01 UTC.
    """
    for source in spool.sources():
        old = spool.done_before(source, before)
        while some := list(itertools.islice(old, AT_ONCE)):
            for sha256 in drop(source, some):
                path = spool.done_at(source, sha256)
                path.unlink(missing_ok=True)
                packed_at(path).unlink(missing_ok=True)
                log.info("original dropped", extra={"source": source, "sha256": sha256.hex()})
