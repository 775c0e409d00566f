"""The portal's script as a resource: a process a request, nothing inherited, number and time bounded."""

import sys
from collections.abc import Callable
from contextlib import suppress
from io import SEEK_END
from pathlib import Path

from twisted.internet.base import ReactorBase
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.posixbase import PosixReactorBase
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from twisted.web.twcgi import CGIProcessProtocol

ERROR_OCTETS_MAX = 8192

# What the script may see of a request's headers; all others stay here.
HEADERS = {
    b"content-type": "CONTENT_TYPE",
    b"cookie": "HTTP_COOKIE",
    b"host": "HTTP_HOST",
    b"origin": "HTTP_ORIGIN",
    b"sec-fetch-site": "HTTP_SEC_FETCH_SITE",
}


class ScriptRun(CGIProcessProtocol):
    """One run of the script: its output is the answer, and it is killed when it takes too long."""

    def __init__(
        self, request: Request, reactor: ReactorBase, seconds_max: int, ended: Callable[[], None]
    ) -> None:
        super().__init__(request)
        self._ended = ended
        self._deadline = reactor.callLater(seconds_max, self._kill)

    def _kill(self) -> None:
        assert self.transport is not None
        with suppress(ProcessExitedAlready):
            self.transport.signalProcess("KILL")

    def outReceived(self, output: bytes) -> None:
        if not self._requestFinished:
            super().outReceived(output)

    def errReceived(self, error: bytes) -> None:
        super().errReceived(error[: ERROR_OCTETS_MAX - len(self.errortext)])

    def processEnded(self, reason: Failure) -> None:
        if self._deadline.active():
            self._deadline.cancel()
        self._ended()
        super().processEnded(reason)


class Script(Resource):
    """Where the script is reached."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(
        self,
        reactor: PosixReactorBase,
        script: Path,
        settings: Path,
        processes_max: int,
        seconds_max: int,
    ) -> None:
        super().__init__()
        self._reactor, self._script, self._settings = reactor, script, settings
        self._processes_max, self._seconds_max = processes_max, seconds_max
        self._running = 0

    def render(self, request: Request) -> bytes | int:
        if request.method not in {b"GET", b"POST"}:
            return refuse(request, http.NOT_ALLOWED, b"allow", b"GET, POST")
        path = b"/" + b"/".join(request.postpath) if request.postpath else b""
        if b"\0" in path:
            return refuse(request, http.NOT_FOUND)
        if self._running >= self._processes_max:
            return refuse(request, http.SERVICE_UNAVAILABLE, b"retry-after", b"5")
        self._running += 1
        run = ScriptRun(request, self._reactor, self._seconds_max, self._one_less)
        # -I: no directory of the caller's and no variable may lend the script a module.
        command = [sys.executable, "-I", str(self._script)]
        self._reactor.spawnProcess(run, sys.executable, command, self._environment(request, path))
        return NOT_DONE_YET

    def _one_less(self) -> None:
        self._running -= 1

    def _environment(self, request: Request, path: bytes) -> dict[str, str | bytes]:
        environment: dict[str, str | bytes] = {
            "BMUI_CONF": str(self._settings),
            "GATEWAY_INTERFACE": "CGI/1.1",
            "HTTPS": "on",
            "PATH_INFO": path,
            "QUERY_STRING": request.uri.partition(b"?")[2],
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": b"/" + b"/".join(request.prepath or ()),
            "SERVER_PROTOCOL": request.clientproto,
        }
        if request.method == b"POST" and request.content is not None:
            environment["CONTENT_LENGTH"] = str(request.content.seek(0, SEEK_END))
        for name, variable in HEADERS.items():
            values = request.requestHeaders.getRawHeaders(name, [])
            if values:
                environment[variable] = b"; ".join(values)
        return environment


def refuse(request: Request, status: int, header: bytes = b"", value: bytes = b"") -> bytes:
    """Answer in one plain line, for what no page of ours asks."""
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    if header:
        request.setHeader(header, value)
    return http.RESPONSES[status] + b"\n"
