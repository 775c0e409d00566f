"""The daemon as a process: it starts whole or not at all, says why not, and stops in order."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest
from conftest import Database, execute_as_superuser
from daemons import (
    SECONDS_MAX,
    Site,
    command,
    make_site,
    refused_start,
    running,
)

from bmuid import pki

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(database: Database, short_path: Path) -> Site:
    """An installation whose database is there and good."""
    return make_site(short_path, f"host={database.cluster.socket} dbname={database.name}")


def leave_no_trace(site: Site) -> None:
    """Nothing of a daemon that did not start is left."""
    assert not site.admin_socket.exists()


class TestBadStarts:
    """Each is one clear line, an exit status of sysexits.h, and nothing half started."""

    def test_a_broken_configuration_is_told_whole(self, site: Site) -> None:
        """Every fault of the file comes at once, one line each."""
        site.write(public={"port": "x", "pert": 1}, log={"format": "xml"})
        status, said = refused_start(site)
        assert status == os.EX_CONFIG
        assert [line.split(": ")[1] for line in said] == [
            "public.port",
            "log.format",
            "public.pert",
        ]
        leave_no_trace(site)

    def test_a_missing_file_is_one_line(self, site: Site) -> None:
        """A path mistyped on the command line is told as such."""
        site.conf.unlink()
        assert refused_start(site) == (
            os.EX_CONFIG,
            [f"bmuid: {site.conf}: No such file or directory"],
        )

    def test_a_port_in_use_is_one_line(self, site: Site) -> None:
        """Somebody else's port is named, and the admin socket is not left behind."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            site.write(public={"port": port})
            assert refused_start(site) == (
                os.EX_CANTCREAT,
                [f"bmuid: public: 127.0.0.1 port {port}: Address already in use"],
            )
        leave_no_trace(site)

    def test_a_socket_in_use_is_one_line(self, site: Site) -> None:
        """A daemon of another database keeps its admin socket."""
        with socket.socket(socket.AF_UNIX) as taken:
            taken.bind(str(site.admin_socket))
            taken.listen()
            status, said = refused_start(site)
        assert (status, said) == (
            os.EX_CANTCREAT,
            [f"bmuid: admin.socket: {site.admin_socket}: Address already in use"],
        )

    def test_a_missing_certificate_is_one_line(self, site: Site) -> None:
        """The file that is not there is named with its key in the configuration."""
        site.server.certificate.unlink()
        assert refused_start(site) == (
            os.EX_CONFIG,
            [f"bmuid: public.certificate: {site.server.certificate}: No such file or directory"],
        )

    def test_a_key_that_others_can_read_is_refused(self, site: Site) -> None:
        """A private key with a careless mode is no secret any more."""
        site.server.key.chmod(0o644)
        status, said = refused_start(site)
        assert status == os.EX_CONFIG
        assert len(said) == 1
        assert "its mode is 0644; set 0600 or 0640" in said[0]

    def test_files_that_do_not_fit_together_are_refused(self, site: Site) -> None:
        """A key of another certificate, and no revocation list, are found before the port is open."""
        site.write(
            public={"key": str(site.web.key), "client_crl": str(site.authority.certificate)}
        )
        status, said = refused_start(site)
        assert status == os.EX_CONFIG
        assert [line.split(": ")[1] for line in said] == ["public.client_crl", "public.key"]

    def test_a_certificate_out_of_date_is_refused(self, site: Site) -> None:
        """Expired lists and certificates let nobody in; they are told at the start."""
        then = datetime.now(UTC) - timedelta(days=900)
        old = pki.init_ca(site.directory / "old", "old door", then)
        leaf = pki.issue(old, "db", pki.Purpose.SERVER, ("db.example",), then)
        site.write(
            public={
                "certificate": str(leaf.certificate),
                "key": str(leaf.key),
                "client_crl": str(old.crl),
                "client_ca": str(old.certificate),
            }
        )
        status, said = refused_start(site)
        assert status == os.EX_CONFIG
        assert [line.split(": ")[1] for line in said] == [
            "public.certificate",
            "public.client_crl",
        ]

    def test_a_database_away_is_one_line(self, site: Site) -> None:
        """Where no server answers, nothing is opened."""
        site.write(database={"dsn": f"host={site.directory} dbname=x"})
        status, said = refused_start(site)
        assert status == os.EX_UNAVAILABLE
        assert len(said) == 1
        assert "database: the database can't be reached" in said[0]
        leave_no_trace(site)

    def test_an_empty_database_is_one_line(self, site: Site, database: Database) -> None:
        """Whoever forgot the schema is told the command for it."""
        with closing(database.connect("postgres")) as connection, connection:
            connection.cursor().execute("DROP SCHEMA bmu CASCADE")
        status, said = refused_start(site)
        assert (status, said) == (
            os.EX_CONFIG,
            [
                "bmuid: database: the database has no bmuid schema; run: bmuid schema install --dsn DSN"
            ],
        )

    @pytest.mark.parametrize(("version", "hint"), [(99, "install a newer bmuid")])
    def test_another_schema_is_one_line(
        self, site: Site, database: Database, version: int, hint: str
    ) -> None:
        """A program and a schema that do not belong together never meet."""
        with closing(database.connect("postgres")) as connection, connection:
            connection.cursor().execute("UPDATE bmu.schema_version SET version = %s", (version,))
        status, said = refused_start(site)
        assert status == os.EX_CONFIG
        assert len(said) == 1
        assert hint in said[0]

    def test_unsafe_settings_are_told_at_once(self, site: Site, database: Database) -> None:
        """A database that could forget an answered change, or skip a check, gets no money."""
        name = database.name
        for statement in (
            f"ALTER DATABASE {name} SET synchronous_commit = off",
            f"ALTER DATABASE {name} SET timezone = 'Europe/London'",
        ):
            execute_as_superuser(database.cluster, name, statement)
        with closing(database.connect("postgres")) as connection, connection:
            connection.cursor().execute(
                "SET search_path = bmu; ALTER TABLE posting DISABLE TRIGGER posting_balanced;"
                "ALTER TABLE invoice DISABLE ROW LEVEL SECURITY"
            )
        status, said = refused_start(site)
        assert status == os.EX_CONFIG
        assert [line.removeprefix("bmuid: database: ") for line in said] == [
            "synchronous_commit is off; set it to on",
            "TimeZone is Europe/London; set it to UTC",
            "trigger posting_balanced of posting is disabled; enable it",
            "row level security of invoice is off; enable it",
        ]

    def test_a_mighty_role_is_refused(self, site: Site) -> None:
        """The daemon does not run as a role that could undo what the database forbids."""
        site.write(database={"engine_user": "postgres"})
        status, said = refused_start(site)
        assert status == os.EX_CONFIG
        assert "role postgres is a superuser" in said[0]

    def test_a_second_daemon_is_one_line(self, site: Site) -> None:
        """Two daemons on one database would be one too many; the first is not disturbed."""
        with running(site) as first:
            second = replace(
                site,
                settings={**site.settings, "admin": {"socket": "b.sock"}},
            )
            second.write()
            assert refused_start(second) == (
                os.EX_TEMPFAIL,
                ["bmuid: another bmuid runs on this database already"],
            )
            assert first.ask("nonsense")[1]["code"] == "UNKNOWN_OPERATION"

    def test_without_assertions_it_does_not_run(self) -> None:
        """Python's -O would switch off checks that guard money."""
        done = subprocess.run([sys.executable, "-O", "-m", "bmuid", "run"], capture_output=True)
        assert done.returncode == os.EX_SOFTWARE


class TestLife:
    """From the first request to the last."""

    def test_it_stops_in_order(self, site: Site) -> None:
        """Told to stop, it ends its workers, leaves no socket behind, and says so."""
        with running(site) as daemon:
            assert daemon.stop() == os.EX_OK
            assert [event["message"] for event in daemon.events][-2:] == [
                "stopping: what was begun is finished",
                "stopped",
            ]
        leave_no_trace(site)

    def test_a_killed_daemon_leaves_nothing_in_the_way(self, site: Site) -> None:
        """After kill -9 its workers end too, and the next one starts at once."""
        with running(site) as first:
            children = list(children_of(first.process.pid))
            assert len(children) == 2
            wait_for_workers(site, 2)
            watched = [os.pidfd_open(child) for child in children]
            first.signal(signal.SIGKILL)
            first.process.wait()
            for descriptor in watched:
                wait_for_end(descriptor)
        assert site.admin_socket.exists()
        with running(site) as second:
            assert second.ask("nonsense")[1]["code"] == "UNKNOWN_OPERATION"

    def test_a_worker_that_dies_is_followed_by_another(self, site: Site) -> None:
        """A worker that was killed is told of in the log, and replaced."""
        with running(site, "--only", "rating") as daemon:
            (victim,) = [event["pid"] for event in daemon.events if "pid" in event]
            assert isinstance(victim, int)
            os.kill(victim, signal.SIGKILL)
            assert "signal 9" in str(daemon.event("worker ended")["how"])
            assert daemon.event("worker started")["pid"] != victim
            assert daemon.stop() == os.EX_OK

    def test_systemd_is_told(self, site: Site) -> None:
        """systemd learns when it serves, that it lives, and that it stops."""
        path = site.directory / "notify.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(path))
            manager.settimeout(SECONDS_MAX)
            environment = {**os.environ, "NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000"}
            process = subprocess.Popen(
                command("run", "--config", str(site.conf)),
                stderr=subprocess.DEVNULL,
                env=environment,
            )
            try:
                ready = manager.recv(200)
                assert ready.startswith(f"READY=1\nMAINPID={process.pid}\n".encode())
                assert manager.recv(200) == b"WATCHDOG=1"
                process.send_signal(signal.SIGTERM)
                while (told := manager.recv(200)) == b"WATCHDOG=1":
                    pass
                assert told.startswith(b"STOPPING=1\n")
                assert process.wait(SECONDS_MAX) == os.EX_OK
            finally:
                process.kill()
                process.wait()

    def test_a_faulty_reload_changes_nothing(self, site: Site) -> None:
        """A slip in the configuration is told, and the daemon goes on as before."""
        with running(site) as daemon:
            site.write(log={"format": "xml"})
            daemon.signal(signal.SIGHUP)
            event = daemon.event("not reloaded: log.format: must be one of text, json")
            assert event["level"] == "error"
            assert daemon.ask("nonsense")[1]["code"] == "UNKNOWN_OPERATION"

    def test_the_log_can_be_a_file_that_is_moved_away(self, site: Site) -> None:
        """logrotate may rename the file; what comes after goes into a new one."""
        path = site.directory / "bmuid.log"
        site.write(log={"file": str(path)})
        assert init(site, "start").returncode == os.EX_OK
        path.rename(site.directory / "bmuid.log.1")
        assert init(site, "stop").returncode == os.EX_OK
        assert json.loads(path.read_text().splitlines()[-1])["message"] == "stopped"


def init(site: Site, word: str) -> subprocess.CompletedProcess[str]:
    """Call bmuid as an init script does."""
    return subprocess.run(
        command(word, "--config", str(site.conf)),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )


class TestBackground:
    """start, stop, restart, status and reload, as an init script calls them."""

    @pytest.fixture
    def background(self, site: Site) -> Iterator[Site]:
        """An installation whose log is a file, and whose daemon is ended after the test."""
        changed = replace(site, settings={**site.settings, "log": {"file": "bmuid.log"}})
        changed.write()
        yield changed
        init(changed, "stop")

    def test_a_whole_round(self, background: Site) -> None:
        """start returns when it serves; status, restart, reload and stop say what is."""
        pid_file = background.directory / "bmuid.pid"
        assert init(background, "status").returncode == 3
        assert init(background, "start").returncode == os.EX_OK
        first = int(pid_file.read_text())
        assert background.admin_socket.exists()
        assert init(background, "start").stdout == "bmuid runs already\n"
        assert init(background, "status").stdout == f"bmuid is running, process {first}\n"
        assert init(background, "reload").returncode == os.EX_OK
        assert init(background, "restart").returncode == os.EX_OK
        assert int(pid_file.read_text()) != first
        assert init(background, "stop").returncode == os.EX_OK
        assert not pid_file.exists()
        assert init(background, "status").returncode == 3
        assert init(background, "stop").returncode == os.EX_OK

    def test_a_stale_pid_file_is_no_obstacle(self, background: Site) -> None:
        """After a crash, the number in the file may be nobody's, or somebody else's."""
        pid_file = background.directory / "bmuid.pid"
        for stale in (b"999999999\n", b"1\n", b"nonsense"):
            pid_file.write_bytes(stale)
            assert init(background, "status").returncode == 1
            assert init(background, "start").returncode == os.EX_OK
            assert init(background, "stop").returncode == os.EX_OK

    def test_what_keeps_it_from_starting_is_told_before_it_detaches(
        self, background: Site
    ) -> None:
        """A start that fails says so on the terminal and in its status, also for a port in use."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            background.write(public={"port": taken.getsockname()[1]})
            done = init(background, "start")
        assert done.returncode == os.EX_CANTCREAT
        assert "Address already in use" in done.stderr
        assert not (background.directory / "bmuid.pid").exists()
        background.write(log={"file": ""})
        done = init(background, "start")
        assert done.returncode == os.EX_CONFIG
        assert done.stderr.startswith("bmuid: log.file: must name a file")

    def test_a_restart_that_would_fail_leaves_the_old_one_running(self, background: Site) -> None:
        """A slip in the configuration does not take the service down."""
        assert init(background, "start").returncode == os.EX_OK
        background.write(limits={"idle_seconds_max": 0})
        assert init(background, "restart").returncode == os.EX_CONFIG
        background.write()
        assert init(background, "status").returncode == os.EX_OK

    def test_the_init_script_does_the_same(self, background: Site) -> None:
        """`service bmuid start` and its kin, with the script as shipped."""
        (background.directory / "bin").mkdir()
        program = background.directory / "bin" / "bmuid"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m bmuid "$@"\n')
        program.chmod(0o755)
        defaults = background.directory / "defaults"
        defaults.write_text(
            f"BMUID={program}\nCONFIG={background.conf}\nRUN_AS=$(id -un)\n"
            f"RUN_DIRECTORY={background.directory}/run\n"
        )
        found = []
        for word in (
            "status",
            "start",
            "status",
            "reload",
            "force-reload",
            "stop",
            "status",
            "nonsense",
        ):
            done = subprocess.run(
                ["sh", ROOT / "init" / "bmuid", word],
                env={**os.environ, "DEFAULTS": str(defaults)},
                capture_output=True,
                timeout=SECONDS_MAX,
            )
            found.append(done.returncode)
        assert found == [3, 0, 0, 0, 0, 0, 3, 2]
        assert (background.directory / "run").is_dir()

    def test_the_reactor_is_not_there_before_the_fork(self) -> None:
        """Its descriptors would not live through it."""
        code = (
            "import sys, bmuid.cli.background, bmuid.daemon.main;"
            "print('twisted.internet.reactor' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout == "False\n"


def children_of(pid: int) -> list[int]:
    """Give the processes that *pid* has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for_workers(site: Site, workers: int) -> None:
    """Wait until so many workers have come as far as the database; the daemon's claims are two connections more."""
    wanted = "SELECT count(*) >= %s FROM pg_stat_activity WHERE datname = current_database() AND usename = 'bmuid'"
    dsn = f"{site.settings['database']['dsn']} user=postgres"
    deadline = time.monotonic() + SECONDS_MAX
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(wanted, (workers + 2,))
        while cursor.fetchone() != (True,):
            assert time.monotonic() < deadline, "the workers do not come up"
            connection.rollback()
            cursor.execute(wanted, (workers + 2,))


def wait_for_end(descriptor: int) -> None:
    """Wait until the process of a pidfd is gone."""
    assert select.select([descriptor], [], [], SECONDS_MAX)[0], "it is still there"
    os.close(descriptor)
