"""The private server: made once, started and stopped, refusing what it can't serve."""

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from conftest import Database

from bmuid import cluster as clusters
from bmuid.cluster import ClusterError


class TestTheFixture:
    """What the tests themselves stand on."""

    def test_each_test_has_a_database_of_its_own_with_the_whole_schema(
        self, database: Database
    ) -> None:
        """A test starts from the schema as shipped, and sees its version."""
        with closing(database.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT version FROM schema_version")
            assert cursor.fetchone() is not None


class TestThePrivateServer:
    """A server in a directory of its own."""

    def test_starts_stops_and_keeps_what_it_was_told(self, short_path: Path) -> None:
        """A table made before a stop is there after the next start; the path may hold a blank."""
        made = clusters.create(short_path / "a server")
        clusters.start(made, {"fsync": "off"})
        with closing(psycopg2.connect(made.dsn("postgres", "postgres"))) as connection, connection:
            connection.cursor().execute("CREATE TABLE kept (n integer)")
        clusters.stop(made)
        assert not clusters.is_running(made)
        again = clusters.create(short_path / "a server")
        clusters.start(again, {"fsync": "off"})
        try:
            with closing(psycopg2.connect(again.dsn("postgres", "postgres"))) as connection:
                connection.cursor().execute("SELECT n FROM kept")
        finally:
            clusters.stop(again)

    def test_refuses_a_path_that_no_socket_can_have(self, short_path: Path) -> None:
        """A directory too deep for a unix socket is refused before anything is made there."""
        deep = short_path / ("d" * 100)
        with pytest.raises(ClusterError, match="too long"):
            clusters.create(deep)
        assert not deep.exists()

    def test_refuses_data_of_another_major_version(self, short_path: Path) -> None:
        """Data of another PostgreSQL are left alone, and the message names both versions."""
        made = clusters.create(short_path / "s")
        (made.data / "PG_VERSION").write_text("9\n", encoding="ascii")
        with pytest.raises(ClusterError, match="PostgreSQL 9"):
            clusters.create(short_path / "s")
