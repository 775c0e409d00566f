"""The usage door: the line protocol over TLS, for sources that tell of usage as it happens."""

from collections.abc import Mapping
from dataclasses import replace

from cryptography import x509
from twisted.internet.interfaces import IReactorTime

from bmuid.config import Limits
from bmuid.config import UsageDoor as UsageConfig
from bmuid.doors.desk import Asks, Caller
from bmuid.doors.gate import Gate
from bmuid.doors.public import PublicDoor
from bmuid.operations.registry import Door, Role

SOURCE = frozenset({Role.SOURCE})


class UsageDoor(PublicDoor):
    """Connections of sources: as the public door's, but for who comes in and how long it may keep silent."""

    def __init__(
        self, gate: Gate, config: UsageConfig, limits: Limits, desk: Asks, clock: IReactorTime
    ) -> None:
        super().__init__(gate, limits_of(config, limits), desk, clock)
        self._serials = serials_of(config)

    def name_of(self, certificate: x509.Certificate) -> str | None:
        """Give the source that a certificate stands for; each source may have certain ones only."""
        name = super().name_of(certificate)
        serials = self._serials.get(name or "", frozenset())
        return name if not serials or f"{certificate.serial_number:x}" in serials else None

    def caller(self, name: str) -> Caller:
        """Say which source a client of that name is."""
        return Caller(name, Door.USAGE, SOURCE)

    def admit(self, config: UsageConfig) -> None:
        """Let these sources in from now on."""
        self._serials = serials_of(config)


def limits_of(config: UsageConfig, limits: Limits) -> Limits:
    """Give the limits of the usage door's connections."""
    return replace(
        limits,
        public_connections_max=config.connections_max,
        public_handshakes_max=min(limits.public_handshakes_max, config.connections_max),
        idle_seconds_max=config.idle_seconds_max,
    )


def serials_of(config: UsageConfig) -> Mapping[str, frozenset[str]]:
    """Give the serial numbers of each source's certificates."""
    return {source.code: frozenset(source.serials) for source in config.sources}
