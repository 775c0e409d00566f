"""The tests' browser: it trusts the authority it was given, and no other."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bmuid import pki


class Greeting(http.server.BaseHTTPRequestHandler):
    """Says hello to every GET."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write("<title>hello</title><h1>Grüß Gott</h1>".encode())

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def site(leaf: pki.Leaf) -> Iterator[str]:
    """Serve Greeting on a free port; give its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate, leaf.key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Greeting)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.browser
def test_trusts_the_authority_it_was_given_and_no_other(tmp_path: Path, open_browser: Any) -> None:
    """A page under our certificate opens without a warning; under a stranger's it does not."""
    now = datetime.now(UTC)
    ours = pki.init_ca(tmp_path / "ours", "ours", now)
    strange = pki.init_ca(tmp_path / "strange", "strange", now)
    browser = open_browser(ours.certificate)

    with site(pki.issue(ours, "site", pki.Purpose.SERVER, ("localhost",), now)) as address:
        browser.get(address)
        assert browser.title == "hello"
        assert "Grüß Gott" in browser.page_source
    with site(pki.issue(strange, "site", pki.Purpose.SERVER, ("localhost",), now)) as address:
        browser.get(address)
        assert browser.title == "Privacy error"
        assert "Grüß Gott" not in browser.page_source
