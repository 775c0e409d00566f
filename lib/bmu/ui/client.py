"""One question to the daemon over the unix socket that leads to its public door."""

from __future__ import annotations

import json
import socket

from bmu.ui.answer import AnswerError, Part
from bmu.wire.client import ClientSession
from bmu.wire.codec import WireError
from bmu.wire.messages import Request

# What a web host may ask for; the daemon's public door has no others.
OPERATIONS = frozenset(
    {
        "charge_explain",
        "invoice_list",
        "invoice_show",
        "login_close",
        "login_open",
        "overview_show",
        "usage_list",
    }
)

# Per wait, not in all: the daemon itself ends an operation well before.
WAIT_SECONDS_MAX = 10.0


class AwayError(Exception):
    """Raised when no answer came: the daemon is down, too slow, or does not know this web host."""


class RefusedError(Exception):
    """Raised when the daemon answered no."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Client:
    """The way to the daemon: a connection for each question, for one process asks one or two."""

    __slots__ = ("_path", "_request_id")

    def __init__(self, path: str, request_id: str) -> None:
        self._path = path
        self._request_id = request_id

    def ask(self, operation: str, arguments: dict[str, str]) -> Part:
        """
        Perform *operation* and give its result.

        Errors:
            RefusedError: the daemon's answer is no.
            AwayError: there is no answer.
        """
        assert operation in OPERATIONS, operation
        try:
            done, body = self._exchange(Request(self._request_id, operation, arguments))
            answer = Part.of(json.loads(body))
            if done:
                return answer
            code = answer.text("code")
        except (OSError, WireError, AnswerError, ValueError) as error:
            raise AwayError(f"{operation} {self._request_id}: {error!r}") from error
        raise RefusedError(code)

    def _exchange(self, request: Request) -> tuple[bool, bytes]:
        session = ClientSession()
        line = session.ask(request)
        with socket.socket(socket.AF_UNIX) as way:
            way.settimeout(WAIT_SECONDS_MAX)
            way.connect(self._path)
            way.sendall(line)
            # A door that refuses this host's certificate shows it here: in TLS 1.3 the refusal
            # comes after the handshake, in place of the first octets.
            while octets := way.recv(65536):
                if (answer := session.feed(octets)) is not None:
                    return answer.done, answer.body
        raise WireError("the connection ended before an answer")
