"""What is configured of the ways in that have a port of their own for files and records of usage."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SftpDoor:
    """The SSH port for sources that upload files; host_key: made at the first start where there is none."""

    address: str
    port: int
    host_key: Path
    connections_max: int
    source_connections_max: int
    login_seconds_max: int
    idle_seconds_max: int
    file_octets_max: int


@dataclass(frozen=True, slots=True)
class RadiusClient:
    """Who may send RADIUS accounting from a network, and the source that it is usage of."""

    name: str
    network: IPv4Network | IPv6Network
    source: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RadiusDoor:
    """
    The UDP port for RADIUS accounting.

    Shapes:
        waiting_max: so many requests wait for the disk; more are not answered.
        file_octets_max, file_seconds_max: what was received is handed in when it is so large, or so old.
        receive_octets: of the kernel's buffer.
    """

    address: str
    port: int
    clients: tuple[RadiusClient, ...]
    waiting_max: int
    file_octets_max: int
    file_seconds_max: int
    receive_octets: int


@dataclass(frozen=True, slots=True)
class BatchDoor:
    """
    The HTTPS port for batches of usage.

    Shapes:
        client_ca, client_crl: of sources' certificates; None: there are none, sources sign.
        rows_max, body_octets_max: of one batch. files_waiting_max, rows_waiting_max: of a source's files that are not taken
            yet, and of all rows that are not worked yet: above them the answer is to come again later.
    """

    address: str
    port: int
    certificate: Path
    key: Path
    client_ca: Path | None
    client_crl: Path | None
    connections_max: int
    idle_seconds_max: int
    request_seconds_max: int
    requests_a_second: int
    rows_max: int
    body_octets_max: int
    files_waiting_max: int
    rows_waiting_max: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a partner has its files."""

    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Ssh:
    """How a partner's SSH server is known, and who we are there; host_keys: as OpenSSH writes them."""

    user: str
    host_keys: frozenset[str]
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Https:
    """How a partner's HTTPS server is known (None: by what the system trusts), and who we are there."""

    ca: bytes | None
    certificate: bytes | None
    key: bytes | None = field(repr=False)
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pull:
    """
    One partner whose files are fetched.

    Shapes:
        pattern: of the names that are fetched, as a shell has it.
        after: keep, rename or delete: what becomes there of a file that was fetched; suffix: it is renamed with this behind it.
        settled_seconds: so long a file there must not have changed.
        pause_seconds_max: a partner that fails is asked ever less often, but so often.
    """

    name: str
    source: str
    place: Place
    way: Ssh | Https
    every_seconds: int
    pattern: str
    after: str
    suffix: str
    settled_seconds: int
    file_octets_max: int
    pause_seconds_max: int
