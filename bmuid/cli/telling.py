"""How the commands speak: one line a fault, on standard error, and a status."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime


def complain(program: str, faults: Iterable[str], status: int) -> int:
    """Write each fault on a line of its own; give *status*."""
    for fault in faults:
        sys.stderr.write(f"{program}: {fault}\n")
    return status


def now() -> datetime:
    """Give the present instant, to hand down to whatever needs one."""
    return datetime.now(UTC)  # noqa: TID251 - the edge where the clock is read
