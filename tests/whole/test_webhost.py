"""The embedded web host by itself: without the daemon, and with what an operator may get wrong."""

import json
import os
import select
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from demos import BMUID, ROOT, Visitor, free_port

import bmu
from bmuid import pki

READY_SECONDS_MAX = 30
AWAY_SECONDS_MAX = 1.0
TOKEN = "t" * 43


@dataclass(frozen=True, slots=True)
class Place:
    """Certificates and configuration of a web host whose daemon is away."""

    directory: Path
    port: int
    settings: dict[str, dict[str, object]]

    @property
    def conf(self) -> Path:
        """The configuration file."""
        return self.directory / "webhost.conf"

    def write(self, **changes: dict[str, object]) -> None:
        """Write the configuration, with some keys changed."""
        lines = []
        for section, keys in self.settings.items():
            lines.append(f"[{section}]")
            values = {**keys, **changes.get(section, {})}
            lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        self.conf.write_text("\n".join(lines) + "\n")


@pytest.fixture
def place(short_path: Path) -> Place:
    """Give a web host's files; nothing listens where the daemon should."""
    now = datetime.now(UTC)
    authority = pki.init_ca(short_path / "ca", "test", now)
    pki.issue(authority, "https", pki.Purpose.SERVER, ("localhost",), now)
    pki.issue(authority, "web", pki.Purpose.CLIENT, (), now)
    (short_path / "bmui.conf").write_text(f"socket = {short_path}/s\n")
    port = free_port()
    made = Place(
        short_path,
        port,
        {
            "https": {"port": port, "certificate": "ca/https.pem", "key": "ca/https.key"},
            "portal": {
                "script": str(ROOT / "cgi-bin" / "bmui.py"),
                "settings": "bmui.conf",
                "static": str(Path(bmu.__file__).parent / "ui" / "static"),
            },
            "door": {
                "socket": "s",
                "port": free_port(),
                "ca": "ca/ca.pem",
                "certificate": "ca/web.pem",
                "key": "ca/web.key",
            },
        },
    )
    made.write()
    return made


@contextmanager
def running(place: Place) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the web host; it says itself when it is ready, as to systemd."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(place.directory / "notify"))
        process = subprocess.Popen(
            [*BMUID, "webhost", "--config", str(place.conf)],
            env={**os.environ, "NOTIFY_SOCKET": str(place.directory / "notify")},
            stderr=subprocess.DEVNULL,
        )
        try:
            assert select.select([told], [], [], READY_SECONDS_MAX)[0]
            assert told.recv(100) == b"READY=1"
            yield process
        finally:
            process.terminate()
            assert process.wait(READY_SECONDS_MAX) == 0


def start(place: Place) -> subprocess.CompletedProcess[str]:
    """Start a web host that can't run."""
    command = [*BMUID, "webhost", "--config", str(place.conf)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_while_the_daemon_is_away_the_pages_say_so_at_once(place: Place) -> None:
    """A customer waits for nothing and reads plain words; the form to log in is there."""
    with running(place):
        visitor = Visitor(place.port, place.directory / "ca" / "ca.pem", f"__Host-bm={TOKEN}")
        assert visitor.ask("GET", "/my/login")[0] == 200
        began = time.monotonic()
        status, headers, page = visitor.ask("GET", "/my/overview")
        assert time.monotonic() - began < AWAY_SECONDS_MAX
        assert (status, headers["Retry-After"]) == (503, "60")
        assert "Nothing is lost" in page


def test_a_second_one_leaves_the_first_alone(place: Place) -> None:
    """Started twice, it says in a line that the port is taken; the first one's way to the daemon stays."""
    with running(place):
        done = start(place)
        assert done.returncode == os.EX_CANTCREAT
        assert "Address already in use" in done.stderr
        assert (place.directory / "s").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"https": {"certificate": "none.pem"}}, "https.certificate: "),
        ({"https": {"key": "ca/https.pem"}}, "https.key: "),
        ({"https": {"key": "ca/web.key"}}, "certificate or key"),
        ({"door": {"key": "ca/https.key"}}, "certificate or key"),
        ({"https": {"certificate": "bmui.conf"}}, "certificate or key"),
        ({"portal": {"script": "none.py"}}, "portal.script: "),
        ({"portal": {"processes_max": 0}}, "portal.processes_max: "),
        ({"door": {"prot": 1}}, "door.prot: there is no such key"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_and_nothing_is_started(
    place: Place, changes: dict[str, dict[str, object]], says: str
) -> None:
    """The operator reads which key is wrong, and the exit status says that it is the configuration."""
    place.write(**changes)
    done = start(place)
    assert done.returncode == os.EX_CONFIG
    assert done.stderr.startswith("bmuid webhost: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (place.directory / "s").exists()
