"""A demo for the tests: the real command, in a directory of its own, and what it says."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).parents[1]
STARTED = "Ctrl-C stops everything"
START_SECONDS_MAX = 150
STOP_SECONDS_MAX = 60
BMUID = [sys.executable, "-m", "bmuid"]


@dataclass
class Demo:
    """One run of `bmuid demo`, and what it has said so far."""

    directory: Path
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that was said."""
        return "".join(self.said)

    @property
    def address(self) -> str:
        """Where the portal is, without the slash at its end."""
        found = re.search(r"Open +(https://localhost:[0-9]+)/", self.text)
        assert found, self.text
        return found[1]

    @property
    def port(self) -> int:
        """The portal's port."""
        return int(self.address.rpartition(":")[2])

    @property
    def authority(self) -> Path:
        """The authority of the portal's certificate."""
        return self.directory / "pki" / "https" / "ca.pem"

    @property
    def admin_socket(self) -> Path:
        """The daemon's admin socket."""
        found = re.search(
            r"^socket = \"(.*admin.sock)\"$",
            (self.directory / "bmuid.conf").read_text(),
            re.MULTILINE,
        )
        assert found
        return Path(found[1])

    def bmadmin(self, *words: str) -> Any:
        """Ask as the staff would; give the answer."""
        command = [
            sys.executable,
            "-c",
            "import sys; from bmuid.cli.bmadmin import main; sys.exit(main())",
        ]
        done = subprocess.run(
            [*command, "--socket", str(self.admin_socket), "--json", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def processes(self) -> set[int]:
        """Give every process that has a directory of this demo's in its command line, but the demo itself."""
        places = (os.fsencode(self.directory), os.fsencode(self.admin_socket.parent))
        found = set()
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes()
                if any(place in command for place in places):
                    found.add(int(path.parent.name))
            except OSError:
                continue
        return found - {self.process.pid, os.getpid()}

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and wait for the end; give the exit status."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS_MAX)


@contextmanager
def running(directory: Path, *arguments: str) -> Iterator[Demo]:
    """Run a demo until it is ready; afterwards it is stopped, and its directory is left as it is."""
    port = str(free_port())
    process = subprocess.Popen(
        [*BMUID, "demo", "--directory", str(directory), "--port", port, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd="/",
    )
    demo = Demo(directory, process)
    assert process.stdout is not None
    watchdog = threading.Timer(START_SECONDS_MAX, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            demo.said.append(line)
            if STARTED in line:
                break
        else:
            raise AssertionError(demo.text)
        watchdog.cancel()
        yield demo
    finally:
        watchdog.cancel()
        if process.poll() is None:
            demo.stop()
        process.stdout.close()


def remove(directory: Path) -> subprocess.CompletedProcess[str]:
    """Remove a demo as its user would."""
    return subprocess.run(
        [*BMUID, "demo", "--clean", "--directory", str(directory)],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


def free_port() -> int:
    """Give a port that was free just now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        number: int = trial.getsockname()[1]
        return number


def small_examples(directory: Path, lines: int) -> Path:
    """Give the examples with three customers and the first *lines* records of one switch's first month."""
    shutil.copytree(ROOT / "examples" / "demo", directory / "demo")
    accounts = directory / "demo" / "accounts.toml"
    start = "\n[[account]]\n"
    accounts.write_text(start.join(accounts.read_text().split(start)[:4]))
    name = "asterisk/Master-2026-08.csv"
    usage = directory / "usage"
    (usage / name).parent.mkdir(parents=True)
    records = (ROOT / "examples" / "usage" / name).read_bytes().splitlines(keepends=True)
    (usage / name).write_bytes(b"".join(records[:lines]))
    (usage / "expected.toml").write_text(f'[[file]]\npath = "{name}"\nsource = "pbx-london"\n')
    return directory


@dataclass
class Visitor:
    """A customer without a browser: plain requests, one connection each, the cookie kept."""

    port: int
    authority: Path
    cookie: str = ""

    def ask(
        self, method: str, path: str, body: str | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """Send one request; give status, headers and page."""
        context = ssl.create_default_context(cafile=str(self.authority))
        connection = http.client.HTTPSConnection(
            "localhost", self.port, context=context, timeout=30
        )
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            sent["Cookie"] = self.cookie
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        finally:
            connection.close()

    def log_in(self, login: str, password: str) -> None:
        """Log in and keep the cookie."""
        status, headers, _ = self.post("/my/login", {"login": login, "password": password})
        assert status == 303, status
        self.cookie = headers["Set-Cookie"].partition(";")[0]

    def post(self, path: str, form: dict[str, str]) -> tuple[int, http.client.HTTPMessage, str]:
        """Send a form as a browser would from our own pages."""
        return self.ask(
            "POST",
            path,
            urlencode(form),
            Content_Type="application/x-www-form-urlencoded",
            Sec_Fetch_Site="same-origin",
            Origin=f"https://localhost:{self.port}",
        )
