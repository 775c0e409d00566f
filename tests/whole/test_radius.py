"""RADIUS accounting through a real daemon: FreeRADIUS's own client sends, bmuid answers once it is kept."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, socket

import pytest
from conftest import Database
from daemons import SECONDS_MAX, Running, Site, make_site, refused_start, running
from pyrad import dictionary, packet

SECRET = "a shared secret, long"
SOURCE = "bras"
SECTIONS: dict[str, dict[str, object]] = {
    "radius": {"port": 0, "file_seconds_max": 3600},
    "radius.clients.here": {
        "network": "127.0.0.0/8",
        "source": SOURCE,
        "secret_file": "radius.secret",
    },
}


def start(session: int, **more: str) -> str:
    """Give the attributes of a session's begin, as radclient reads them."""
    told = {
        "Acct-Status-Type": "Start",
        "Acct-Session-Id": f'"{session:08X}"',
        "User-Name": '"alice@isp.example"',
        "NAS-IP-Address": "192.0.2.1",
        "NAS-Port": "7",
        "Event-Timestamp": "1790000000",
        **{name.replace("_", "-"): text for name, text in more.items()},
    }
    return ", ".join(f"{name} = {text}" for name, text in told.items()) + "\n"


@pytest.fixture
def site(database: Database, short_path: Path) -> Site:
    """Give an installation that takes RADIUS accounting from this host."""
    site = make_site(short_path, database.dsn("bmuid").replace(" user=bmuid", ""))
    secret = short_path / "radius.secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    site.write(**SECTIONS)
    return site


@contextmanager
def receiving(site: Site) -> Iterator[tuple[Running, str]]:
    """Run receivers alone; give where RADIUS is bound, too."""
    with running(site, "--only", "receiving") as daemon:
        yield daemon, str(daemon.events[-1]["radius"])


def send(address: str, requests: str, *options: str, secret: str = SECRET) -> str:
    """Have radclient send accounting requests; give what it says."""
    done = subprocess.run(
        ["radclient", "-x", *options, address, "acct", secret],
        input=requests, capture_output=True, text=True, timeout=SECONDS_MAX,
    )  # fmt: skip
    return done.stdout + done.stderr


def received(site: Site, stage: str = "receiving") -> list[dict[str, str]]:
    """Give the rows that lie in the spool."""
    files = sorted((site.directory / "spool" / SOURCE / stage).iterdir())
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def test_what_is_answered_is_kept(site: Site) -> None:
    """FreeRADIUS's client is content with the answer, and by then the row is in the spool, with whole counters."""
    counters = {"Acct_Input_Octets": "5", "Acct_Input_Gigawords": "2", "Acct_Session_Time": "60"}
    with receiving(site) as (_, address):
        said = send(address, start(1, **counters))
        assert "Received Accounting-Response" in said, said
        [row] = received(site)
    assert row["Acct-Status-Type"] == "Start"
    assert row["Input-Octets"] == str(2 * 2**32 + 5)
    assert row["Acct-Session-Start-Time"] == str(1790000000 - 60)
    assert row["Packet-Src-IP-Address"] == "127.0.0.1"


def test_files_are_handed_in_when_it_ends(site: Site) -> None:
    """Stopped in order, nothing waits for the next start: each source has its file."""
    with receiving(site) as (daemon, address):
        send(address, "\n".join(start(session) for session in range(50)))
        assert daemon.stop() == os.EX_OK
    assert [row["Acct-Session-Id"] for row in received(site, "in")] == [
        f"{n:08X}" for n in range(50)
    ]
    assert received(site) == []


def test_after_a_kill_what_was_answered_is_handed_in(site: Site) -> None:
    """Killed while it writes: half a line is cut off, all that was answered goes on."""
    with receiving(site) as (daemon, address):
        send(address, start(1))
        daemon.signal(signal.SIGKILL)
        daemon.wait()
    [left] = (site.directory / "spool" / SOURCE / "receiving").iterdir()
    with left.open("ab") as file:
        file.write(b'{"Acct-Session-Id": "half')
    with receiving(site) as (_, address):
        assert [row["Acct-Session-Id"] for row in received(site, "in")] == ["00000001"]
        assert "Received Accounting-Response" in send(address, start(2))


def test_a_wrong_secret_gets_no_answer(site: Site) -> None:
    """Who doesn't know the secret hears nothing, leaves nothing, and is told of in the log."""
    with receiving(site) as (daemon, address):
        said = send(address, start(1), "-r", "1", "-t", "1", secret="another secret")
        assert "No reply" in said, said
        told = daemon.event("RADIUS packets dropped; the last: wrong secret from 127.0.0.1")
        assert told["wrong_secret"] == 1
        assert "Received Accounting-Response" in send(address, start(2))
        assert len(received(site)) == 1


def test_a_request_sent_again_is_answered_again_and_kept_once(site: Site) -> None:
    """The answer got lost, the client repeats the same packet: the same answer, one row."""
    with receiving(site) as (_, address):
        host, _, port = address.rpartition(":")
        octets = recorded()
        with socket(AF_INET, SOCK_DGRAM) as client:
            client.settimeout(SECONDS_MAX)
            client.connect((host, int(port)))
            answers = []
            for _ in range(3):
                client.send(octets)
                answers.append(client.recv(4096))
        assert len(set(answers)) == 1
        assert len(received(site)) == 1


def recorded() -> bytes:
    """Give an authentic request."""
    made = packet.AcctPacket(dict=dictionary.Dictionary(), secret=SECRET.encode(), id=9)
    made[40] = [(1).to_bytes(4, "big")]
    made[44] = [b"0000002A"]
    return made.RequestPacket()


def test_the_server_can_be_asked_whether_it_is_there(site: Site) -> None:
    """A client that looks for a living server (RFC 5997) is told, and nothing is kept of it."""
    with receiving(site) as (_, address):
        done = subprocess.run(
            ["radclient", "-x", address, "status", SECRET],
            input="Message-Authenticator = 0x00\n", capture_output=True, text=True, timeout=SECONDS_MAX,
        )  # fmt: skip
        assert "Received Accounting-Response" in done.stdout, done
        assert not (site.directory / "spool" / SOURCE / "receiving").is_dir() or not received(site)


def test_clients_are_taken_from_the_configuration_anew(site: Site) -> None:
    """A client gets another secret: after a reload the new one counts, and only that."""
    with receiving(site) as (daemon, address):
        (site.directory / "radius.secret").write_text("quite another secret\n")
        daemon.signal(signal.SIGHUP)
        daemon.event("configuration, certificates and lists were read anew")
        assert "Received" in send(address, start(1), secret="quite another secret")
        assert "No reply" in send(address, start(2), "-r", "1", "-t", "0.5")


def test_faults_of_the_section_are_told_at_once(site: Site) -> None:
    """A network that is none, a secret that anybody may read or that is too short: one line each, with its place."""
    (site.directory / "short").write_text("short")
    (site.directory / "short").chmod(0o644)
    client = {"network": "192.0.2.1/24", "source": "Bras", "secret_file": "short"}
    site.write(**{"radius.clients.here": client})

    status, lines = refused_start(site, "--only", "receiving")

    assert status == os.EX_CONFIG
    places = [line.split(": ")[1] for line in lines]
    assert places == [
        f"radius.clients.here.{key}" for key in ("network", "source", "secret_file", "secret_file")
    ]


def test_without_room_nothing_is_answered(site: Site) -> None:
    """The disk is nearly full: the client hears nothing, so it keeps its request and sends it again."""
    site.write(**SECTIONS, spool={"room_mib_min": 1 << 23})
    with receiving(site) as (daemon, address):
        assert "No reply" in send(address, start(1), "-r", "1", "-t", "0.5")
        told = daemon.event("RADIUS packets dropped; the last: no room from 127.0.0.1")
        assert told["no_room"] == 1
