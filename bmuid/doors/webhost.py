"""
The embedded web host: HTTPS for the portal where no Apache is wanted; for trying out and small sites.

It runs the very cgi-bin/bmui.py that a larger web server runs, and leads it to the daemon.
"""

import os
import socket
import tomllib
from dataclasses import dataclass
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates
from OpenSSL import SSL, crypto
from twisted.internet.error import CannotListenError, VerifyError
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.ssl import (
    AcceptableCiphers,
    CertificateOptions,
    TLSVersion,
)
from twisted.logger import STDLibLogObserver, globalLogBeginner
from twisted.protocols.policies import ThrottlingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Request, Site
from twisted.web.static import File

from bmuid import logs
from bmuid.config import ConfigError
from bmuid.config.section import Section
from bmuid.doors.webcgi import Script, refuse
from bmuid.doors.webrelay import DoorWay, RelayFactory

BODY_OCTETS_MAX = 65536
IDLE_SECONDS_MAX = 20
CONNECTIONS_MAX = 128
PORTAL = b"my"
STATIC_KEPT = b"public, max-age=3600"
STATIC_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
SECTIONS = ("https", "portal", "door")

# On every answer: those of a page come from the script, which lays down its own on the same names.
HEADERS = {
    b"strict-transport-security": b"max-age=31536000",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}

# TLS 1.3 brings its own; of 1.2 only what is forward secret and authenticated.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class PortTakenError(Exception):
    """Raised when the port or the socket can't be opened."""


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the embedded web host is told; see etc/webhost.conf."""

    address: str
    port: int
    certificate: Path
    key: Path
    script: Path
    settings: Path
    static: Path
    processes_max: int
    seconds_max: int
    socket: Path
    way: DoorWay


def load(path: Path) -> WebConfig:
    """
    Read the configuration file and check it whole.

    Errors:
        ConfigError: with every fault there is.
    """
    try:
        document: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError((f"{path}: {error.strerror}",)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError((f"{path}: is not TOML: {error}",)) from error
    faults = [
        f"{name}: there is no such section" for name in sorted(set(document) - set(SECTIONS))
    ]
    folder = path.absolute().parent
    https, portal, door = (
        Section(document.get(name, {}), name, folder, faults) for name in SECTIONS
    )
    config = WebConfig(
        address=https.text("address", "127.0.0.1"),
        port=https.number("port", 8443, smallest=1, largest=65535),
        certificate=https.file("certificate", "/etc/bmuid/pki/https.pem"),
        key=https.file("key", "/etc/bmuid/pki/https.key", secret=True),
        script=portal.file("script", "/usr/lib/cgi-bin/bmui.py"),
        settings=portal.file("settings", "/etc/bmuid/bmui.conf"),
        static=portal.folder("static", "/usr/share/bmuid/static"),
        processes_max=portal.number("processes_max", 8, smallest=1, largest=256),
        seconds_max=portal.number("seconds_max", 20, smallest=1, largest=300),
        socket=door.path("socket", "/run/bmuid-web/bmuid.sock"),
        way=DoorWay(
            address=door.text("address", "127.0.0.1"),
            port=door.number("port", 5023, smallest=1, largest=65535),
            server_name=door.text("server_name", "localhost"),
            ca=door.file("ca", "/etc/bmuid/pki/public-ca.pem"),
            certificate=door.file("certificate", "/etc/bmuid/pki/web.pem"),
            key=door.file("key", "/etc/bmuid/pki/web.key", secret=True),
        ),
    )
    for section in (https, portal, door):
        section.end()
    if faults:
        raise ConfigError(tuple(faults))
    return config


class PortalRequest(Request):
    """A request with a bounded body; each answer carries the headers above."""

    _refused = False

    def gotLength(self, length: int | None) -> None:
        if length is None or length > BODY_OCTETS_MAX:
            self._refused = True
            assert self.channel is not None
            status = http.LENGTH_REQUIRED if length is None else http.REQUEST_ENTITY_TOO_LARGE
            self.channel.write(
                b"HTTP/1.1 %d %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
                % (status, http.RESPONSES[status])
            )
            self.channel.loseConnection()
        super().gotLength(0 if self._refused else length)

    def handleContentChunk(self, data: bytes) -> None:
        if not self._refused:
            super().handleContentChunk(data)

    def process(self) -> None:
        if not self._refused:
            super().process()

    def write(self, data: bytes) -> None:
        if not self.startedWriting:
            self.responseHeaders.removeHeader(b"server")
            for name, value in HEADERS.items():
                if not self.responseHeaders.hasHeader(name):
                    self.setHeader(name, value)
        super().write(data)


class Room(Resource):
    """A place with named children, no listing, and nothing else."""

    def getChild(self, path: bytes, request: Request) -> Resource:
        return Room()

    def render(self, request: Request) -> bytes:
        return refuse(request, http.NOT_FOUND)


class Front(Room):
    """The root, which leads to the portal."""

    def getChild(self, path: bytes, request: Request) -> Resource:
        return self if path == b"" else Room()

    def render(self, request: Request) -> bytes:
        if request.method != b"GET":
            return refuse(request, http.NOT_ALLOWED, b"allow", b"GET")
        return refuse(request, http.SEE_OTHER, b"location", b"/" + PORTAL + b"/")


class Still(File):
    """One static file, which a browser may keep a while."""

    def render_GET(self, request: Request) -> bytes | int:
        request.setHeader(b"cache-control", STATIC_KEPT)
        rendered: bytes | int = super().render_GET(request)
        return rendered


def site(reactor: PosixReactorBase, config: WebConfig) -> Site:
    """Give the whole site: the way in, the script, the static files."""
    front, static = Front(), Room()
    script = Script(
        reactor, config.script, config.settings, config.processes_max, config.seconds_max
    )
    front.putChild(PORTAL, script)
    front.putChild(b"static", static)
    for path in sorted(config.static.iterdir()):
        if path.suffix in STATIC_TYPES:
            static.putChild(path.name.encode(), Still(str(path), STATIC_TYPES[path.suffix]))
    made = Site(front, requestFactory=PortalRequest, timeout=IDLE_SECONDS_MAX)
    made.displayTracebacks = False
    return made


def tls(config: WebConfig) -> CertificateOptions:
    """Give the TLS side of the site."""
    leaf, *chain = map(
        crypto.X509.from_cryptography, load_pem_x509_certificates(config.certificate.read_bytes())
    )
    options = CertificateOptions(
        privateKey=crypto.load_privatekey(crypto.FILETYPE_PEM, config.key.read_bytes()),
        certificate=leaf,
        extraCertChain=chain,
        raiseMinimumTo=TLSVersion.TLSv1_2,
        acceptableCiphers=AcceptableCiphers.fromOpenSSLCipherString(CIPHERS),
        acceptableProtocols=[b"http/1.1"],
    )
    # Made now, and not at the first connection: whether key and certificate belong together shows here.
    options.getContext()
    return options


def listen(reactor: PosixReactorBase, config: WebConfig) -> None:
    """
    Open the port and the relay's socket.

    Errors:
        ConfigError: a certificate or key file holds something else.
        PortTakenError: the port or the socket can't be opened.
    """
    try:
        inner = TLSMemoryBIOFactory(
            tls(config), isClient=False, wrappedFactory=site(reactor, config)
        )
        relay = RelayFactory(reactor, config.way)
    except (crypto.Error, SSL.Error, VerifyError, ValueError) as error:
        raise ConfigError(("a file does not hold the certificate or key it should",)) from error
    outer = ThrottlingFactory(inner, maxConnectionCount=CONNECTIONS_MAX)
    try:
        reactor.listenTCP(config.port, outer, interface=config.address)
        # The port is ours, so whoever left this socket is gone.
        config.socket.unlink(missing_ok=True)
        reactor.listenUNIX(str(config.socket), relay, mode=0o600)
    except (CannotListenError, OSError) as error:
        raise PortTakenError(str(error)) from error


def serve(config: WebConfig) -> None:
    """
    Serve the portal until SIGTERM or SIGINT.

    Errors:
        ConfigError, PortTakenError: as listen() says; nothing was started.
    """
    # Imported late: loading it opens descriptors.
    from twisted.internet import reactor  # noqa: PLC0415

    assert isinstance(reactor, PosixReactorBase)
    logs.configure("text", None, "webhost")
    globalLogBeginner.beginLoggingTo([STDLibLogObserver()], redirectStandardIO=False)
    listen(reactor, config)
    # A process that is given no directory of its own is spawned without a fork of this one.
    os.chdir("/")
    reactor.callWhenRunning(notify_ready)
    reactor.run()


def notify_ready() -> None:
    """Tell the service manager, where there is one, that the ports are open."""
    address = os.environ.get("NOTIFY_SOCKET", "")  # noqa: TID251 - systemd's interface
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"READY=1", address.replace("@", "\0", 1))
