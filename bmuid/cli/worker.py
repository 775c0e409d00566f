"""The command `bmuid worker`: one worker process, which ends when the daemon that started it does."""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
# Those that are the daemon itself with one part alone, since they have doors.
SERVED = ("realtime", "receiving")


def main(argv: Sequence[str]) -> int:
    """Serve as a worker until told to stop; give the exit status."""
    words = list(argv)
    if words[:1] == ["--parent"] and len(words) > 1 and words[1].isdigit():
        _end_with(int(words[1]))
        words = words[2:]
    # Only once the parent is watched.
    if words[-2:-1] == ["--kind"] and words[-1] in SERVED:
        # It is its parent who speaks to the service manager.
        os.environ.pop("NOTIFY_SOCKET", None)  # noqa: TID251
        from bmuid.cli.run import main as run  # noqa: PLC0415

        return run([*words[:-2], "--only", words[-1]])
    from bmuid.worker.main import main as serve  # noqa: PLC0415

    return serve(words)


def _end_with(parent: int) -> None:
    """Have the kernel end this process, in order, once *parent* is gone: also when that was killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(os.EX_TEMPFAIL)
