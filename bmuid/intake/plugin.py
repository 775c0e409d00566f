"""A site's own plug-in, asked for rows in a process of its own: what hangs, crashes or eats holds the file, never the worker."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from bmu.mediation.decoding import UndecodableError
from bmu.mediation.rows import FAULT, LINE_OCTETS_MAX, RowError, line_of
from bmuid.intake.pluginhost import LENGTH

ROWS_A_BATCH = 200
ROWS_OF_ONE_MAX = 1_000
ANSWER_OCTETS_MAX = 256 << 20
READ_OCTETS = 1 << 16
ENDING_SECONDS = 5.0
# A line of a decoder that is no row is none for a plug-in either.
NO_ROWS = (b'{"!":', b'{"#":')


@dataclass(frozen=True, slots=True)
class PluginLimits:
    """What a plug-in may need: for a batch of rows seconds and seconds of processor time; memory altogether."""

    seconds: float = 30.0
    processor_seconds: int = 20
    memory_octets: int = 1 << 30


LIMITS = PluginLimits()


class PluginFailureError(Exception):
    """Raised where a plug-in gives no answer; the text goes on behind its name."""


def plugged(name: str, lines: Iterable[bytes], limits: PluginLimits = LIMITS) -> Iterator[bytes]:
    """
    Give the lines that a plug-in makes of the rows of a file, in their order.

    Shapes:
        name: of an entry point in the group ``bmuid.mediation``: a function from a row, a mapping of texts, to any
            number of rows, or to a text that says why the row is refused.

    Errors:
        UndecodableError: there is no such plug-in, or it fails, hangs, or needs too much.
    """
    lines = iter(lines)
    try:
        with _Process(name, limits) as process:
            done = 0
            while batch := list(islice(lines, ROWS_A_BATCH)):
                yield from process.made(batch, done)
                done += len(batch)
    except PluginFailureError as failure:
        raise UndecodableError(
            f"the plug-in {name} {failure}; mend it, or take it out of the profile"
        ) from None


class _Process:
    """The process that a plug-in runs in."""

    def __init__(self, name: str, limits: PluginLimits) -> None:
        self._name, self._limits = name, limits

    def __enter__(self) -> "_Process":
        """Start it, with nothing but pipes, and have it load the plug-in."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-m", "bmuid.intake.pluginhost"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        try:
            answer = self._ask(
                {
                    "name": self._name,
                    "path": sys.path,
                    "memory_octets": self._limits.memory_octets,
                    "processor_seconds": self._limits.processor_seconds,
                }
            )
        except BaseException:
            self.__exit__()
            raise
        if "error" in answer:
            self.__exit__()
            raise PluginFailureError(str(answer["error"]))
        return self

    def __exit__(self, *_: object) -> None:
        """End it and what it has begun, whatever they do; nothing is waited for that could go on."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait()

    def made(self, batch: Sequence[bytes], before: int) -> Iterator[bytes]:
        """Give the lines that are made of some."""
        places = [at for at, line in enumerate(batch) if not line.startswith(NO_ROWS)]
        answer = self._ask([json.loads(batch[at]) for at in places]) if places else {"made": []}
        if "error" in answer:
            failed = answer.get("row")
            where = f", at row {before + places[failed] + 1}" if isinstance(failed, int) else ""
            raise PluginFailureError(f"{answer['error']}{where}")
        made = answer.get("made")
        if not isinstance(made, list) or len(made) != len(places):
            raise PluginFailureError("answers something else")
        by_place = dict(zip(places, made, strict=True))
        for at, line in enumerate(batch):
            if at in by_place:
                yield from _lines(by_place[at], line)
            else:
                yield line

    def _ask(self, question: object) -> dict[str, object]:
        octets = json.dumps(question).encode()
        until = time.monotonic() + self._limits.seconds
        self._send(LENGTH.pack(len(octets)) + octets, until)
        length = LENGTH.unpack(self._receive(LENGTH.size, until))[0]
        if length > ANSWER_OCTETS_MAX:
            raise PluginFailureError(
                f"makes more than {ANSWER_OCTETS_MAX:,} octets of {ROWS_A_BATCH} rows"
            )
        try:
            answer = json.loads(self._receive(length, until))
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise PluginFailureError("answers something else")
        return answer

    def _send(self, octets: bytes, until: float) -> None:
        at = 0
        while at < len(octets):
            self._wait(self._to, selectors.EVENT_WRITE, until)
            try:
                at += os.write(self._to, octets[at : at + READ_OCTETS])
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._ended() from None

    def _receive(self, count: int, until: float) -> bytes:
        parts, left = [], count
        while left:
            self._wait(self._from, selectors.EVENT_READ, until)
            part = os.read(self._from, min(left, READ_OCTETS))
            if not part:
                raise self._ended()
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _wait(self, descriptor: int, event: int, until: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, event)
            if not selector.select(max(until - time.monotonic(), 0)):
                raise PluginFailureError(
                    f"gives no answer within {self._limits.seconds:g} seconds"
                )

    def _ended(self) -> PluginFailureError:
        try:
            code = self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            return PluginFailureError("closes its pipe and goes on")
        if code == -signal.SIGXCPU:
            return PluginFailureError("needs too much processor time")
        why = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return PluginFailureError(f"ended by itself ({why})")


def _lines(made: object, line: bytes) -> Iterator[bytes]:
    """Give the lines of the rows that were made of one, or the fault that was found in it."""
    if isinstance(made, str):
        yield _fault(made or "refused by the plug-in", line)
        return
    assert isinstance(made, list), made
    if len(made) > ROWS_OF_ONE_MAX:
        raise PluginFailureError(
            f"makes {len(made):,} rows of one; at most {ROWS_OF_ONE_MAX:,} are taken"
        )
    for row in made:
        try:
            yield line_of(row)
        except RowError as error:
            yield _fault(str(error), line)
    if not made:
        yield line_of({"#": "left out by the plug-in"})


def _fault(why: str, line: bytes) -> bytes:
    whole = json.dumps(
        {FAULT: why[:300], "row": line.decode(errors="replace")}, ensure_ascii=False
    )
    return whole.encode(errors="replace")[:LINE_OCTETS_MAX]
