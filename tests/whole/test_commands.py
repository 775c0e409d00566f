"""The command bmuid, as whoever runs the machine types it."""

import os
from pathlib import Path

import pytest
from conftest import Database
from cryptography import x509
from daemons import make_site

from bmuid.__main__ import COMMANDS, main


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Type a command: its exit status, what it says, what it complains of."""
    try:
        status = main(words)
    except SystemExit as ended:
        status = int(ended.code or 0)
    out, err = capsys.readouterr()
    return status, out, err


# twisted.web.static, which the embedded web host uses, calls what Twisted itself calls outdated.
@pytest.mark.filterwarnings("ignore:twisted.web.resource._Unsafe:DeprecationWarning")
def test_every_command_tells_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever types --help finds each command, and each command's own help."""
    status, out, _ = told(capsys, "--help")
    assert status == 0
    for word in COMMANDS:
        assert f"\n  {word} " in out
        status, of_command, _ = told(capsys, word, "--help")
        assert (status, of_command.startswith("usage: bmuid ")) == (0, True), word


def test_what_is_no_command_is_answered_with_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of the keyboard starts nothing."""
    for words in ((), ("strat",), ("--verbose", "run")):
        status, out, err = told(capsys, *words)
        assert (status, out) == (2, "")
        assert err.startswith("usage: bmuid COMMAND")
    assert told(capsys, "--version")[1].startswith("bmuid ")


def test_certificates_are_made_and_taken_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An authority, a server, a web host; the web host is shut out again; each step says what it made."""
    ca = str(tmp_path / "ca")
    assert told(capsys, "pki", "init", ca, "a door")[0] == 0
    server = ("pki", "issue", ca, "db", "--purpose", "server")
    assert told(capsys, *server)[0] == 1
    assert told(capsys, *server, "--host", "db.example") == (0, f"{ca}/db.pem\n{ca}/db.key\n", "")
    assert told(capsys, "pki", "issue", ca, "web", "--purpose", "client")[0] == 0
    status, out, _ = told(capsys, "pki", "revoke", ca, f"{ca}/web.pem")
    web = x509.load_pem_x509_certificate(Path(ca, "web.pem").read_bytes())
    assert (status, out) == (
        0,
        f"serial {web.serial_number:x} is revoked in {ca}/ca.crl; now reload bmuid\n",
    )
    assert told(capsys, "pki", "renew", ca)[0] == 0
    crl = x509.load_pem_x509_crl(Path(ca, "ca.crl").read_bytes())
    assert crl.get_revoked_certificate_by_serial_number(web.serial_number) is not None


def test_what_can_not_be_made_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No authority there, a name taken, a certificate that is none: a line and a status each."""
    ca = str(tmp_path / "ca")
    assert told(capsys, "pki", "renew", ca)[0] == 1
    assert told(capsys, "pki", "init", ca, "a door")[0] == 0
    for words in (
        ("pki", "init", ca, "again"),
        ("pki", "issue", ca, "../web", "--purpose", "client"),
        ("pki", "revoke", ca, f"{ca}/ca.crl"),
        ("pki", "revoke", ca, f"{ca}/gone.pem"),
    ):
        status, out, err = told(capsys, *words)
        assert status in (1, os.EX_CANTCREAT)
        assert out == ""
        assert (err.startswith("bmuid pki: "), err.count("\n")) == (True, 1), err


def test_the_configuration_is_checked_without_starting(
    database: Database, short_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """check-config finds what a start would find, with the same words and statuses."""
    site = make_site(short_path, f"host={database.cluster.socket} dbname={database.name}")
    words = ("check-config", "--config", str(site.conf))
    assert told(capsys, *words) == (0, f"{site.conf}: no fault found\n", "")
    site.write(database={"dsn": f"host={short_path} dbname=x"})
    assert told(capsys, *words, "--offline")[0] == 0
    assert told(capsys, *words)[0] == os.EX_UNAVAILABLE
    site.write(public={"key": str(site.web.key)})
    status, _, err = told(capsys, *words)
    assert status == os.EX_CONFIG
    assert err == f"bmuid: public.key: {site.web.key}: does not belong to the certificate\n"
    site.write(tax={"service": "nobodys"})
    status, _, err = told(capsys, *words, "--offline")
    assert (status, err.startswith("bmuid: tax.service: no installed package has")) == (
        os.EX_CONFIG,
        True,
    )
    site.write(log={"format": "xml"})
    assert told(capsys, *words)[0] == os.EX_CONFIG
    assert not site.admin_socket.exists()
