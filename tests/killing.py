"""A process that is killed at its n-th step on files: every rename, link, removal and opening is a place to die."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

STEPS = frozenset({"open", "os.rename", "os.link", "os.remove", "os.chmod", "os.truncate"})


def killed_at(step: int, root: Path, work: Callable[[], None]) -> bool:
    """
    Do some work in a process of its own, which is killed before its *step*-th step below *root*; False: it had fewer.

    Shapes:
        work: opens what it needs itself; nothing of this process may be used by it.
    """
    child = os.fork()
    if child == 0:
        _die_at(step, os.fsencode(root))
        try:
            work()
        except BaseException:  # noqa: BLE001 - this process must not go on as the test does
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed by itself"
    return False


def _die_at(step: int, root: bytes) -> None:
    left = step

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event not in STEPS or not arguments:
            return
        path = arguments[0]
        if not isinstance(path, str | bytes | os.PathLike):
            return
        if os.fsencode(path).startswith(root):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
