"""Files fetched from partners, with OpenSSH's server and a web server: each once, a changed one again, and no other's."""

import http.server
import os
import pwd
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import usage_world as world
from conftest import Database
from daemons import Running, Site, make_site, running
from sftps import Sshd, make_key

from bmuid import pki

ME = pwd.getpwuid(os.getuid()).pw_name
TOKEN = "a token of sixteen"


@pytest.fixture
def site(database: Database, short_path: Path) -> Site:
    """Give an installation with one source."""
    with closing(database.connect("postgres")) as owner:
        world.found(owner, 3)
    return make_site(short_path, database.dsn("bmuid").replace(" user=bmuid", ""))


@pytest.fixture
def offered(tmp_path: Path) -> Path:
    """Give the directory of a partner."""
    made = tmp_path / "partner files"
    made.mkdir()
    return made


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """Give a partner's SSH server that lets us in."""
    with Sshd.serving(tmp_path) as serving:
        yield serving


def write(site: Site, **settings: object) -> None:
    """Configure the partner."""
    defaults = {
        "source": world.SOURCE,
        "every_seconds": 1,
        "settled_seconds": 0,
        "pause_seconds_max": 1,
    }
    site.write(**{"pull.partner": {**defaults, **settings}})


def write_sftp(site: Site, sshd: Sshd, offered: Path, **settings: object) -> None:
    """Configure the partner, reached by SFTP."""
    path = str(offered).replace(" ", "%20")
    write(site, **{
        "url": f"sftp://{ME}@127.0.0.1:{sshd.port}{path}", "host_key_file": str(sshd.host_key.with_suffix(".pub")),
        "key_file": str(sshd.key), **settings,
    })  # fmt: skip


@contextmanager
def pulling(site: Site) -> Iterator[Running]:
    """Run the receivers alone."""
    with running(site, "--only", "receiving") as daemon:
        yield daemon


def arrived(site: Site) -> dict[str, bytes]:
    """Give what was handed in and not taken."""
    directory = site.directory / "spool" / world.SOURCE / "in"
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def rows(database: Database, statement: str) -> list[tuple[object, ...]]:
    """Give what the database holds."""
    with closing(database.connect("postgres")) as connection, connection.cursor() as txn:
        txn.execute("SET search_path TO bmu")
        txn.execute(statement)
        return txn.fetchall()


def quiet(daemon: Running, database: Database) -> None:
    """Wait for one more look at the partner that goes well."""
    [(before,)] = rows(database, "SELECT max(succeeded_at) FROM pull_state")
    while rows(database, "SELECT max(succeeded_at) FROM pull_state") == [(before,)]:
        assert daemon.process.poll() is None


class TestBySftp:
    """A partner with an SSH server."""

    def test_each_file_is_fetched_once_and_a_changed_one_again(
        self, site: Site, sshd: Sshd, offered: Path, database: Database
    ) -> None:
        """Through looks without end and a new start; larger ones in many pieces, and no unfinished ones."""
        octets = os.urandom(3_000_001)
        (offered / "a.csv").write_bytes(octets)
        (offered / "b.csv").write_bytes(b"")
        for other in ("c.csv.part", ".d.csv", "e.txt"):
            (offered / other).write_bytes(b"no")
        (offered / "f.csv").symlink_to("/etc/passwd")
        (offered / "g.csv").mkdir()
        write_sftp(site, sshd, offered, pattern="*.csv")
        with pulling(site) as daemon:
            for _ in range(2):
                daemon.event("pull: fetched")
            quiet(daemon, database)
            quiet(daemon, database)
            assert arrived(site) == {"a.csv": octets, "b.csv": b""}
            assert daemon.stop() == os.EX_OK
        for path in (site.directory / "spool" / world.SOURCE / "in").iterdir():
            path.unlink()
        with pulling(site) as daemon:
            quiet(daemon, database)
            assert arrived(site) == {}
            (offered / "b.csv").write_bytes(b"more")
            daemon.event("pull: fetched")
            assert arrived(site) == {"b.csv": b"more"}
            assert daemon.stop() == os.EX_OK

        assert rows(database, "SELECT name, size FROM pulled ORDER BY name") == [
            ("a.csv", len(octets)), ("b.csv", 4)]  # fmt: skip

    @pytest.mark.parametrize(
        ("after", "left"), [("delete", set()), ("rename", {"a.csv.done"}), ("keep", {"a.csv"})]
    )
    def test_what_becomes_of_a_file_there(
        self, site: Site, sshd: Sshd, offered: Path, database: Database, after: str, left: set[str]
    ) -> None:
        """Kept, renamed or removed, once it is safe here."""
        (offered / "a.csv").write_bytes(b"one")
        write_sftp(site, sshd, offered, after=after)
        with pulling(site) as daemon:
            daemon.event("pull: fetched")
            quiet(daemon, database)
            assert daemon.stop() == os.EX_OK

        assert {path.name for path in offered.iterdir()} == left
        assert arrived(site) == {"a.csv": b"one"}

    def test_a_fetched_file_is_charged(self, site: Site, sshd: Sshd, offered: Path) -> None:
        """From a partner's directory to the charges, with the whole daemon."""
        lines = [world.call(f"1.{number}", 1 + number % 3) for number in range(30)]
        (offered / "Master.csv").write_text("".join(f"{line}\n" for line in lines))
        write_sftp(site, sshd, offered)
        with running(site) as daemon:
            assert daemon.event("file done")["new"] == 30
            assert daemon.stop() == os.EX_OK

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"host_key_file": "other.pub"}, "host key is not one of host_key_file"),
            ({"key_file": "other"}, "it does not let us in with this key"),
            ({"url": f"sftp://{ME}@127.0.0.1:1/x"}, "refused"),
            ({"pattern": "big.csv", "file_mib_max": 1}, "big.csv: it has 2000000 octets"),
            ({"source": "nobody"}, "there is no source nobody"),
        ],
    )
    def test_what_is_wrong_is_said(
        self, site: Site, sshd: Sshd, offered: Path, settings: dict[str, object], said: str
    ) -> None:
        """A partner that is somebody else gets nothing of us, and we nothing of it."""
        make_key(site.directory / "other")
        (offered / "a.csv").write_bytes(b"one")
        (offered / "big.csv").write_bytes(b"x" * 2_000_000)
        (site.directory / "spool" / world.SOURCE / "in").mkdir(parents=True)
        write_sftp(site, sshd, offered, **settings)
        with pulling(site) as daemon:
            message = ""
            while "pull: failed" not in message:
                assert daemon._next()
                message = str(daemon.events[-1]["message"])
            assert said in message
            assert daemon.stop() == os.EX_OK

        assert arrived(site) == {}

    def test_a_partner_that_fails_is_an_alarm_and_is_tried_again(
        self, site: Site, sshd: Sshd, offered: Path, database: Database
    ) -> None:
        """After three times somebody is told; when it is there again, files come and the alarm is over."""
        directory = offered.with_name("not yet")
        write_sftp(site, sshd, directory)
        with running(site) as daemon:
            while rows(database, "SELECT kind FROM alarm WHERE raised_at IS NOT NULL") != [
                ("PULL",)
            ]:
                assert daemon.process.poll() is None
            [row] = daemon.ask_admin("pull_list")[1]["pulls"]
            assert "No such file" in row["error"]
            assert row["failures"] >= 3
            [alarm] = daemon.ask_admin("alarm_list")[1]["alarms"]
            assert "nothing can be fetched for it since" in alarm["text"]
            directory.mkdir()
            (directory / "a.csv").write_text(world.call("1.1", 1))
            daemon.event("file done")
            while rows(database, "SELECT cleared_at IS NULL FROM alarm") != [(False,)]:
                assert daemon.process.poll() is None
            assert daemon.stop() == os.EX_OK

    def test_two_daemons_fetch_a_file_once(
        self, site: Site, sshd: Sshd, offered: Path, database: Database
    ) -> None:
        """They share one spool and one partner, and don't get in each other's way."""
        for number in range(20):
            (offered / f"{number}.csv").write_bytes(b"%d" % number)
        write_sftp(site, sshd, offered)
        with pulling(site) as first, pulling(site) as second:
            while rows(database, "SELECT count(*) FROM pulled") != [(20,)]:
                assert first.process.poll() is None
            assert [daemon.stop() for daemon in (first, second)] == [os.EX_OK] * 2

        fetched = [
            event["name_given"] for daemon in (first, second) for event in daemon.events
            if event["message"] == "pull: fetched"
        ]  # fmt: skip
        assert sorted(map(str, fetched)) == sorted(f"{number}.csv" for number in range(20))


class _Partner(http.server.SimpleHTTPRequestHandler):
    """A web server that lists its directory, for whoever has the token."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Give a file, or the list; one of them only in half."""
        if self._admits():
            if self.path.endswith("/half.csv"):
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"x" * 500)
                self.close_connection = True
            else:
                super().do_GET()

    def do_HEAD(self) -> None:
        """Tell of a file."""
        if self._admits():
            super().do_HEAD()

    def do_DELETE(self) -> None:
        """Remove a file."""
        if self._admits():
            Path(self.translate_path(self.path)).unlink()
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _admits(self) -> bool:
        admitted = self.headers["Authorization"] == f"Bearer {TOKEN}"
        if not admitted:
            self.send_error(401)
        return admitted

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def web(site: Site, offered: Path, *, asks: bool = False) -> Iterator[int]:
    """Serve the directory over HTTPS; give the port."""
    now = datetime.now(UTC)
    leaf = pki.issue(site.authority, "partner", pki.Purpose.SERVER, ("localhost",), now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate, leaf.key)
    if asks:
        context.load_verify_locations(site.authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    handle = partial(_Partner, directory=str(offered))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handle) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def write_https(site: Site, port: int, **settings: object) -> None:
    """Configure the partner, reached by HTTPS."""
    (site.directory / "token").write_text(f"{TOKEN}\n")
    (site.directory / "token").chmod(0o600)
    write(site, **{
        "url": f"https://localhost:{port}/", "ca_file": str(site.authority.certificate), "token_file": "token",
        **settings,
    })  # fmt: skip


class TestByHttps:
    """A partner with a web server."""

    def test_what_it_lists_is_fetched_once(
        self, site: Site, offered: Path, database: Database
    ) -> None:
        """By the links of its page, with a certificate and a token; odd names, and one that has changed again."""
        octets = os.urandom(1_500_000)
        (offered / "a b.csv").write_bytes(octets)
        (offered / "ü.csv").write_bytes(b"u")
        (offered / "folder").mkdir()
        certificate = {
            "certificate_file": str(site.web.certificate),
            "key_file": str(site.web.key),
        }
        with web(site, offered, asks=True) as port:
            write_https(site, port, **certificate)
            with pulling(site) as daemon:
                for _ in range(2):
                    daemon.event("pull: fetched")
                quiet(daemon, database)
                assert arrived(site) == {"a b.csv": octets, "ü.csv": b"u"}
                (site.directory / "spool" / world.SOURCE / "in" / "ü.csv").unlink()
                (offered / "ü.csv").write_bytes(b"uu")
                daemon.event("pull: fetched")
                assert arrived(site) == {"a b.csv": octets, "ü.csv": b"uu"}
                assert daemon.stop() == os.EX_OK

    def test_half_an_answer_is_no_file(
        self, site: Site, offered: Path, database: Database
    ) -> None:
        """It breaks off in the middle: nothing is handed in, and what can be removed is, once it is here."""
        (offered / "half.csv").write_bytes(b"x" * 1000)
        (offered / "a.csv").write_bytes(b"one")
        with web(site, offered) as port:
            write_https(site, port, after="delete")
            with pulling(site) as daemon:
                daemon.event("pull: fetched")
                while rows(database, "SELECT failures > 1 FROM pull_state") != [(True,)]:
                    assert daemon.process.poll() is None
                assert daemon.stop() == os.EX_OK

        assert arrived(site) == {"a.csv": b"one"}
        assert {path.name for path in offered.iterdir()} == {"half.csv"}

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"token_file": "other"}, "it answers 401"),
            ({"ca_file": "other.pem"}, "certificate verify failed"),
            ({"url": "https://127.0.0.1:{port}/"}, "IPAddressMismatch"),
        ],
    )
    def test_what_is_wrong_is_said(
        self, site: Site, offered: Path, settings: dict[str, str], said: str
    ) -> None:
        """Another's certificate, another's name, a token that is not good: nothing is fetched."""
        (offered / "a.csv").write_bytes(b"one")
        (site.directory / "spool" / world.SOURCE / "in").mkdir(parents=True)
        (site.directory / "other").write_text("another token")
        (site.directory / "other").chmod(0o600)
        stranger = pki.init_ca(site.directory / "stranger", "stranger", datetime.now(UTC))
        (site.directory / "other.pem").write_bytes(stranger.certificate.read_bytes())
        with web(site, offered) as port:
            write_https(
                site, port, **{key: value.format(port=port) for key, value in settings.items()}
            )
            with pulling(site) as daemon:
                message = ""
                while "pull: failed" not in message:
                    assert daemon._next()
                    message = str(daemon.events[-1]["message"])
                assert said in message
                assert daemon.stop() == os.EX_OK

        assert arrived(site) == {}
