"""The HTTPS side of batches: requests within limits of size and time, paths, and answers that always come."""

import hashlib
import json
import logging
import re
from collections.abc import Awaitable

from cryptography import x509
from OpenSSL import SSL, crypto
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IOpenSSLServerConnectionCreator, IReactorTime
from twisted.internet.protocol import ServerFactory
from twisted.protocols.policies import ThrottlingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from zope.interface import implementer

from bmuid.config import BatchDoor
from bmuid.doors.batch import ROWS_TOLD, Asked, Batches, Reply
from bmuid.doors.gate import Gate
from bmuid.doors.problem import CONTENT_TYPE, ProblemError

log = logging.getLogger(__name__)

PATH = re.compile(
    rb"/usage/v1/([a-z0-9][a-z0-9_-]{0,31})/batches(?:/([0-9a-f]{32}))?(?:\?([!-~]*))?", re.ASCII
)
QUERY = re.compile(rb"(after|limit)=([0-9]{1,9})", re.ASCII)
FAILED = ProblemError(
    500, "failed", "something went wrong, and was noted; send the same with the same key"
)
STOPPING = ProblemError(
    503, "unavailable", "bmuid is stopping; send the same with the same key", retry_after_s=5
)
NOWHERE = ProblemError(
    404, "not_found", "paths are /usage/v1/SOURCE/batches and /usage/v1/SOURCE/batches/TRACKING"
)


class Front(Resource):
    """The one resource: reads the path, asks, answers."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, batches: Batches, config: BatchDoor, clock: IReactorTime) -> None:
        super().__init__()
        self.config = config
        self.clock = clock
        self.gate: Gate | None = None
        self._batches = batches
        self._is_open = True
        self._running = 0
        self._drained: Deferred[None] | None = None

    def render(self, request: Request) -> int:
        self._running += 1
        answered = Deferred.fromCoroutine(self._answer(request))
        _ = answered.addErrback(_broke).addBoth(self._over)
        return NOT_DONE_YET

    async def drain(self) -> None:
        """Take no more; return once all that were begun are answered."""
        self._is_open = False
        if self._running:
            self._drained = Deferred()
            await self._drained

    async def _answer(self, request: Request) -> None:
        gone: list[object] = []
        _ = request.notifyFinish().addErrback(gone.append)
        try:
            reply = await self._asked(request)
            status, headers = reply.status, {b"content-type": b"application/json"}
            body = json.dumps(reply.document, ensure_ascii=False).encode() + b"\n"
        except ProblemError as error:
            status, headers, body = error.status, error.headers, error.octets
        except Exception:
            log.exception("a batch's request failed")
            status, headers, body = FAILED.status, FAILED.headers, FAILED.octets
        if gone:
            return
        request.setResponseCode(status)
        for name, value in headers.items():
            request.setHeader(name, value)
        request.setHeader(b"content-length", str(len(body)).encode())
        request.write(body)
        request.finish()

    def _asked(self, request: Request) -> Awaitable[Reply]:
        if not self._is_open:
            raise STOPPING
        found = PATH.fullmatch(request.uri)
        if found is None:
            raise NOWHERE
        source, tracking, query = found.groups()
        wanted = b"POST" if tracking is None else b"GET"
        if request.method != wanted:
            raise ProblemError(405, "wrong_method", f"only {wanted.decode()} is of use here")
        body = _body(request)
        asked = Asked(
            method=request.method,
            path=request.uri,
            source=source.decode(),
            fields=_fields(request),
            certified=self._certified(request),
            body=body,
            body_sha256=hashlib.sha256(body).digest(),
        )
        if tracking is None:
            return self._batches.take(asked)
        after, limit = _page(query or b"")
        return self._batches.tell(asked, tracking.decode(), after, limit)

    def _certified(self, request: Request) -> str | None:
        """Give the name in the certificate that was shown."""
        transport: object = request.channel.transport
        assert isinstance(transport, TLSMemoryBIOProtocol), transport
        shown = transport.getPeerCertificate()
        if shown is None or self.gate is None:
            return None
        assert isinstance(shown, crypto.X509), shown
        certificate: x509.Certificate = shown.to_cryptography()
        return self.gate.name_of(certificate)

    def _over(self, _: object) -> None:
        self._running -= 1
        if not self._running and self._drained is not None:
            self._drained.callback(None)


def _body(request: Request) -> bytes:
    assert request.content is not None, "it was read whole"
    octets = request.content.read()
    assert isinstance(octets, bytes), octets
    return octets


def _broke(failure: Failure) -> None:
    log.error("an answer to a batch could not be given", exc_info=failure.value)


def _fields(request: Request) -> dict[str, str]:
    """Give the fields of the head; what comes twice says nothing."""
    found = {}
    for name, values in request.requestHeaders.getAllRawHeaders():
        if len(values) == 1:
            found[name.decode("ascii", "replace").lower()] = values[0].decode("latin-1")
    return found


def _page(query: bytes) -> tuple[int, int]:
    wanted = {b"after": 0, b"limit": ROWS_TOLD}
    for part in filter(None, query.split(b"&")):
        found = QUERY.fullmatch(part)
        if found is None:
            raise ProblemError(
                400, "bad_query", f"a query may say after=ROW and limit=1 to {ROWS_TOLD}"
            )
        wanted[found[1]] = int(found[2])
    return wanted[b"after"], wanted[b"limit"]


class BatchRequest(Request):
    """A request with a bounded body, that has to be there in time."""

    _late: IDelayedCall | None = None
    _refused = False

    def gotLength(self, length: int | None) -> None:
        front = self.channel.site.resource  # type: ignore[attr-defined]  # Site sets it
        config: BatchDoor = front.config
        self._late = front.clock.callLater(config.request_seconds_max, self._cut)
        if length is None:
            self._refuse(http.LENGTH_REQUIRED, "no_length", "say the body's Content-Length")
        elif length > config.body_octets_max:
            detail = f"a body may have {config.body_octets_max} octets, not {length}; send several batches"
            self._refuse(http.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)
        super().gotLength(0 if self._refused else length)

    def handleContentChunk(self, data: bytes) -> None:
        if not self._refused:
            super().handleContentChunk(data)

    def process(self) -> None:
        self._in_time()
        if not self._refused:
            self.responseHeaders.removeHeader(b"server")
            self.setHeader(b"cache-control", b"no-store")
            self.setHeader(b"x-content-type-options", b"nosniff")
            super().process()

    def connectionLost(self, reason: Failure) -> None:
        self._in_time()
        super().connectionLost(reason)

    def _refuse(self, status: int, code: str, detail: str) -> None:
        self._refused = True
        body = ProblemError(status, code, detail).octets
        head = (
            b"HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
            % (status, http.RESPONSES[status], CONTENT_TYPE, len(body))
        )
        self.channel.write(head + body)
        self.channel.loseConnection()

    def _in_time(self) -> None:
        if self._late is not None and self._late.active():
            self._late.cancel()

    def _cut(self) -> None:
        transport: object = self.channel.transport
        assert isinstance(transport, TLSMemoryBIOProtocol), transport
        transport.abortConnection()


@implementer(IOpenSSLServerConnectionCreator)
class Entrance:
    """The TLS of the port: that of the gate of the moment."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Begin a connection."""
        assert self._front.gate is not None, "it was opened before the port"
        return SSL.Connection(self._front.gate.context, None)


def listener(front: Front, gate: Gate) -> ServerFactory:
    """Give what a port hands its connections to."""
    front.gate = gate
    config = front.config
    site = Site(front, requestFactory=BatchRequest, timeout=config.idle_seconds_max)
    site.displayTracebacks = False
    site.noisy = False
    inner = TLSMemoryBIOFactory(Entrance(front), isClient=False, wrappedFactory=site)
    # Its types say that it is for clients; it is for both.
    return ThrottlingFactory(inner, maxConnectionCount=config.connections_max)  # type: ignore[return-value]
