"""docs/protocol.md, played against a real daemon: what the page says is what happens."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Database
from daemons import AdminClient, Client, Running, make_site, running

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo"
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
TRANSCRIPTS = re.findall(
    r"^```transcript (public|admin)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL
)


@pytest.fixture
def door(database: Database, short_path: Path) -> Iterator[Running]:
    """A daemon with the demo company's customers."""
    site = make_site(short_path, f"host={database.cluster.socket} dbname={database.name}")
    with running(site, "--only", "doors") as daemon:
        for operation, name in (("catalogue_load", "catalogue"), ("accounts_load", "accounts")):
            document = (DEMO / f"{name}.toml").read_text(encoding="utf-8")
            done, said = daemon.ask_admin(operation, document=document)
            assert done, said
        yield daemon


class Play:
    """One transcript, line by line; what stands for `<name>` is remembered."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.known: dict[str, str] = {}
        self.unread = b""
        self.count = 0

    def line(self, line: str) -> None:
        """Say what the web host says, or see that the daemon says it."""
        who, _, text = line.partition(": ")
        if who == "C":
            self.client.send(re.sub(r"<(\w+)>", lambda m: self.known[m[1]], text).encode() + b"\n")
        elif text == "end":
            assert self.unread + self.client.ends() == b""
        elif text.startswith("{"):
            self.match(text, self.take(self.count))
        else:
            self.match(text, self.take_line())
            self.count = int(self.known.get("count", 0))

    def match(self, wanted: str, octets: bytes) -> None:
        """Compare, and remember."""
        pattern = re.sub(
            r"<(\w+)>", r"(?P<\1>.*)", re.sub(r"([\\.*+?^${}()|\[\]])", r"\\\1", wanted)
        )
        found = re.fullmatch(pattern, octets.decode())
        assert found, (wanted, octets)
        for name, text in found.groupdict().items():
            assert name in ("count", "text") or self.known.get(name, text) == text, name
            self.known[name] = text

    def take_line(self) -> bytes:
        """Read to the end of a line."""
        while b"\n" not in self.unread:
            self.more()
        line, _, self.unread = self.unread.partition(b"\n")
        return line

    def take(self, count: int) -> bytes:
        """Read so many octets."""
        while len(self.unread) < count:
            self.more()
        taken, self.unread = self.unread[:count], self.unread[count:]
        return taken

    def more(self) -> None:
        """Read what comes next."""
        octets = self.client.receive()
        assert octets, "the connection has ended"
        self.unread += octets


def test_the_transcripts_happen_as_they_are_written(door: Running) -> None:
    """Whoever writes a client from the page alone gets the answers that stand there."""
    assert len(TRANSCRIPTS) == 5
    for where, text in TRANSCRIPTS:
        client = door.connect() if where == "public" else AdminClient(door.site.admin_socket)
        with client:
            play = Play(client)
            for line in text.splitlines():
                play.line(line)
