"""A connection whose transactions take two round trips less: for where somebody waits for each."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, connection, cursor
from psycopg2.sql import Composable


class SparingConnection(connection):
    """
    Sends BEGIN with a transaction's first statement, and the statements held till its end with COMMIT.

    Shapes:
        held: statements that give nothing; they are sent before whatever comes next.
    """

    held = b""

    def commit(self) -> None:
        """
        Send what is held, and commit; nothing where nothing was begun.

        Errors:
            psycopg2.Error: what is held failed, or an earlier statement, and nothing is committed.
        """
        if self.is_idle() and not self.held:
            return
        with self.cursor() as last:
            last.execute("COMMIT")
            if last.statusmessage != "COMMIT":
                raise psycopg2.InternalError("a statement had failed: nothing was committed")

    def rollback(self) -> None:
        """Take back what was begun, if anything was, and drop what is held."""
        self.held = b""
        if not self.is_idle():
            with self.cursor() as last:
                last.execute("ROLLBACK")

    def is_idle(self) -> bool:
        """Tell whether no transaction is open."""
        return self.get_transaction_status() == TRANSACTION_STATUS_IDLE


class SparingCursor(cursor):
    """A cursor of a sparing connection."""

    connection: SparingConnection

    def hold(self, statements: bytes) -> None:
        """Have statements sent with whatever comes next, at the latest with COMMIT; what they give is lost."""
        self.connection.held = self._before() + statements

    def execute(
        self,
        query: str | bytes | Composable,
        vars: Sequence[Any] | Mapping[str, Any] | None = None,  # noqa: A002 - psycopg2's name
    ) -> None:
        """Do as psycopg2 does, after what comes before."""
        before = self._before()
        self.connection.held = b""
        super().execute(
            before + self.mogrify(query, vars) if before else query, None if before else vars
        )

    def copy_expert(self, sql: str | bytes | Composable, file: Any, size: int = 8192) -> None:
        """Do as psycopg2 does, after what comes before."""
        before = self._before()
        self.connection.held = b""
        if before:
            super().execute(before)
        super().copy_expert(sql, file, size)

    def _before(self) -> bytes:
        """Give what is to be sent before a statement."""
        if self.connection.held:
            return self.connection.held + b";"
        return b"BEGIN;" if self.connection.is_idle() else b""


def connect(dsn: str) -> SparingConnection:
    """Connect."""
    found = psycopg2.connect(
        dsn, connection_factory=SparingConnection, cursor_factory=SparingCursor
    )
    # It is here that transactions begin and end.
    found.autocommit = True
    with found.cursor() as first:
        # Each statement that is prepared here looks by keys: a plan for the values of the moment gains nothing.
        first.execute("SET plan_cache_mode = force_generic_plan; COMMIT")
    return found
