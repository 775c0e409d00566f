"""A partner reached by HTTPS: a directory that lists its files, as web servers write such lists, or one file."""

import json
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from OpenSSL import SSL, crypto
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IReactorTime
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool, ResponseDone, ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IPolicyForHTTPS, IResponse
from zope.interface import implementer

from bmuid.config import Https, Pull
from bmuid.doors.conversation import Deadline, ITransport
from bmuid.doors.partner import FileError, Offered, PartnerError
from bmuid.intake.handing import Handing
from bmuid.logs import printable
from bmuid.store.pulls import UNKNOWN_SIZE, Version

CONNECT_SECONDS_MAX = 30
IDLE_SECONDS_MAX = 120
LIST_OCTETS_MAX = 16 << 20
TAG_MAX = 200


@implementer(IPolicyForHTTPS)
class _Policy:
    def __init__(self, way: Https) -> None:
        self._trust = (
            platformTrust() if way.ca is None else trustRootFromCertificates(_certificates(way.ca))
        )
        self._ours = None
        if way.certificate is not None and way.key is not None:
            self._ours = PrivateCertificate.loadPEM(way.key + b"\n" + way.certificate)

    def creatorForNetloc(self, hostname: bytes, port: int) -> IOpenSSLClientConnectionCreator:
        found: IOpenSSLClientConnectionCreator = optionsForClientTLS(
            hostname.decode("ascii"), trustRoot=self._trust, clientCertificate=self._ours
        )
        return found


class _Body(Protocol):
    """An answer's body, given on piece by piece; it ends the connection when nothing comes for too long."""

    transport: ITransport

    def __init__(self, give: Any, clock: IReactorTime) -> None:
        self.ended: Deferred[None] = Deferred()
        self._give = give
        self._deadline = Deadline(clock, self._silent)
        self._why: Exception | None = None

    def connectionMade(self) -> None:
        self._deadline.set(IDLE_SECONDS_MAX)

    def dataReceived(self, data: bytes) -> None:
        self._deadline.set(IDLE_SECONDS_MAX)
        if self._why is not None:
            return
        try:
            self._give(data)
        except (FileError, PartnerError, OSError) as error:
            self._end(error)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._deadline.clear()
        if self._why is not None:
            self.ended.errback(self._why)
        elif reason is not None and reason.check(ResponseDone):
            self.ended.callback(None)
        else:
            # Also where its end is not told of otherwise: half a file looks like that.
            self.ended.errback(PartnerError("it broke off in the middle of an answer"))

    def _silent(self) -> None:
        self._end(PartnerError(f"it has said nothing for {IDLE_SECONDS_MAX} seconds"))

    def _end(self, why: Exception) -> None:
        self._why = why
        self.transport.abortConnection()


class HttpsPartner:
    """The files of a directory there, or one file where the path does not end in a slash."""

    def __init__(self, pull: Pull, way: Https, reactor: Any) -> None:
        self._pull = pull
        self._clock = IReactorTime(reactor)
        place = pull.place
        self._base = f"https://{place.host}:{place.port}"
        directory, _, self._only = place.path.rpartition("/")
        self._directory = f"{directory}/"
        self._headers = {"User-Agent": ["bmuid"]}
        if way.token is not None:
            self._headers["Authorization"] = [f"Bearer {way.token}"]
        self._pool = HTTPConnectionPool(reactor, persistent=True)
        try:
            policy = _Policy(way)
        except (SSL.Error, crypto.Error, ValueError) as error:
            raise PartnerError(f"its certificates or keys can't be read: {error}") from error
        self._agent = Agent(reactor, policy, connectTimeout=CONNECT_SECONDS_MAX, pool=self._pool)

    async def offered(self) -> list[Offered]:
        if self._only:
            return [Offered(unquote(self._only), None)]
        response = await self._ask("GET", self._directory)
        if response.code != 200:
            raise PartnerError(f"{self._directory}: it answers {response.code}")
        listed = bytearray()

        def give(octets: bytes) -> None:
            listed.extend(octets)
            if len(listed) > LIST_OCTETS_MAX:
                raise PartnerError(f"its list of files has more than {LIST_OCTETS_MAX} octets")

        await self._body(response, give)
        kind = _header(response, "Content-Type")
        return list(_listed(bytes(listed), self._directory, is_json="json" in kind))

    async def version(self, name: str) -> Version:
        response = await self._ask("HEAD", self._path(name))
        await self._body(response, lambda _: None)
        if response.code != 200:
            raise FileError(f"it answers {response.code}")
        return _version(response)

    async def fetch(self, name: str, version: Version, handing: Handing) -> int:
        response = await self._ask("GET", self._path(name))
        octets = 0

        def give(block: bytes) -> None:
            nonlocal octets
            octets += len(block)
            if octets > self._pull.file_octets_max:
                raise FileError(f"it has more than {self._pull.file_octets_max} octets")
            handing.write(block)

        if response.code != 200:
            await self._body(response, lambda _: None)
            raise FileError(f"it answers {response.code}")
        await self._body(response, give)
        return octets

    async def dispose(self, name: str) -> None:
        response = await self._ask("DELETE", self._path(name))
        await self._body(response, lambda _: None)
        if response.code not in {200, 202, 204, 404}:
            raise FileError(f"it answers {response.code} to DELETE")

    async def close(self) -> None:
        await self._pool.closeCachedConnections()

    def _path(self, name: str) -> str:
        return self._directory + quote(name)

    async def _ask(self, method: str, path: str) -> IResponse:
        url = f"{self._base}{path}".encode("ascii")
        asked = self._agent.request(method.encode("ascii"), url, Headers(self._headers))
        timeout = self._clock.callLater(IDLE_SECONDS_MAX, asked.cancel)
        silent = f"{self._base}: it has said nothing for {IDLE_SECONDS_MAX} seconds"
        try:
            response: IResponse = await asked
        except (
            ConnectError,
            ConnectingCancelledError,
            DNSLookupError,
            ResponseFailed,
            SSL.Error,
        ) as error:
            raise PartnerError(f"{self._base}: {_said(error)}") from error
        except CancelledError as error:
            if timeout.active():
                raise
            raise PartnerError(silent) from error
        finally:
            if timeout.active():
                timeout.cancel()
        return response

    async def _body(self, response: IResponse, give: Any) -> None:
        body = _Body(give, self._clock)
        response.deliverBody(body)
        await body.ended


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def _listed(octets: bytes, directory: str, *, is_json: bool) -> Iterator[Offered]:
    """Give the files of a list: hrefs of a page that name files in this directory, or a JSON list of names."""
    if is_json:
        try:
            entries = json.loads(octets)
        except ValueError as error:
            raise PartnerError("its list of files is no JSON") from error
        names = (
            [
                each.get("name") if isinstance(each, dict) else each
                for each in entries
                if not (isinstance(each, dict) and each.get("type") == "directory")
            ]
            if isinstance(entries, list)
            else []
        )
    else:
        links = _Links()
        links.feed(octets.decode("utf-8", "replace"))
        names = [unquote(_below(link, directory)) for link in links.found]
    for name in dict.fromkeys(names):
        if (
            isinstance(name, str)
            and name.isprintable()
            and "/" not in name
            and name not in {"", ".", ".."}
        ):
            yield Offered(name, None)


def _below(link: str, directory: str) -> str:
    found = urlsplit(link)
    if found.scheme or found.netloc or found.query or found.fragment:
        return ""
    return found.path.removeprefix(directory)


def _version(response: IResponse) -> Version:
    length = _header(response, "Content-Length")
    try:
        mtime = int(parsedate_to_datetime(_header(response, "Last-Modified")).timestamp())
    except (ValueError, TypeError):
        mtime = None
    size = int(length) if length.isdecimal() else UNKNOWN_SIZE
    return Version(size, mtime, _header(response, "ETag")[:TAG_MAX])


def _header(response: IResponse, name: str) -> str:
    values = response.headers.getRawHeaders(name.encode("ascii")) or [b""]
    return printable(values[-1].decode("latin-1"))


def _certificates(pem: bytes) -> list[Certificate]:
    mark = b"-----END CERTIFICATE-----"
    return [Certificate.loadPEM(one + mark) for one in pem.split(mark)[:-1]]


def _said(error: BaseException) -> str:
    reasons = getattr(error, "reasons", None)
    if reasons:
        return "; ".join(str(reason.value) or type(reason.value).__name__ for reason in reasons)
    return str(error) or type(error).__name__
