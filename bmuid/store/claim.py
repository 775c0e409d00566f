"""One of a kind: a lock that its connection holds for as long as it lives."""

import psycopg2

from bmuid.store.transaction import Connection, DatabaseError, lost_connection


class Claim:
    """The right to be the only one of its name at this database; without a connection, none."""

    def __init__(self, dsn: str, name: str) -> None:
        self._dsn = dsn
        self._name = name
        self._connection: Connection | None = None

    def hold(self) -> bool:
        """
        Take the claim, or see that it is still ours; False: another has it.

        Errors:
            DatabaseError: the database can't be reached.
        """
        if self._connection is not None:
            try:
                return self._asks("SELECT true")
            except DatabaseError as error:
                self.release()
                if not lost_connection(error):
                    raise
        self._connection = psycopg2.connect(self._dsn)
        self._connection.autocommit = True
        if self._asks("SELECT pg_try_advisory_lock(hashtext('bmuid'), hashtext(%(name)s))"):
            return True
        self.release()
        return False

    def release(self) -> None:
        """Give the claim back; harmless without one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _asks(self, question: str) -> bool:
        assert self._connection is not None, "a question needs a connection"
        with self._connection.cursor() as txn:
            txn.execute(question, {"name": self._name})
            row = txn.fetchone()
        return row is not None and bool(row[0])
