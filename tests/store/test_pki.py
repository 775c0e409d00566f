"""Certificates: what an authority issues is accepted by real TLS, what it took back or never issued is not."""

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bmuid import pki
from bmuid.pki import PKIError, Purpose

NOW = datetime.now(UTC)  # real TLS asks the real clock


def contexts(
    authority: pki.Authority, server: pki.Leaf, client: pki.Leaf
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Set up mutual TLS 1.3: both sides check the chain, the server also the revocation list."""
    inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inside.minimum_version = ssl.TLSVersion.TLSv1_3
    inside.load_cert_chain(server.certificate, server.key)
    inside.load_verify_locations(authority.certificate)
    inside.load_verify_locations(authority.crl)
    inside.verify_mode = ssl.CERT_REQUIRED
    inside.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    outside = ssl.create_default_context(cafile=str(authority.certificate))
    outside.load_cert_chain(client.certificate, client.key)
    return inside, outside


def talk(authority: pki.Authority, server: pki.Leaf, client: pki.Leaf) -> bytes:
    """
    Send one octet through mutual TLS, the two sides joined in memory.

    Errors:
        ssl.SSLCertVerificationError: of the side that refused.
    """
    inside, outside = contexts(authority, server, client)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    daemon = inside.wrap_bio(to_server, to_client, server_side=True)
    web_host = outside.wrap_bio(to_client, to_server, server_hostname="db.example")
    for side in (web_host, daemon) * 2:
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    web_host.write(b"x")
    return daemon.read(1)


class TestCertificates:
    """An authority of our own."""

    def test_both_sides_accept_what_it_issued_until_taken_back(self, tmp_path: Path) -> None:
        """A web host may speak to the daemon until its certificate is revoked."""
        authority = pki.init_ca(tmp_path / "ca", "door", NOW)
        server = pki.issue(authority, "db", Purpose.SERVER, ("db.example", "127.0.0.1"), NOW)
        client = pki.issue(authority, "web", Purpose.CLIENT, (), NOW)
        other = pki.issue(authority, "web2", Purpose.CLIENT, (), NOW)

        assert talk(authority, server, client) == b"x"
        pki.revoke(authority, client.certificate, NOW)
        with pytest.raises(ssl.SSLCertVerificationError, match="revoked"):
            talk(authority, server, client)
        assert talk(authority, server, other) == b"x"

    def test_a_stranger_is_not_accepted(self, tmp_path: Path) -> None:
        """A certificate of another authority opens nothing, though it bears the right name."""
        authority = pki.init_ca(tmp_path / "ca", "door", NOW)
        stranger = pki.init_ca(tmp_path / "other", "door2", NOW)
        server = pki.issue(authority, "db", Purpose.SERVER, ("db.example",), NOW)
        client = pki.issue(stranger, "web", Purpose.CLIENT, (), NOW)

        with pytest.raises(
            ssl.SSLCertVerificationError, match="self-signed certificate in certificate chain"
        ):
            talk(authority, server, client)

    def test_keys_are_for_their_owner_only(self, tmp_path: Path) -> None:
        """No key is readable by group or world."""
        authority = pki.init_ca(tmp_path / "ca", "door", NOW)
        leaf = pki.issue(authority, "web", Purpose.CLIENT, (), NOW)

        assert leaf.key.stat().st_mode & 0o077 == 0
        assert (authority.directory / "ca.key").stat().st_mode & 0o077 == 0
        assert authority.directory.stat().st_mode & 0o077 == 0

    def test_nothing_is_replaced_by_a_slip(self, tmp_path: Path) -> None:
        """A second authority or a second certificate of the same name is refused."""
        authority = pki.init_ca(tmp_path / "ca", "door", NOW)
        pki.issue(authority, "web", Purpose.CLIENT, (), NOW)

        with pytest.raises(PKIError, match="already"):
            pki.init_ca(tmp_path / "ca", "door", NOW)
        with pytest.raises(PKIError, match="already"):
            pki.issue(authority, "web", Purpose.CLIENT, (), NOW)
        with pytest.raises(PKIError, match="host"):
            pki.issue(authority, "db", Purpose.SERVER, (), NOW)

    def test_a_web_hosts_certificate_serves_no_door(self, tmp_path: Path) -> None:
        """A stolen client certificate can't play the daemon."""
        authority = pki.init_ca(tmp_path / "ca", "door", NOW)
        client = pki.issue(authority, "web", Purpose.CLIENT, ("db.example",), NOW)

        with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
            talk(authority, client, client)

    def test_a_certificate_ends(self, tmp_path: Path) -> None:
        """After 397 days a certificate opens nothing; it has to be issued anew."""
        authority = pki.init_ca(tmp_path / "ca", "door", NOW)
        server = pki.issue(authority, "db", Purpose.SERVER, ("db.example",), NOW)
        old = pki.issue(authority, "web", Purpose.CLIENT, (), NOW - timedelta(days=398))

        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            talk(authority, server, old)

    def test_takes_back_only_what_it_issued(self, tmp_path: Path) -> None:
        """A certificate of another authority of the same name is not written on this one's list."""
        authority = pki.init_ca(tmp_path / "ca", "door", NOW)
        namesake = pki.init_ca(tmp_path / "other", "door", NOW)
        strange = pki.issue(namesake, "web", Purpose.CLIENT, (), NOW)

        with pytest.raises(PKIError, match="was not issued by"):
            pki.revoke(authority, strange.certificate, NOW)

    @pytest.mark.parametrize("name", ["", "ca", "../web", "web\n", "-x", "Zoë", "a" * 65])
    def test_refuses_names_that_are_no_file(self, tmp_path: Path, name: str) -> None:
        """A name is plain: it becomes two files, and the name that the door's list of hosts compares."""
        authority = pki.init_ca(tmp_path / "ca", "door", NOW)
        with pytest.raises(PKIError, match="can't be the name"):
            pki.issue(authority, name, Purpose.CLIENT, (), NOW)

    @pytest.mark.parametrize("host", ["", "bücher.example", "a b", "*.example", "x\ny"])
    def test_refuses_hosts_that_are_none(self, tmp_path: Path, host: str) -> None:
        """A host is a name in ASCII or an address; anything else is said, not signed."""
        authority = pki.init_ca(tmp_path / "ca", "door", NOW)
        with pytest.raises(PKIError, match="neither a host name nor an address"):
            pki.issue(authority, "db", Purpose.SERVER, (host,), NOW)

    def test_says_which_file_it_can_not_read(self, tmp_path: Path) -> None:
        """A missing authority and a file of something else are named in one line."""
        with pytest.raises(PKIError, match=r"ca\.crl: No such file"):
            pki.renew_crl(pki.Authority(tmp_path), NOW)
        authority = pki.init_ca(tmp_path / "ca", "door", NOW)
        (tmp_path / "letter").write_text("Dear Sir", encoding="ascii")
        with pytest.raises(PKIError, match="letter holds no certificate"):
            pki.revoke(authority, tmp_path / "letter", NOW)
