"""The script's way to the daemon: a unix socket here, mutual TLS 1.3 there; so the script holds no key."""

from dataclasses import dataclass
from pathlib import Path

from twisted.internet.interfaces import IAddress, IOpenSSLClientConnectionCreator, ITCPTransport
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import Factory
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    TLSVersion,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.protocols.portforward import ProxyClient, ProxyClientFactory, ProxyServer

CONNECT_SECONDS_MAX = 5


@dataclass(frozen=True, slots=True)
class DoorWay:
    """The public door: where it is, the name its certificate must have, and the one shown to it."""

    address: str
    port: int
    server_name: str
    ca: Path
    certificate: Path
    key: Path

    def creator(self) -> IOpenSSLClientConnectionCreator:
        """
        Give what makes the TLS side.

        Errors:
            OpenSSL.crypto.Error: a file holds no certificate or key.
            OSError: a file can't be read.
        """
        return optionsForClientTLS(
            self.server_name,
            trustRootFromCertificates([Certificate.loadPEM(self.ca.read_bytes())]),
            PrivateCertificate.loadPEM(self.certificate.read_bytes() + self.key.read_bytes()),
            extraCertificateOptions={"raiseMinimumTo": TLSVersion.TLSv1_3},
        )


class Far(ProxyClient):
    """The side of the daemon."""

    noisy = False

    def connectionMade(self) -> None:
        # The end of the handshake and the question are small, and sent one after the other: with Nagle's algorithm
        # the second would wait until the first is acknowledged, 40 ms later.
        ITCPTransport(self.transport).setTcpNoDelay(True)
        super().connectionMade()


class FarFactory(ProxyClientFactory):
    """Makes the daemon's side of one relay."""

    noisy = False
    protocol = Far


class Relay(ProxyServer):
    """One connection of the script; it ends when the daemon can't be reached or refuses."""

    noisy = False

    def __init__(self, connect: "RelayFactory") -> None:
        self._connect = connect

    def connectionMade(self) -> None:
        # Read nothing before there is somewhere to send it.
        self.transport.pauseProducing()
        far = FarFactory()
        far.setServer(self)
        self._connect.connect(far)


class RelayFactory(Factory[ProxyServer]):
    """A relay for each connection of the script."""

    noisy = False

    def __init__(self, reactor: PosixReactorBase, way: DoorWay) -> None:
        self._reactor, self._way = reactor, way
        self._creator = way.creator()

    def buildProtocol(self, addr: IAddress | None) -> Relay:
        return Relay(self)

    def connect(self, far: FarFactory) -> None:
        """Connect *far* to the public door."""
        self._reactor.connectSSL(
            self._way.address, self._way.port, far, self._creator, CONNECT_SECONDS_MAX
        )
