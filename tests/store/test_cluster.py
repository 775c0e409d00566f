"""The private server: made once, started and stopped, refusing what it can't serve."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from conftest import Database

from bmuid import cluster as clusters
from bmuid.cluster import Cluster, ClusterError, programs

QUICK = {"fsync": "off"}


@contextmanager
def running(directory: Path) -> Iterator[Cluster]:
    """Give the server of *directory*, running; stop it after."""
    made = clusters.create(directory)
    clusters.start(made, QUICK)
    try:
        yield made
    finally:
        clusters.stop(made)


def answer(cluster: Cluster, question: str) -> object:
    """Ask the server one thing."""
    with (
        closing(psycopg2.connect(cluster.dsn("postgres", "postgres"))) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(question)
        row = cursor.fetchone()
        assert row is not None
        return row[0]


def kill_and_await(server: int) -> None:
    """Kill a server outright and wait until its children have noticed and gone."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii").split()
    family = [os.pidfd_open(number) for number in (server, *map(int, children))]
    os.kill(server, signal.SIGKILL)
    for process in family:
        assert select.select([process], [], [], 30)[0], "a process of the server outlives it"
        os.close(process)


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
        """A table made before a stop is there after the next start; the path may hold blanks and quotes."""
        directory = short_path / "a clerk's server"
        with running(directory) as server:
            answer(server, "CREATE TABLE kept AS SELECT 7 AS n; SELECT 1")
        assert not clusters.is_running(server)
        with running(directory) as server:
            assert answer(server, "SELECT n FROM kept") == 7

    def test_listens_on_no_port_and_lets_nobody_else_near(self, short_path: Path) -> None:
        """The server is reached by its socket alone, in a directory that only its own user may enter."""
        with running(short_path / "s") as server:
            assert answer(server, "SHOW listen_addresses") == ""
            assert server.directory.stat().st_mode & 0o777 == 0o700
            assert server.socket.stat().st_mode & 0o777 == 0o700

    def test_is_durable_unless_told_otherwise(self, short_path: Path) -> None:
        """Whoever sets nothing gets a server that keeps its promises through a loss of power."""
        made = clusters.create(short_path / "s")
        clusters.start(made)
        try:
            assert answer(made, "SHOW fsync") == "on"
            assert answer(made, "SHOW data_checksums") == "on"
        finally:
            clusters.stop(made)

    def test_starts_again_after_being_killed(self, short_path: Path) -> None:
        """After kill -9 of the server the next start recovers, with what was committed."""
        directory = short_path / "s"
        with running(directory) as server:
            answer(server, "CREATE TABLE kept AS SELECT 7 AS n; SELECT 1")
            kill_and_await(int((server.data / "postmaster.pid").read_text().split()[0]))
        with running(directory) as server:
            assert answer(server, "SELECT n FROM kept") == 7

    def test_takes_no_other_process_for_its_server(self, short_path: Path) -> None:
        """A pid file whose number now belongs to some other process stops neither that process nor a start."""
        directory = short_path / "s"
        with running(directory) as server:
            pid_file = server.data / "postmaster.pid"
            left = pid_file.read_text(encoding="ascii")
        pid_file.write_text(left.replace(left.split()[0], str(os.getpid()), 1), encoding="ascii")
        os.chown(pid_file, server.data.stat().st_uid, server.data.stat().st_gid)
        (server.socket / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n", encoding="ascii")
        assert not clusters.is_running(server)
        clusters.stop(server)
        with running(directory) as server:
            assert answer(server, "SELECT 1") == 1

    def test_mends_what_a_broken_off_making_left(self, short_path: Path) -> None:
        """Data half made are no data: the next try makes them whole."""
        directory = short_path / "s"
        made = clusters.create(directory)
        made.data.rename(directory / "data.part")
        (directory / "data.part" / "global" / "pg_control").unlink()
        with running(directory) as server:
            assert answer(server, "SELECT 1") == 1

    def test_says_why_it_would_not_start(self, short_path: Path) -> None:
        """The server's own last words are in the message, and the place of its log."""
        made = clusters.create(short_path / "s")
        with pytest.raises(ClusterError, match=r"no_such_setting.*see .*/log"):
            clusters.start(made, {"no_such_setting": "1"})
        assert not clusters.is_running(made)

    def test_refuses_a_path_that_no_socket_can_have(self, short_path: Path) -> None:
        """A directory too deep for a unix socket is refused before anything is made there."""
        deep = short_path / ("d" * 100)
        with pytest.raises(ClusterError, match="too long"):
            clusters.create(deep)
        assert not deep.exists()

    def test_refuses_data_of_another_major_version(self, short_path: Path) -> None:
        """Data of another PostgreSQL are left alone, and the message names the version they need."""
        made = clusters.create(short_path / "s")
        (made.data / "PG_VERSION").write_text("9\n", encoding="ascii")
        with pytest.raises(ClusterError, match=r"data are of PostgreSQL 9, but this machine has"):
            clusters.create(short_path / "s")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends PostgreSQL another user")
class TestAsRoot:
    """Root lends PostgreSQL an ordinary user, who does not get everywhere."""

    def test_refuses_a_place_that_the_server_could_not_enter(self, short_path: Path) -> None:
        """A directory inside one that only root may enter is refused by name."""
        closed = short_path / "closed"
        closed.mkdir(mode=0o700)
        with pytest.raises(ClusterError, match=f"{closed} can't be entered"):
            clusters.create(closed / "s")

    def test_copies_programs_that_the_server_could_not_reach(
        self, short_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Programs in root's own home still serve: they are copied beside the data, libraries and all."""
        closed = short_path / "closed"
        closed.mkdir(mode=0o700)
        real = clusters.find_binaries()
        binaries = closed / "package" / "install" / "bin"
        binaries.mkdir(parents=True)
        for name in programs.NEEDED:
            wrapper = binaries / name
            wrapper.write_text(f'#!/bin/sh\nexec {real}/{name} "$@"\n', encoding="ascii")
            wrapper.chmod(0o755)
        (closed / "package.libs").mkdir()
        monkeypatch.setenv("BMUID_PG_BINDIR", str(binaries))

        with running(short_path / "s") as server:
            assert answer(server, "SELECT 1") == 1

        assert server.binaries == server.directory / "programs/package/install/bin"
        assert (server.directory / "programs/package.libs").is_dir()


class TestTheProgramsFound:
    """Which PostgreSQL is taken."""

    @pytest.mark.parametrize(
        ("said", "major"),
        [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", 15),
            ("postgres (PostgreSQL) 18.4\n", 18),
            ("postgres (PostgreSQL) 19devel\n", 19),
            ("postgres (PostgreSQL) 19beta2\n", 19),
            ("", None),
            ("postgres: not found here", None),
        ],
    )
    def test_reads_what_a_program_says_of_itself(self, said: str, major: int | None) -> None:
        """Releases, and what comes before a release, are known by their major version."""
        assert programs.major_of(said) == major

    def test_says_what_to_do_where_there_is_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A named directory without a server is refused, not passed over for another one."""
        monkeypatch.setenv("BMUID_PG_BINDIR", str(tmp_path))
        with pytest.raises(ClusterError, match=r"has no PostgreSQL server, but 15 or newer"):
            clusters.find_binaries()
