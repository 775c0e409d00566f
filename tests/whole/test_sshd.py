"""OpenSSH's server in place of the SFTP door, from the file in etc/: the same spool, the same keys, the same names."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import usage_world as world
from conftest import Database
from daemons import Site, command, make_site, running
from sftps import Client, add_key, make_key, sshd_running

ETC = Path(__file__).parents[2] / "etc" / "sshd-bmuid.conf"
# A user and a group that every Debian has, and nobody uses.
USER = "games"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root gives sources a root of their own"
)


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a directory of which all above belongs to root alone, as sshd wants it."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="bmuid-sshd-", dir="/run"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Give the switch's key."""
    return make_key(tmp_path / "id_switch")


@pytest.fixture
def site(database: Database, short_path: Path, place: Path, key: Path) -> Site:
    """Give an installation whose source is a user of the system."""
    with closing(database.connect("postgres")) as owner:
        world.found(owner, 3)
        with owner, owner.cursor() as txn:
            txn.execute("UPDATE bmu.source SET code = %(user)s", {"user": USER})
    add_key(database, key, USER)
    made = make_site(short_path, database.dsn("bmuid").replace(" user=bmuid", ""))
    # As the manual has it, with a link in the mount's stead.
    arriving = place / "jail" / USER / "in"
    arriving.mkdir(parents=True)
    shutil.chown(arriving, "root", USER)
    arriving.chmod(0o2770)
    (place / "spool" / USER).mkdir(parents=True)
    (place / "spool" / USER / "in").symlink_to(arriving)
    made.write(spool={"directory": str(place / "spool")})
    return made


@contextmanager
def serving(site: Site, place: Path, key: Path) -> Iterator[Client]:
    """Run sshd on a high port with the file in etc/, its paths and names put right for here."""
    keys = place / "bmuid"
    words = " ".join(f"'{word}'" for word in command("source-keys", "--config", str(site.conf)))
    inherited = " ".join(
        f"{name}='{os.environ[name]}'" for name in ("PATH", "PYTHONPATH") if name in os.environ
    )
    keys.write_text(f'#!/bin/sh\nshift\nexec env {inherited} {words} "$@"\n')
    keys.chmod(0o755)
    text = ETC.read_text(encoding="utf-8")
    for theirs, ours in (
        ("/opt/bmuid/bin/bmuid", str(keys)),
        ("AuthorizedKeysCommandUser bmuid", "AuthorizedKeysCommandUser root"),
        ("/srv/bmuid-sftp", str(place / "jail")),
        ("Match Group bmuid-sftp", f"Match Group {USER}"),
    ):
        assert theirs in text
        text = text.replace(theirs, ours)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    host_key = make_key(place / "host_key")
    (place / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nPidFile none\nUsePAM no\n"
        f"Subsystem sftp /usr/lib/openssh/sftp-server\n{text}"
    )
    known = place / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {host_key.with_suffix('.pub').read_text()}")
    with sshd_running(place / "sshd_config"):
        yield Client(port, USER, key, known)


def test_a_file_that_openssh_takes_is_charged(
    site: Site, place: Path, key: Path, tmp_path: Path
) -> None:
    """Put as unfinished, renamed: the daemon takes what another user's server wrote."""
    file = tmp_path / "Master.csv"
    lines = [world.call(f"1.{number}", 1 + number % 3) for number in range(30)]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with serving(site, place, key) as client, running(site) as daemon:
        done = client.sftp(f"put {file} Master.csv.part", "rename Master.csv.part Master.csv")
        closed = daemon.event("file done")

        assert (done.returncode, done.stderr) == (0, "")
        assert (closed["first_name"], closed["new"]) == ("Master.csv", 30)
        assert daemon.stop() == os.EX_OK


def test_its_client_gets_nowhere_else(site: Site, place: Path, key: Path, tmp_path: Path) -> None:
    """No shell, no forwarding, nothing above, nothing read back, nothing replaced."""
    file = tmp_path / "a.csv"
    file.write_text("one\n")
    with serving(site, place, key) as client:
        done = client.sftp(
            "pwd", f"put {file} a.csv", f"-get a.csv {tmp_path}/got", f"put {file} b.part", "-rename b.part a.csv",
            "-rm a.csv", "-mkdir d", "-ln a.csv e", "-ln -s /etc/passwd f", "cd ..", "cd ../..", "pwd", "ls -1",
            f"-put {file} /etc/out", f"-put {file} ../out",
        )  # fmt: skip
        refused = [
            client.ssh("id"),
            client.ssh("-s", "shell"),
            client.ssh("-W", f"127.0.0.1:{client.port}"),
            client.ssh("-o", "ExitOnForwardFailure=yes", "-N", "-R", "0:127.0.0.1:22"),
        ]

    assert done.returncode == 0, done.stderr
    assert "Remote working directory: /in\n" in done.stdout
    assert "sftp> ls -1\nin\n" in done.stdout
    # The client makes its own file before it asks for the octets.
    assert (tmp_path / "got").read_bytes() == b""
    inside = place / "jail" / USER
    assert {str(path.relative_to(inside)) for path in inside.rglob("*")} == {
        "in",
        "in/a.csv",
        "in/b.part",
    }
    assert all(said.returncode != 0 and "uid=" not in said.stdout for said in refused)


def test_the_keys_are_those_of_the_source(
    site: Site, place: Path, key: Path, database: Database, tmp_path: Path
) -> None:
    """Another key is refused until it is added, and a key taken back from then on; no password opens."""
    other = make_key(tmp_path / "id_other")
    with serving(site, place, key) as client:
        theirs = replace(client, key=other)
        assert "Permission denied (publickey)" in theirs.sftp("pwd").stderr
        add_key(database, other, USER)
        assert theirs.sftp("pwd").returncode == 0
        with closing(database.connect("postgres")) as owner, owner, owner.cursor() as txn:
            txn.execute("UPDATE bmu.source_key SET revoked_at = now()")
        assert "Permission denied (publickey)" in theirs.sftp("pwd").stderr
        assert (
            "Permission denied (publickey)" in client.ssh("-o", "PubkeyAuthentication=no").stderr
        )


def test_the_command_says_what_is_wrong(site: Site) -> None:
    """A source without keys has none; a database that is away is a fault, and not an empty list."""

    def ask(*words: str) -> tuple[int, str, str]:
        done = subprocess.run(command("source-keys", *words), capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    status, keys, _ = ask("--config", str(site.conf), USER)
    assert (status, keys.split()[:2]) == (0, ["restrict", "ssh-ed25519"])
    assert ask("--config", str(site.conf), "nobody") == (0, "", "")
    site.write(database={"dsn": "host=/nowhere dbname=none"})
    status, keys, said = ask("--config", str(site.conf), USER)
    assert (status, keys) == (os.EX_UNAVAILABLE, "")
    assert "can't be reached" in said
