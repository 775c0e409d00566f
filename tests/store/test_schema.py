"""The schema: made whole, led on from version to version, never mixed up; and the settings it is trusted under."""

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import pytest
from conftest import Database, execute_as_superuser

from bmuid.cli.schema import main
from bmuid.cluster import Cluster
from bmuid.store import schema, settings
from bmuid.store.schema import SCHEMA_VERSION, Delta, SchemaError

ROOT = Path(__file__).parents[2]
SCHEMA = (ROOT / "schema.sql").read_text(encoding="utf-8")
HINT = """\
Was this version released? Then it never changes: write a delta (bmuid/store/deltas/README.md). Else copy schema.sql there."""


def snapshot(version: int) -> str:
    """Give schema.sql as it was at that version."""
    return (Path(__file__).parent / f"schema-{version:04}.sql").read_text(encoding="utf-8")


@pytest.fixture
def empty(database: Database) -> Database:
    """Give a database with nothing in it."""
    name = database.name
    execute_as_superuser(database.cluster, "postgres", f"DROP DATABASE {name}")
    execute_as_superuser(
        database.cluster, "postgres", f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"
    )
    return database


@pytest.fixture
def connection(empty: Database) -> Iterator[psycopg2.extensions.connection]:
    """Give a superuser's connection to the empty database."""
    with closing(empty.connect("postgres")) as opened:
        yield opened


def install(connection: psycopg2.extensions.connection, text: str) -> None:
    """Make a schema from its text."""
    with connection, connection.cursor() as txn:
        txn.execute(text)


def dump(database: Database) -> list[str]:
    """Give the schema as PostgreSQL sees it."""
    program = database.cluster.binaries / "pg_dump"
    done = subprocess.run(
        [str(program), "--schema-only", database.dsn("postgres")],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    return [line for line in lines if line and not re.match(r"--|\\(un)?restrict", line)]


def as_installed(cluster: Cluster, text: str) -> list[str]:
    """Give what PostgreSQL sees after making the schema from *text* in a database of its own."""
    fresh = Database(cluster, "bmuid_test_fresh")
    execute_as_superuser(
        cluster, "postgres", f"CREATE DATABASE {fresh.name} ENCODING 'UTF8' TEMPLATE template0"
    )
    try:
        with closing(fresh.connect("postgres")) as connection:
            install(connection, text)
        return dump(fresh)
    finally:
        execute_as_superuser(cluster, "postgres", f"DROP DATABASE {fresh.name}")


def test_the_version_is_the_same_everywhere() -> None:
    """Program, schema.sql, deltas and snapshots agree on which version is the present one."""
    said = re.search(r"INSERT INTO schema_version \(version\) VALUES \(([0-9]+)\)", SCHEMA)
    assert said is not None
    assert int(said[1]) == SCHEMA_VERSION
    assert [delta.version for delta in schema.deltas()] == list(range(2, SCHEMA_VERSION + 1))
    assert snapshot(SCHEMA_VERSION) == SCHEMA, HINT


def test_an_older_database_is_led_to_the_same_schema(
    empty: Database, connection: psycopg2.extensions.connection
) -> None:
    """A database installed with the first version and upgraded ever since is the same as a new one."""
    install(connection, snapshot(1))
    assert schema.upgrade(connection, schema.deltas()) == SCHEMA_VERSION
    assert dump(empty) == as_installed(empty.cluster, SCHEMA)


class TestDeltas:
    """The first delta, tried before there is one."""

    @pytest.fixture
    def later(self, tmp_path: Path) -> tuple[Delta, ...]:
        """Two versions to come."""
        (tmp_path / "0002-nicknames.sql").write_text(
            "ALTER TABLE company ADD COLUMN nickname text; GRANT UPDATE (nickname) ON company TO bmuid_admin;"
        )
        (tmp_path / "0003-colours.sql").write_text(
            "CREATE TABLE colour (name text PRIMARY KEY); GRANT SELECT ON colour TO bmuid_public;"
        )
        return schema.deltas(tmp_path)

    def test_a_delta_leads_to_the_schema_it_says(
        self,
        empty: Database,
        connection: psycopg2.extensions.connection,
        later: tuple[Delta, ...],
    ) -> None:
        """The comparison finds an upgraded schema and a new one equal, and finds a difference too."""
        install(connection, SCHEMA)
        assert schema.upgrade(connection, later[:1]) == 2
        wanted = SCHEMA.replace(
            "    country char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$')\n);\n\n-- A version",
            "    country char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'),\n    nickname text\n);\n\n-- A version",
        ).replace(
            "GRANT INSERT, UPDATE ON company TO bmuid_admin;",
            "GRANT INSERT, UPDATE ON company TO bmuid_admin;"
            " GRANT UPDATE (nickname) ON company TO bmuid_admin;",
        )
        assert wanted.count("nickname") == 2
        assert dump(empty) == as_installed(empty.cluster, wanted)
        assert dump(empty) != as_installed(empty.cluster, SCHEMA)

    def test_an_upgrade_can_be_run_again(
        self, connection: psycopg2.extensions.connection, later: tuple[Delta, ...]
    ) -> None:
        """What was done is not done twice, and what is new is."""
        install(connection, SCHEMA)
        assert schema.upgrade(connection, later[:1]) == 2
        assert schema.upgrade(connection, later) == 3
        assert schema.upgrade(connection, later) == 3

    def test_a_delta_that_fails_leaves_the_version_before(
        self, connection: psycopg2.extensions.connection, later: tuple[Delta, ...]
    ) -> None:
        """Half a step is no step: after a fault the database is as it was, and can be led on once it is mended."""
        install(connection, SCHEMA)
        good = later[1].path.read_text()
        later[1].path.write_text(good + "SELECT 1 / 0")
        with pytest.raises(psycopg2.errors.DivisionByZero):
            schema.upgrade(connection, later)
        with connection, connection.cursor() as txn:
            assert schema.version(txn) == 2
            txn.execute("SELECT to_regclass('bmu.colour') IS NULL")
            assert txn.fetchone() == (True,)
        later[1].path.write_text(good)
        assert schema.upgrade(connection, later) == 3

    def test_a_delta_does_not_hold_up_the_work(
        self,
        empty: Database,
        connection: psycopg2.extensions.connection,
        later: tuple[Delta, ...],
    ) -> None:
        """Where somebody works on the table, the upgrade gives up after two seconds, having done nothing."""
        install(connection, SCHEMA)
        with closing(empty.connect("postgres")) as busy:
            busy.cursor().execute("LOCK TABLE bmu.company IN ACCESS SHARE MODE")
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                schema.upgrade(connection, later)
        assert schema.upgrade(connection, later) == 3

    def test_two_upgrades_at_once_are_one(
        self,
        empty: Database,
        connection: psycopg2.extensions.connection,
        later: tuple[Delta, ...],
    ) -> None:
        """Two administrators who type the same command at the same time do no harm."""
        install(connection, SCHEMA)
        reached: list[int] = []

        def lead() -> None:
            with closing(empty.connect("postgres")) as another:
                reached.append(schema.upgrade(another, later))

        threads = [threading.Thread(target=lead) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert reached == [3, 3, 3]

    @pytest.mark.parametrize("names", [["0003-b.sql"], ["0002-a.sql", "0002-b.sql"], ["2-a.sql"]])
    def test_deltas_out_of_order_are_refused(self, tmp_path: Path, names: list[str]) -> None:
        """A number that is missing, given twice, or misspelled is found before anything is done."""
        for name in names:
            (tmp_path / name).write_text("SELECT 1")
        with pytest.raises(SchemaError):
            schema.deltas(tmp_path)


class TestCommand:
    """`bmuid schema`, as an administrator types it."""

    def test_install_show_upgrade(
        self, empty: Database, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """From an empty database to a running one, each step saying what it did."""
        dsn = empty.dsn("postgres")
        words = [["show"], ["install"], ["upgrade"], ["show"], ["install"]]
        statuses = [main([*word, "--dsn", dsn]) for word in words]
        out, err = capsys.readouterr()
        assert statuses == [0, 0, 0, 0, 1]
        assert out.splitlines() == [
            f"the database has no schema; this program knows version {SCHEMA_VERSION}",
            f"the schema is installed, version {SCHEMA_VERSION}",
            f"the schema is of version {SCHEMA_VERSION}",
            f"the database has version {SCHEMA_VERSION}; this program knows version {SCHEMA_VERSION}",
        ]
        assert (
            err
            == f"bmuid schema: the database has a bmuid schema already, of version {SCHEMA_VERSION}\n"
        )

    def test_what_can_not_be_done_is_one_line(
        self, empty: Database, short_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """No schema to upgrade, no right to install, no server: one line and a status each."""
        assert main(["upgrade", "--dsn", empty.dsn("postgres")]) == 1
        assert main(["install", "--dsn", empty.dsn("bmuid")]) == 1
        assert main(["show", "--dsn", f"host={short_path} dbname=x"]) == 69
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 3
        assert all(line.startswith("bmuid schema: ") for line in lines)


class TestSettings:
    """What the daemon looks at before it trusts a database."""

    @pytest.mark.parametrize("role", ["bmuid", "bmuid_admin", "bmuid_auth", "bmuid_public"])
    def test_a_database_as_it_should_be_has_no_faults(self, database: Database, role: str) -> None:
        """Each of the program's roles may run on the database that schema.sql makes."""
        with closing(database.connect(role)) as connection, connection.cursor() as txn:
            assert settings.faults(txn) == ()

    @pytest.mark.parametrize(
        ("statement", "fault"),
        [
            ("ALTER ROLE bmuid_auth CREATEDB", "role bmuid_auth is a superuser or may bypass rules"),
            ("ALTER ROLE bmuid_auth BYPASSRLS", "role bmuid_auth is a superuser or may bypass rules"),
            ("GRANT bmu_owner TO bmuid_auth", "role bmuid_auth owns tables"),
            ("ALTER ROLE bmuid_auth SET session_replication_role = replica", "session_replication_role is replica"),
        ],
    )  # fmt: skip
    def test_a_role_that_may_too_much_is_refused(
        self, database: Database, statement: str, fault: str
    ) -> None:
        """A right that somebody added by hand, and that could undo the database's own checks, is noticed."""
        mend = (
            "ALTER ROLE bmuid_auth NOCREATEDB NOBYPASSRLS; REVOKE bmu_owner FROM bmuid_auth;"
            "ALTER ROLE bmuid_auth RESET ALL"
        )
        execute_as_superuser(database.cluster, "postgres", statement)
        try:
            with closing(database.connect("bmuid_auth")) as connection, connection.cursor() as txn:
                found = settings.faults(txn)
        finally:
            execute_as_superuser(database.cluster, "postgres", mend)
        assert len(found) == 1
        assert found[0].startswith(fault)

    def test_a_constraint_that_was_not_checked_is_noticed(self, database: Database) -> None:
        """Rows that were let in unchecked are not trusted."""
        with closing(database.connect("postgres")) as connection, connection:
            connection.cursor().execute(
                "ALTER TABLE bmu.company ADD CONSTRAINT hasty CHECK (name <> 'x') NOT VALID"
            )
        with closing(database.connect("bmuid")) as connection, connection.cursor() as txn:
            assert settings.faults(txn) == (
                "constraint hasty of company is not validated; validate it",
            )
