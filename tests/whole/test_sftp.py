"""The SFTP door, with OpenSSH's own client: sources hand in files, whole or not at all, and get nowhere else."""

import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import usage_world as world
from conftest import Database, execute_as_superuser
from daemons import SECONDS_MAX, Running, Site, make_site, refused_start, running
from sftps import Client, Cut, add_key, make_key, through, trust

SFTP = {"port": 0, "host_key": "sftp_host_key"}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Give the switch's key."""
    return make_key(tmp_path / "id_switch")


@pytest.fixture
def site(database: Database, short_path: Path, key: Path) -> Site:
    """Give an installation whose switch may upload with its key."""
    with closing(database.connect("postgres")) as owner:
        world.found(owner, 3)
        add_key(database, key, world.SOURCE)
    made = make_site(short_path, database.dsn("bmuid").replace(" user=bmuid", ""))
    made.write(sftp=SFTP)
    return made


def execute(database: Database, statement: str) -> None:
    """Change what the database holds."""
    with closing(database.connect("postgres")) as owner, owner, owner.cursor() as txn:
        txn.execute(statement)


@contextmanager
def serving(site: Site, key: Path) -> Iterator[tuple[Running, Client]]:
    """Run the receivers alone."""
    with running(site, "--only", "receiving") as daemon:
        known = site.directory / "known_hosts"
        yield daemon, Client(trust(daemon, known), world.SOURCE, key, known)


def arriving(site: Site) -> Path:
    """Give the in/ of the switch."""
    return site.directory / "spool" / world.SOURCE / "in"


def test_a_file_that_is_put_is_charged(site: Site, key: Path, tmp_path: Path) -> None:
    """From the switch's `put` to the charges, with the whole daemon: the door is a process of its own there."""
    lines = [world.call(f"1.{number}", 1 + number % 3) for number in range(30)]
    file = tmp_path / "Master.csv"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with running(site) as daemon:
        serving_ = daemon.event("bmuid serves")
        known = site.directory / "known_hosts"
        client = Client(trust(daemon, known), world.SOURCE, key, known)
        done = client.sftp(f"put {file}", f"put {file} again.part", "rename again.part again.csv")
        told = {}
        for message in ("file done", "file was here before; nothing changed"):
            heard = [event for event in daemon.events if event["message"] == message]
            told[message] = heard[0] if heard else daemon.event(message)
        closed, again = told.values()

        assert (done.returncode, done.stderr) == (0, "")
        assert (closed["first_name"], closed["new"]) == ("Master.csv", 30)
        assert again["name_given"] == "again.csv"
        assert serving_["parts"] == "receiving"
        assert daemon.stop() == os.EX_OK


def test_a_client_sees_names_and_sizes_and_reads_nothing_back(
    site: Site, key: Path, tmp_path: Path
) -> None:
    """What OpenSSH's client asks for, and what it is told."""
    file = tmp_path / "a.csv"
    file.write_bytes(b"x" * 5000)
    with serving(site, key) as (_, client):
        done = client.sftp(
            "pwd", f"put -p {file} b.part", "ls -l", f"-get b.part {tmp_path}/got", "-mkdir d", "-ln a b",
            "-ln -s /etc/passwd c", "-cd ..", "-cd /etc", "-ls ..", "-rm nothing", "chmod 777 b.part",
            f"-put {file} ../../../../tmp/out", f"-put {file} /etc/cron.d/out", f"-put {file} d/e",
            "rename b.part b.csv", "-rename b.csv c.part", "-rm b.csv", f"-put {file} b.csv", "ls -1",
        )  # fmt: skip

        assert done.returncode == 0, done.stderr
        assert "Remote working directory: /\n" in done.stdout
        assert "5000 b.part" in done.stdout
        assert done.stdout.rstrip().endswith("b.csv")
    assert not (tmp_path / "got").exists()
    assert [each.name for each in arriving(site).iterdir()] == ["b.csv"]
    assert not any(path.exists() for path in (Path("/etc/cron.d/out"), Path("/tmp/out")))


def test_there_is_nothing_but_files(site: Site, key: Path) -> None:
    """No shell, no command, no terminal, no forwarding either way, no other subsystem, no agent."""
    with serving(site, key) as (_, client):
        refused = [
            client.ssh("id"),
            client.ssh("-tt"),
            client.ssh("-s", "shell"),
            client.ssh("-W", f"127.0.0.1:{client.port}"),
            client.ssh("-o", "ExitOnForwardFailure=yes", "-N", "-R", "0:127.0.0.1:22"),
        ]

        assert [done.returncode for done in refused] == [255] * 5
        assert [done.stdout for done in refused] == [""] * 5


def test_only_keys_of_the_source_open(
    site: Site, key: Path, database: Database, tmp_path: Path
) -> None:
    """Another's key, no key, another name, a password: all the same answer. A key added just now opens at once."""
    other = make_key(tmp_path / "id_other", "ecdsa")
    with serving(site, key) as (daemon, client):
        strangers = [
            replace(client, key=other),
            replace(client, user="nobody"),
            replace(client, user="../pbx"),
            replace(client, key=tmp_path / "none"),
        ]
        refused = [one.sftp("pwd").stderr for one in strangers]
        refused.append(client.ssh("-o", "PubkeyAuthentication=no").stderr)
        assert all("Permission denied (publickey)" in said for said in refused), refused

        add_key(database, other, world.SOURCE)
        while (again := replace(client, key=other).sftp("pwd")).returncode:
            assert "Permission denied" in again.stderr
        assert replace(client, key=other).sftp("pwd").returncode == 0
        assert daemon.stop() == os.EX_OK


def test_old_signatures_are_refused(
    site: Site, key: Path, database: Database, tmp_path: Path
) -> None:
    """An RSA key is good with SHA-2, and not with SHA-1."""
    rsa = make_key(tmp_path / "id_rsa", "rsa")
    add_key(database, rsa, world.SOURCE)
    with serving(site, key) as (_, client):
        theirs = replace(client, key=rsa)
        assert theirs.sftp("pwd").returncode == 0
        old = theirs.sftp("pwd", options=("-o", "PubkeyAcceptedAlgorithms=ssh-rsa"))
        assert old.returncode == 255


def test_a_key_taken_back_ends_what_it_opened(site: Site, key: Path, database: Database) -> None:
    """Within seconds, and for ever."""
    with serving(site, key) as (daemon, client):
        with client.stay() as process:
            daemon.event("sftp: logged in")
            execute(database, "UPDATE bmu.source_key SET revoked_at = now()")
            daemon.event("sftp: its key was taken back")
            assert process.wait(SECONDS_MAX) == 255
        assert "Permission denied" in client.sftp("pwd").stderr


def test_sources_hand_in_while_the_database_is_away(
    site: Site, key: Path, database: Database, tmp_path: Path
) -> None:
    """The keys that were good are good: what arrives waits in the spool, and no source has to keep it."""
    file = tmp_path / "a.csv"
    file.write_bytes(b"x")
    with serving(site, key) as (daemon, client):
        assert client.sftp("pwd").returncode == 0
        name = database.name
        execute_as_superuser(
            database.cluster, "postgres", f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"
        )
        execute_as_superuser(
            database.cluster, "postgres",
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'",
        )  # fmt: skip
        daemon.event(
            "sftp: keys of sources can't be read: the database can't be reached at the moment; try again later"
        )
        done = client.sftp(f"put {file}")
        execute_as_superuser(
            database.cluster, "postgres", f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"
        )

        assert done.returncode == 0, done.stderr
    assert (arriving(site) / "a.csv").read_bytes() == b"x"


def test_cut_at_each_hundredth_there_is_no_file(site: Site, key: Path, tmp_path: Path) -> None:
    """
    The line breaks anywhere while a file comes in, first under the name of an unfinished one, then under its own.

    Nothing appears under its own name, unless all of it had come; of the unfinished one stays what had come.
    """
    file = tmp_path / "a.csv"
    octets = os.urandom(60_000)
    file.write_bytes(octets)

    def put(line: Cut, name: str) -> int:
        with line:
            done = through(client, line).sftp(f"put {file} {name}.part", f"put {file} {name}.csv")
            return done.returncode

    with serving(site, key) as (daemon, client):
        whole = Cut(client.port)
        assert put(whole, "whole") == 0
        lines = {cut: Cut(client.port, whole.octets * cut // 100) for cut in range(1, 100)}
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(put, lines.values(), map(str, lines)))
        assert daemon.stop() == os.EX_OK
    there = {path.name: path.read_bytes() for path in arriving(site).iterdir()}
    parts = [there.get(f"{cut}.part", b"") for cut in lines]

    assert 0 not in found
    assert all(octets == there[f"{cut}.csv"] for cut in lines if f"{cut}.csv" in there)
    # The last octets of all only take leave.
    assert [cut for cut in lines if f"{cut}.csv" in there and cut < 95] == []
    assert all(octets.startswith(part) for part in parts)
    assert len({len(part) for part in parts}) > 1
    assert parts[60:] == [octets] * len(parts[60:])
    assert {name.rpartition(".")[2] for name in there} == {"part", "csv"}


def test_an_upload_goes_on_after_a_cut(site: Site, key: Path, tmp_path: Path) -> None:
    """`reput`: what had come stays under the name of an unfinished file, and only the rest is sent."""
    file = tmp_path / "a.csv"
    octets = os.urandom(2_000_000)
    file.write_bytes(octets)
    with serving(site, key) as (_, client):
        with Cut(client.port, 1_200_000) as cut:
            assert through(client, cut).sftp(f"put {file} a.part").returncode != 0
        with Cut(client.port) as rest:
            done = through(client, rest).sftp(f"reput {file} a.part", "rename a.part a.csv")
            while done.returncode and "written by another" in done.stderr:
                done = through(client, rest).sftp(f"reput {file} a.part", "rename a.part a.csv")

        assert done.returncode == 0, done.stderr
        assert rest.octets < 1_500_000
    assert (arriving(site) / "a.csv").read_bytes() == octets


def test_killed_in_the_middle_nothing_is_left(site: Site, key: Path, tmp_path: Path) -> None:
    """kill -9 while a file comes in: intake never sees it, and the next start clears away what was half written."""
    file = tmp_path / "a.csv"
    file.write_bytes(os.urandom(2_000_000))
    with serving(site, key) as (daemon, client):
        line = Cut(client.port, 1_200_000, holds=True)
        with line as cut, through(client, cut).open(f"put {file}") as process:
            while cut.octets < 1_200_000:
                cut.wait()
            daemon.signal(signal.SIGKILL)
            daemon.wait()
            assert process.wait(SECONDS_MAX) != 0
        left = [path.name for path in arriving(site).iterdir()]
    assert len(left) == 1
    assert left[0].startswith(".handed-")
    with serving(site, key) as (daemon, client):
        assert list(arriving(site).iterdir()) == []
        assert client.sftp(f"put {file}").returncode == 0
        assert daemon.stop() == os.EX_OK


def test_limits_of_connections(site: Site, key: Path) -> None:
    """So many of a source, so long to log in, so long without a word; a reload sets others."""
    limits = {"source_connections_max": 1, "login_seconds_max": 1, "connections_max": 2}
    site.write(sftp={**SFTP, **limits})
    with serving(site, key) as (daemon, client):
        with client.stay():
            daemon.event("sftp: logged in")
            assert "Permission denied" in client.sftp("pwd").stderr
            with socket.create_connection(("127.0.0.1", client.port), SECONDS_MAX) as silent:
                assert silent.recv(100).startswith(b"SSH-2.0-bmuid\r\n")
                with suppress(ConnectionResetError):
                    while silent.recv(4096):
                        pass
            site.write(sftp={**SFTP, "source_connections_max": 2})
            daemon.signal(signal.SIGHUP)
            daemon.event("configuration, certificates and lists were read anew")
            assert client.sftp("pwd").returncode == 0
        assert daemon.stop() == os.EX_OK


def test_a_source_has_a_limit_of_its_own(
    site: Site, key: Path, database: Database, tmp_path: Path
) -> None:
    """A file beyond it is refused while it is written, and nothing of it is kept."""
    execute(database, "UPDATE bmu.source SET octets_max = 5000")
    for octets in (5000, 5001):
        (tmp_path / f"{octets}.csv").write_bytes(b"x" * octets)
    with serving(site, key) as (_, client):
        done = client.sftp(f"put {tmp_path}/5000.csv", f"put {tmp_path}/5001.csv")

    assert "a file has 5000 octets at most" in done.stderr or "Failure" in done.stderr
    assert [path.name for path in arriving(site).iterdir()] == ["5000.csv"]


def test_the_host_key_stays(site: Site, key: Path) -> None:
    """Made once, for the daemon alone to read; clients that know it are served after every start."""
    with serving(site, key) as (_, client):
        known = client.known.read_text(encoding="ascii").split(maxsplit=1)[1]
    with serving(site, key) as (_, client):
        assert client.known.read_text(encoding="ascii").split(maxsplit=1)[1] == known
        assert client.sftp("pwd").returncode == 0
    host_key = site.directory / "sftp_host_key"
    assert host_key.stat().st_mode & 0o777 == 0o600
    host_key.write_bytes(b"no key")
    status, lines = refused_start(site, "--only", "receiving")
    assert (status, len(lines)) == (os.EX_CONFIG, 1)
    assert "sftp.host_key" in lines[0]


def test_a_taken_port_is_told(site: Site) -> None:
    """As for every door: the start is refused, with the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        site.write(sftp={**SFTP, "port": taken.getsockname()[1]})
        status, lines = refused_start(site, "--only", "receiving")

        assert (status, len(lines)) == (os.EX_CANTCREAT, 1)
        assert "sftp: 127.0.0.1 port" in lines[0]


def test_garbage_ends_a_connection_and_no_more(site: Site, key: Path) -> None:
    """Strangers say what they like; the door serves on, and its log says who it was."""
    with serving(site, key) as (daemon, client):
        for octets in (b"GET / HTTP/1.0\r\n\r\n" * 400, b"SSH-2.0-x\r\n" + b"\0\0\0\x0c\x0a" + b"\x14" * 60,
                       b"SSH-2.0-x\r\n" + b"\xff" * 64):  # fmt: skip
            with socket.create_connection(("127.0.0.1", client.port), SECONDS_MAX) as stranger:
                stranger.sendall(octets)
                with suppress(ConnectionResetError):
                    while stranger.recv(4096):
                        pass
        assert client.sftp("pwd").returncode == 0
        assert daemon.stop() == os.EX_OK
    assert all(event["level"] != "critical" for event in daemon.events)
