"""The public door as a web host, a stranger, or a web host in other hands meets it."""

import contextlib
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Database, execute_as_superuser
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from daemons import (
    SECONDS_MAX,
    Client,
    CutOffError,
    PublicClient,
    Running,
    Site,
    make_site,
    running,
)

from bmu.wire import GREETING, ClientSession, Request, request_line
from bmuid import pki
from bmuid.pki import Leaf, Purpose

SHORT = {"handshake_seconds_max": 2, "line_seconds_max": 1, "idle_seconds_max": 3}
LINE = request_line(Request("00000000000000aa", "no_such", {}))


@pytest.fixture
def site(database: Database, short_path: Path) -> Site:
    """An installation whose database is there and good."""
    return make_site(short_path, f"host={database.cluster.socket} dbname={database.name}")


@pytest.fixture
def door(site: Site) -> Iterator[Running]:
    """A daemon that has only its doors."""
    with running(site, "--only", "doors") as daemon:
        yield daemon


def serves(door: Running) -> bool:
    """Whether the right web host is answered."""
    return bool(door.ask("no_such")[1]["code"] == "UNKNOWN_OPERATION")


def plain(door: Running) -> socket.socket:
    """A TCP connection without TLS."""
    return socket.create_connection(door.address, timeout=SECONDS_MAX)


def is_shut(door: Running) -> bool:
    """Whether nobody can connect any more."""
    try:
        plain(door).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False
    return False


def ends_within(connection: socket.socket, seconds: float) -> bool:
    """Whether the other side ends the connection in that time, saying nothing more."""
    connection.settimeout(seconds)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def forge(
    site: Site,
    name: str,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    *,
    usages: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.CLIENT_AUTH,),
    days: tuple[int, int] = (-1, 30),
    ca: bool = False,
) -> Leaf:
    """A certificate of the door's authority that `bmuid pki issue` would not make."""
    authority = site.authority
    ca_certificate = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    ca_key = serialization.load_pem_private_key(
        (authority.directory / "ca.key").read_bytes(), None
    )
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(ca_certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    certificate = builder.sign(ca_key, hashes.SHA256())
    leaf = Leaf(site.directory / "forged.pem", site.directory / "forged.key")
    leaf.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    leaf.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return leaf


def new_key() -> ec.EllipticCurvePrivateKey:
    """A good key."""
    return ec.generate_private_key(ec.SECP256R1())


def greets(door: Running, context: ssl.SSLContext) -> bool:
    """Whether the door says anything to whoever has that TLS."""
    try:
        with PublicClient(door, context) as client:
            with contextlib.suppress(CutOffError):
                client.send(LINE)
            return bool(client.receive())
    except CutOffError:
        return False


class TestCertificates:
    """Who may speak at all."""

    def test_the_web_host_is_let_in(self, door: Running) -> None:
        """The certificate issued for the web host opens the door."""
        assert greets(door, door.site.client_context(door.site.web))

    def test_others_are_refused_before_a_word(self, door: Running) -> None:
        """No certificate but the web host's own is greeted, whoever made it and whatever it says."""
        site = door.site
        now = datetime.now(UTC)
        other = pki.init_ca(site.directory / "other", "test door", now)
        expired = {"days": (-30, -1)}
        cases: dict[str, Leaf | None] = {
            "none": None,
            "another name": pki.issue(site.authority, "shop", Purpose.CLIENT, (), now),
            "the server's own": site.server,
            "another authority of the same name": pki.issue(other, "web", Purpose.CLIENT, (), now),
        }
        for what, leaf in cases.items():
            assert not greets(door, site.client_context(leaf)), what
        forged = {
            "server purpose": {"usages": (ExtendedKeyUsageOID.SERVER_AUTH,)},
            "no purpose": {"usages": ()},
            "an authority as client": {"ca": True},
            "expired": expired,
            "not yet valid": {"days": (1, 30)},
        }
        for what, how in forged.items():
            leaf = forge(site, "web", new_key(), **how)  # type: ignore[arg-type]
            assert not greets(door, site.client_context(leaf)), what
        weak = forge(site, "web", rsa.generate_private_key(65537, 1024))
        with contextlib.suppress(ssl.SSLError):  # our own TLS may refuse to show it
            assert not greets(door, site.client_context(weak)), "RSA of 1024 bits"
        good = forge(site, "web", new_key())
        assert greets(door, site.client_context(good)), "what the forger makes is otherwise good"

    def test_only_tls_1_3_is_spoken(self, door: Running) -> None:
        """Older TLS is refused, and so is no TLS."""
        for version in (ssl.TLSVersion.TLSv1_2,):
            context = door.site.client_context(door.site.web)
            context.maximum_version = version
            assert not greets(door, context)
        with Client(plain(door), ClientSession()) as client:
            client.send(LINE)
            assert GREETING not in client.ends()

    def test_only_recommended_curves_are_spoken(self, site: Site) -> None:
        """With the shipped openssl.cnf, as the systemd unit sets it, no other key exchange is agreed on."""
        openssl_cnf = Path(__file__).parents[2] / "etc" / "openssl.cnf"
        with running(site, "--only", "doors", OPENSSL_CONF=str(openssl_cnf)) as door:
            for curve, welcome in (
                ("prime256v1", True),
                ("secp384r1", True),
                ("secp521r1", False),
            ):
                context = site.client_context(site.web)
                context.set_ecdh_curve(curve)
                assert greets(door, context) is welcome, curve

    def test_a_session_is_never_resumed(self, door: Running) -> None:
        """Each connection shows its certificate anew: what was revoked meanwhile can't slip in."""
        context = door.site.client_context(door.site.web)
        with PublicClient(door, context) as client:
            client.ask("no_such")
            assert isinstance(client.connection, ssl.SSLSocket)
            kept = client.connection.session
        with (
            plain(door) as connection,
            context.wrap_socket(connection, server_hostname="db.example", session=kept) as again,
        ):
            assert again.recv(100) == GREETING
            assert not again.session_reused

    def test_a_revoked_certificate_is_shut_out_at_once(self, door: Running) -> None:
        """After `bmuid pki revoke` and a reload it is refused, its open connections are cut, others stay."""
        site = door.site
        good = forge(site, "web", new_key())
        with door.connect() as bad, door.connect(good) as other:
            assert bad.receive() == other.receive() == GREETING
            pki.revoke(site.authority, site.web.certificate, datetime.now(UTC))
            door.signal(signal.SIGHUP)
            door.event("configuration, certificates and lists were read anew")
            assert ends_within(bad.connection, 5)
            other.send(LINE)
            assert b"UNKNOWN_OPERATION" in other.receive()
        with (
            plain(door) as connection,
            site.client_context(site.web).wrap_socket(
                connection, server_hostname="db.example"
            ) as secure,
            pytest.raises(ssl.SSLError, match="CERTIFICATE_REVOKED"),
        ):
            secure.recv(1)
        assert greets(door, site.client_context(good))

    def test_names_and_serial_numbers_can_be_changed_without_a_stop(self, door: Running) -> None:
        """The lists of names and serials are read anew on reload."""
        site = door.site
        certificate = x509.load_pem_x509_certificate(site.web.certificate.read_bytes())
        for public, welcome in (
            ({"client_serials": ["ab12"]}, False),
            ({"client_serials": [f"{certificate.serial_number:x}"]}, True),
            ({"client_names": ["web2"]}, False),
            ({"client_names": ["web2", "web"]}, True),
        ):
            site.write(public=public)
            door.signal(signal.SIGHUP)
            door.event("configuration, certificates and lists were read anew")
            assert greets(door, site.client_context(site.web)) is welcome, public

    def test_two_authorities_may_overlap(self, door: Running) -> None:
        """An authority can be replaced without a moment in which nobody is let in."""
        site = door.site
        now = datetime.now(UTC)
        new = pki.init_ca(site.directory / "new", "new door", now)
        leaf = pki.issue(new, "web", Purpose.CLIENT, (), now)
        both, lists = site.directory / "both.pem", site.directory / "both.crl"
        both.write_bytes(site.authority.certificate.read_bytes() + new.certificate.read_bytes())
        lists.write_bytes(site.authority.crl.read_bytes() + new.crl.read_bytes())
        site.write(public={"client_ca": str(both), "client_crl": str(lists)})
        door.signal(signal.SIGHUP)
        door.event("configuration, certificates and lists were read anew")
        assert greets(door, site.client_context(site.web))
        assert greets(door, site.client_context(leaf))


class TestLines:
    """What is said on a connection that is let in."""

    def test_one_connection_serves_one_request_after_the_other(self, door: Running) -> None:
        """The next request may come once the answer has."""
        with door.connect() as client:
            for _ in range(3):
                assert client.ask("no_such") == (
                    False,
                    {"code": "UNKNOWN_OPERATION", "text": "there is no such operation here"},
                )

    def test_a_second_command_in_one_packet_is_never_done(self, door: Running) -> None:
        """Whoever slips a command in behind another is cut off."""
        first, second = (
            request_line(Request(number, "login_open", {"login": who, "password": "x"}))
            for number, who in (("00000000000000aa", "first"), ("00000000000000ab", "second"))
        )
        for cut in (0, 1, len(first) - 1, len(first), len(first) + 7):
            octets = first + second
            with door.connect() as client:
                client.send(octets[:cut])
                with contextlib.suppress(CutOffError):
                    client.send(octets[cut:])
                assert b"00000000000000ab" not in client.ends()
        door.stop()
        assert not any(event["request_id"] == "00000000000000ab" for event in door.events)

    def test_what_is_no_request_is_answered_and_cut(self, door: Running) -> None:
        """A peer that does not speak the protocol learns so, once, and is cut off."""
        for octets, code in (
            (b"GET / HTTP/1.1\r\n", b"BAD_LINE"),
            (b"\x00\xff\n", b"BAD_LINE"),
            (LINE.replace(b"\n", b"\r\n"), b"BAD_LINE"),
            (b"x" * 8192, b"LINE_TOO_LONG"),
            (b"x" * 100_000, b"LINE_TOO_LONG"),
        ):
            with door.connect() as client:
                with contextlib.suppress(CutOffError):
                    client.send(octets)
                said = client.ends()
            # A flood may be cut before its end is read, and the answer is lost with it.
            assert code in said or len(octets) > 10_000, octets[:20]
        assert serves(door)

    def test_an_administrators_operation_is_unknown_here(self, door: Running) -> None:
        """A web host in other hands can't reach what is the staff's; the try is on record."""
        refused = door.ask("account_list")
        assert refused == door.ask("no_such")
        done, audit = door.ask_admin("audit_list")
        assert done
        assert "account_list" in str(audit)
        assert "UNKNOWN_OPERATION" in str(audit)

    def test_errors_show_nothing_of_the_inside(self, door: Running, database: Database) -> None:
        """When something breaks in here, the page gets a number, the log gets the rest."""
        with closing(database.connect("postgres")) as connection, connection:
            connection.cursor().execute("DROP FUNCTION bmu.enter(text)")
        done, said = door.ask("overview_show", token="t" * 43)
        assert not done
        assert said == {
            "code": "FAILED",
            "text": "something went wrong; tell your administrator the number 0000000000000001",
        }
        failed = door.event("operation overview_show failed")
        assert failed["request_id"] == "0000000000000001"
        assert "enter" in str(failed["exception"])


class TestSlowAndMany:
    """Whoever takes time or places does not take them from others."""

    def test_the_silent_are_cut_off(self, site: Site) -> None:
        """Before the handshake, within a line, between requests: each wait has its end."""
        site.write(limits=SHORT)
        with running(site, "--only", "doors") as door:
            with plain(door) as silent:
                assert ends_within(silent, SECONDS_MAX)
            with door.connect() as slow:
                assert slow.receive() == GREETING
                with contextlib.suppress(CutOffError):
                    for octet in LINE:
                        slow.send(bytes([octet]))
                        if ends_within(slow.connection, 0.4):
                            break
                    else:
                        pytest.fail("a line may take for ever")
            with door.connect() as idle:
                assert idle.receive() == GREETING
                assert ends_within(idle.connection, SECONDS_MAX)

    def test_the_silent_do_not_keep_others_out(self, site: Site) -> None:
        """A hundred strangers who only connect leave the web host's way free."""
        site.write(limits={"handshake_seconds_max": 60})
        with running(site, "--only", "doors") as door, contextlib.ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(plain(door))
            begun = time.monotonic()
            assert serves(door)
            assert time.monotonic() - begun < 2

    def test_a_rush_of_good_clients_is_served(self, door: Running) -> None:
        """Forty pages asked for in the same moment are forty pages answered."""
        with ThreadPoolExecutor(40) as pool:
            assert all(pool.map(lambda _: serves(door), range(40)))

    def test_the_places_are_counted(self, site: Site) -> None:
        """More connections than places: the last is turned away, and gets in once one is free."""
        site.write(limits={"idle_seconds_max": 60, "public_connections_max": 3})
        with running(site, "--only", "doors") as door:
            held = [door.connect() for _ in range(3)]
            for client in held:
                assert client.receive() == GREETING
            with pytest.raises(CutOffError):
                door.ask("no_such")
            held[0].connection.close()
            assert sooner_or_later(lambda: serves(door))
            for client in held[1:]:
                client.connection.close()

    def test_too_many_requests_are_told_so(self, site: Site) -> None:
        """Whoever asks faster than the limit is told to wait, and the daemon keeps its breath."""
        site.write(limits={"logins_a_second": 1})
        with running(site, "--only", "doors") as door:
            codes = [
                door.ask("login_open", login="ada@x.example", password="x" * 12)[1]["code"]
                for _ in range(6)
            ]
        assert codes[0] == "LOGIN_REFUSED"
        assert "BUSY" in codes
        assert set(codes) == {"LOGIN_REFUSED", "BUSY"}

    def test_a_stop_lets_what_was_begun_end(self, site: Site, database: Database) -> None:
        """A customer who has just asked gets the answer, though the daemon was told to stop meanwhile."""
        with (
            running(site, "--only", "doors") as door,
            closing(database.connect("postgres")) as blocker,
            door.connect() as client,
        ):
            blocker.cursor().execute("LOCK TABLE bmu.login IN ACCESS EXCLUSIVE MODE")
            assert client.receive() == GREETING
            client.session.feed(GREETING)
            login = {"login": "ada@x.example", "password": "x" * 12}
            client.send(client.session.ask(Request("00000000000000aa", "login_open", login)))
            assert sooner_or_later(lambda: waits_for_a_lock(database))
            door.signal(signal.SIGTERM)
            door.event("stopping: what was begun is finished")
            assert sooner_or_later(lambda: is_shut(door))
            blocker.rollback()
            assert client.answer()[1]["code"] == "LOGIN_REFUSED"
            client.connection.close()
            assert door.wait() == 0

    def test_what_was_asked_is_done_though_the_asker_is_gone(
        self, site: Site, database: Database
    ) -> None:
        """A change that was begun is made and recorded, also when browser and daemon go meanwhile."""
        with (
            running(site, "--only", "doors") as door,
            closing(database.connect("postgres")) as blocker,
        ):
            blocker.cursor().execute("LOCK TABLE bmu.login IN ACCESS EXCLUSIVE MODE")
            login = {"login": "ada@x.example", "password": "x" * 12}
            with door.connect() as client:
                client.send(client.session.ask(Request("00000000000000aa", "login_open", login)))
                assert sooner_or_later(lambda: waits_for_a_lock(database))
            door.signal(signal.SIGTERM)
            door.event("stopping: what was begun is finished")
            assert sooner_or_later(lambda: is_shut(door))
            blocker.rollback()
            assert door.wait() == 0
            cursor = blocker.cursor()
            cursor.execute("SELECT request_id, outcome FROM bmu.audit")
            assert cursor.fetchall() == [("00000000000000aa", "LOGIN_REFUSED")]

    def test_a_stop_has_an_end(self, site: Site, database: Database) -> None:
        """What takes longer than the stop may take is broken off, and nothing of it is done."""
        site.write(process={"stop_seconds_max": 1})
        with (
            running(site, "--only", "doors") as door,
            closing(database.connect("postgres")) as blocker,
            door.connect() as client,
        ):
            blocker.cursor().execute("LOCK TABLE bmu.login IN ACCESS EXCLUSIVE MODE")
            login = {"login": "ada@x.example", "password": "x" * 12}
            client.send(client.session.ask(Request("00000000000000aa", "login_open", login)))
            assert sooner_or_later(lambda: waits_for_a_lock(database))
            door.signal(signal.SIGTERM)
            assert client.answer()[1]["code"] == "BUSY"
            client.connection.close()
            assert door.wait() == 0


class TestDatabaseAway:
    """The database may go, and come back."""

    def test_a_connection_that_died_meanwhile_is_not_noticed(
        self, site: Site, database: Database
    ) -> None:
        """After a restart of PostgreSQL the first customer is served like any other."""
        with running(site, "--only", "doors") as door:
            for _ in range(3):
                assert door.ask("overview_show", token="t" * 43)[1]["code"] == "SESSION_ENDED"
                end_connections(database)

    def test_the_customer_is_told_and_served_again(self, site: Site, database: Database) -> None:
        """While it is away the answer says so at once; once it is back all is as before."""
        with running(site, "--only", "doors") as door:
            execute_as_superuser(
                database.cluster,
                "postgres",
                f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false",
            )
            end_connections(database)
            begun = time.monotonic()
            assert door.ask("overview_show", token="t" * 43)[1]["code"] == "UNAVAILABLE"
            assert time.monotonic() - begun < 2
            execute_as_superuser(
                database.cluster,
                "postgres",
                f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true",
            )
            assert door.ask("overview_show", token="t" * 43)[1]["code"] == "SESSION_ENDED"


def end_connections(database: Database) -> None:
    """End every connection to the database, as a restart of the server does."""
    execute_as_superuser(
        database.cluster,
        "postgres",
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database.name}'",
    )


def waits_for_a_lock(database: Database) -> bool:
    """Whether a request has come as far as the lock it must wait for."""
    with closing(database.connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'",
            (database.name,),
        )
        row = cursor.fetchone()
    return row is not None and row[0] > 0


def sooner_or_later(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold while one looks again and again."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(CutOffError):
            if holds():
                return True
    return False
