"""The CGI: what the web server hands over, answered, as octets."""

from __future__ import annotations

import os
import sys

from bmu.ui.app import answer
from bmu.ui.client import Client
from bmu.ui.exchange import Request
from bmu.ui.settings import PATH_DEFAULT, SettingsError, read_settings


def main() -> None:
    """Answer the one request of this process; a line on standard error is the web server's to log."""
    environ = os.environ  # noqa: TID251 - a CGI's request is its environment
    try:
        settings = read_settings(environ.get("BMUI_CONF", PATH_DEFAULT))
    except SettingsError as error:
        sys.exit(f"bmui: {error}")
    # Chosen here and sent along, so that a line of this log can be found in the daemon's.
    request_id = os.urandom(8).hex()
    client = Client(settings.socket, request_id)
    response = answer(Request(environ), settings, client.ask, sys.stdin.buffer.read)
    if response.note:
        sys.stderr.write(f"bmui: {response.note}\n")
    sys.stdout.buffer.write(response.octets())
    sys.stdout.buffer.flush()
    # The page is out, and a web server may wait for the end of the process: the interpreter's farewell takes 3 ms.
    os._exit(0)
