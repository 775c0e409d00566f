"""What several kinds of tests stand on: one private PostgreSQL server for the whole run."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest

from bmuid import cluster as clusters
from bmuid.cluster import Cluster

ROOT = Path(__file__).parents[1]
TEMPLATE = "bmuid_template"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a test, made from schema.sql and nobody else's."""

    cluster: Cluster
    name: str

    def dsn(self, role: str = "bmuid") -> str:
        """Give the connection string for one of the service's roles, or "postgres" for the superuser."""
        return self.cluster.dsn(self.name, role)

    def connect(self, role: str = "bmuid") -> psycopg2.extensions.connection:
        """Open a connection as *role*; the test closes it."""
        return psycopg2.connect(self.dsn(role))


def execute_as_superuser(cluster: Cluster, database: str, statement: str) -> None:
    """Run one statement outside a transaction."""
    with closing(psycopg2.connect(cluster.dsn(database, "postgres"))) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Give a running private server; its data lie in memory where the machine allows it."""
    shm = Path("/dev/shm")
    parent = (
        shm
        if os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 2**31
        else Path(tempfile.gettempdir())
    )
    directory = Path(tempfile.mkdtemp(prefix="bmuid-test-", dir=parent))
    made = clusters.create(directory)
    clusters.start(
        made,
        {
            "fsync": "on",  # the daemon refuses anything less; in memory it costs nothing
            "synchronous_commit": "on",
            "max_connections": "60",
            "autovacuum": "off",
            "shared_buffers": "128MB",
        },
    )
    yield made
    clusters.stop(made)
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """Give the name of a database just made from schema.sql, to copy."""
    execute_as_superuser(
        cluster, "postgres", f"CREATE DATABASE {TEMPLATE} ENCODING 'UTF8' TEMPLATE template0"
    )
    with closing(psycopg2.connect(cluster.dsn(TEMPLATE, "postgres"))) as connection, connection:
        connection.cursor().execute((ROOT / "schema.sql").read_text(encoding="utf-8"))
    return TEMPLATE


@pytest.fixture
def database(cluster: Cluster, template: str) -> Iterator[Database]:
    """Give a fresh copy of the template, dropped after the test."""
    name = f"bmuid_test_{next(_numbers)}"
    execute_as_superuser(cluster, "postgres", f"CREATE DATABASE {name} TEMPLATE {template}")
    # Rights and settings of a database are not copied with it.
    execute_as_superuser(
        cluster,
        "postgres",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
        f"GRANT CONNECT ON DATABASE {name} TO bmuid, bmuid_admin, bmuid_auth, bmuid_public;"
        f"ALTER DATABASE {name} SET timezone TO 'UTC';"
        f"ALTER DATABASE {name} SET search_path TO bmu",
    )
    yield Database(cluster, name)
    execute_as_superuser(cluster, "postgres", f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def short_path() -> Iterator[Path]:
    """Give a directory that everybody may pass and whose path is short enough for a unix socket."""
    directory = Path(tempfile.mkdtemp(prefix="bmuid-", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)
