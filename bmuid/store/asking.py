"""A connection that nobody waits at: what is asked is sent, and whoever watches its socket is told when the answer is there."""

import os
import select
import time
from collections.abc import Iterable
from enum import Enum
from typing import Any

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_WRITE, connection

from bmuid.store.at_once import PREPARED_MAX
from bmuid.store.quick import Statement

CONNECT_SECONDS_MAX = 10


class Progress(Enum):
    """What a connection waits for."""

    ANSWER = "ANSWER"
    ROOM = "ROOM"
    NOTHING = "NOTHING"


class AskingConnection:
    """
    One question at a time, each of some statements; those with values are prepared on first need.

    After any error it is of no more use.
    """

    def __init__(self, dsn: str) -> None:
        """
        Connect, which takes its time.

        Errors:
            psycopg2.Error: the server is away, says nothing, or lets nobody in.
        """
        self._connection: connection = psycopg2.connect(dsn, async_=1)
        self._prepared: set[str] = set()
        self._watched = -1
        self._wait()
        self._cursor = self._connection.cursor()
        # As of a sparing connection; and octets mean what is written here.
        self._cursor.execute(
            "SET plan_cache_mode = force_generic_plan; SET client_encoding = 'UTF8'"
        )
        self._wait()
        self._watched = os.dup(self._connection.fileno())

    def fileno(self) -> int:
        """
        Give a number of its socket that stays until this is closed.

        The library's own may be closed by the library, and be another's before whoever watches it hears of that.
        """
        return self._watched

    def ask(self, before: str, statement: Statement | None = None, after: str = "") -> Progress:
        """
        Send a question: plain statements, one with values, and plain ones again, each with its semicolon.

        Errors:
            psycopg2.Error: the server is away.
        """
        words: list[str] = [before]
        if statement is not None:
            name, text = statement.prepared
            if name not in self._prepared:
                words += self._preparing(name, text)
            words.append(f'EXECUTE "{name}"({statement.values});')
        words.append(after)
        self._cursor.execute("".join(words).encode())
        return self.progress()

    def progress(self) -> Progress:
        """
        Read and send what can be; say what is waited for.

        Errors:
            psycopg2.Error: a statement failed, or the server is away.
        """
        state = self._connection.poll()
        if state == POLL_OK:
            return Progress.NOTHING
        return Progress.ROOM if state == POLL_WRITE else Progress.ANSWER

    def row(self) -> tuple[Any, ...] | None:
        """Give the one row that the last statement gave, if any."""
        return self._cursor.fetchone()

    def done(self) -> str:
        """Give what the last statement says that it did."""
        return self._cursor.statusmessage or ""

    def cancel(self) -> None:
        """Break off what runs."""
        if not self._connection.closed:
            self._connection.cancel()

    def close(self) -> None:
        """Close it; the server takes back what was not committed."""
        self._connection.close()
        if self._watched >= 0:
            os.close(self._watched)
            self._watched = -1

    def _wait(self) -> None:
        until = time.monotonic() + CONNECT_SECONDS_MAX
        while (progress := self.progress()) is not Progress.NOTHING:
            own = [self._connection]
            ready = (own, []) if progress is Progress.ANSWER else ([], own)
            if not any(select.select(*ready, [], max(0, until - time.monotonic()))):
                self.close()
                raise psycopg2.OperationalError(f"no answer within {CONNECT_SECONDS_MAX} s")

    def _preparing(self, name: str, text: str) -> Iterable[str]:
        if len(self._prepared) >= PREPARED_MAX:
            self._prepared.clear()
            yield "DEALLOCATE ALL;"
        self._prepared.add(name)
        yield f'PREPARE "{name}" AS {text};'
