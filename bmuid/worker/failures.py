"""Chunks that fail for a reason that nobody foresaw: tried again, and set aside when they fail too often."""

from collections import Counter
from dataclasses import dataclass, field

from bmuid.intake.chunk import ChunkFailedError
from bmuid.store.transaction import DatabaseError, is_refused

# So often is a chunk tried before its part is set aside.
TRIES_MAX = 3


def is_foreseen(error: Exception) -> bool:
    """Tell whether an error is the environment's, which passes: the database is away, the disk is full."""
    return isinstance(error, OSError) or (
        isinstance(error, DatabaseError) and not is_refused(error)
    )


@dataclass(slots=True)
class Failures:
    """How often which chunks have failed."""

    _failed: Counter[tuple[int, int, int]] = field(default_factory=Counter)

    def counted(self, error: ChunkFailedError) -> str | None:
        """Count a failure; give why the part is to be set aside, once it is to be: other files then go on."""
        what = error.file_id, error.part, error.next_line
        self._failed[what] += 1
        if self._failed[what] < TRIES_MAX:
            return None
        del self._failed[what]
        cause = error.__cause__
        said = " ".join(f"{type(cause).__name__}: {cause}".split())[:500]
        return (
            f"it failed {TRIES_MAX} times from line {error.next_line} on, which is a fault of the program or of"
            f" what it was given: {said}. The log has all of it; when it is mended, let the file be tried again"
        )
