"""
The process in which a site's own plug-in runs: rows come in, rows go out, and nothing else is within its reach.

It has no descriptor but its pipes, and can open none once it is loaded: no file, no socket, no connection.
"""

import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import BinaryIO

GROUP = "bmuid.mediation"
LENGTH = struct.Struct(">I")
SAID_MAX = 300
# Longer than a worker waits for a batch.
ALONE_SECONDS = 60

Make = Callable[[Mapping[str, str]], object]


def main() -> None:
    """Load the plug-in that is named first, then answer batch after batch."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What the plug-in prints is no answer, nor what a library of its own does that is not in Python.
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    hello = json.loads(_frame(source))
    sys.path[:] = hello["path"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (hello["memory_octets"],) * 2)
    _allow(hello["processor_seconds"])
    try:
        make = _load(hello["name"])
    except Exception as error:  # noqa: BLE001 - the program is not ours
        _answer(sink, {"error": f"can't be loaded: {_said(error)}"})
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    _answer(sink, {})
    while batch := _frame(source):
        _allow(hello["processor_seconds"])
        _answer(sink, _made(make, json.loads(batch)))


def _load(name: str) -> Make:
    found = tuple(entry_points(group=GROUP, name=name))
    if len(found) != 1:
        many = "several packages have" if found else "no installed package has"
        raise LookupError(f"{many} the entry point {name!r} in the group {GROUP}")
    make: Make = found[0].load()
    return make


def _made(make: Make, rows: list[dict[str, str]]) -> dict[str, object]:
    """Give, of each row, the rows that are made of it, or a text that says why there are none."""
    made: list[object] = []
    for row in rows:
        try:
            given = make(row)
            made.append(given if isinstance(given, str) else [_row(each) for each in given])  # type: ignore[attr-defined]
        except Exception as error:  # noqa: BLE001 - the program is not ours
            return {"error": f"fails with {_said(error)}", "row": len(made)}
    return {"made": made}


def _row(row: object) -> dict[str, str]:
    if not isinstance(row, Mapping) or not all(
        isinstance(name, str) and isinstance(text, str) for name, text in row.items()
    ):
        raise TypeError(f"a row is a mapping of texts to texts, not {row!r}")
    return dict(row)


def _allow(batch_seconds: int) -> None:
    """Let a batch have so many seconds of processor time; a signal ends the process behind them."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + batch_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
    # Nobody else ends it where the worker itself was killed.
    signal.alarm(ALONE_SECONDS)


def _frame(source: BinaryIO) -> bytes:
    """Read a frame: its length, then its octets; empty at the end."""
    head = source.read(LENGTH.size)
    return source.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""


def _answer(sink: BinaryIO, answer: Mapping[str, object]) -> None:
    octets = json.dumps(answer).encode()
    sink.write(LENGTH.pack(len(octets)) + octets)
    sink.flush()
    signal.alarm(0)


def _said(error: Exception) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' if said else ''}{said}"[:SAID_MAX]


if __name__ == "__main__":
    main()
