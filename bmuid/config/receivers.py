"""The sections of the ways in: their keys and their defaults."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

from bmuid.config.section import Section
from bmuid.config.ways import BatchDoor, RadiusClient, RadiusDoor, SftpDoor

SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
# Whoever has one packet can try secrets on it at leisure.
RADIUS_SECRET_OCTETS_MIN = 8
MIB = 1 << 20


def sftp_door(at: Section) -> SftpDoor:
    """Read [sftp]."""

    def number(key: str, default: int, largest: int) -> int:
        return at.number(key, default, smallest=1, largest=largest)

    host_key = at.path("host_key", "/var/lib/bmuid/sftp_host_key")
    if host_key.exists():
        at.file("host_key", "/var/lib/bmuid/sftp_host_key", secret=True)
    elif not host_key.parent.is_dir():
        at.fault("host_key", f"{host_key.parent}: there is no such directory")
    return SftpDoor(
        address=at.text("address", "127.0.0.1"),
        port=at.number("port", 2022, smallest=0, largest=65535),
        host_key=host_key,
        connections_max=number("connections_max", 64, 10_000),
        source_connections_max=number("source_connections_max", 8, 1000),
        login_seconds_max=number("login_seconds_max", 20, 600),
        idle_seconds_max=number("idle_seconds_max", 300, 86_400),
        file_octets_max=number("file_mib_max", 4096, 1 << 20) * MIB,
    )


def radius_door(at: Section) -> RadiusDoor:
    """Read [radius]."""

    def number(key: str, default: int, largest: int) -> int:
        return at.number(key, default, smallest=1, largest=largest)

    clients = tuple(_client(name, one) for name, one in at.tables("clients"))
    if not clients:
        at.fault("clients", "must hold at least one, written [radius.clients.NAME]")
    networks = [client.network for client in clients]
    for network in sorted({str(one) for one in networks if networks.count(one) > 1}):
        at.fault("clients", f"{network} is there more than once")
    return RadiusDoor(
        address=at.text("address", "127.0.0.1"),
        port=at.number("port", 1813, smallest=0, largest=65535),
        clients=clients,
        waiting_max=number("waiting_max", 10_000, 1_000_000),
        file_octets_max=number("file_mib_max", 64, 1024) * MIB,
        file_seconds_max=number("file_seconds_max", 30, 3600),
        receive_octets=number("receive_mib", 8, 1024) * MIB,
    )


def _client(name: str, at: Section) -> RadiusClient:
    network: IPv4Network | IPv6Network = IPv4Network("0.0.0.0/32")
    written = at.text("network", "")
    try:
        network = ip_network(written)
    except ValueError as error:
        at.fault(
            "network", f"must be an address or a network, like 192.0.2.1 or 192.0.2.0/24: {error}"
        )
    source = at.text("source", "", pattern=SOURCE)
    secret = at.secret(
        "secret_file", f"/etc/bmuid/secrets/radius-{name}", RADIUS_SECRET_OCTETS_MIN
    )
    at.end()
    return RadiusClient(name, network, source, secret)


def batch_door(at: Section) -> BatchDoor:
    """Read [batch]."""

    def number(key: str, default: int, largest: int) -> int:
        return at.number(key, default, smallest=1, largest=largest)

    has_certificates = at.holds("client_ca") or at.holds("client_crl")
    return BatchDoor(
        address=at.text("address", "127.0.0.1"),
        port=at.number("port", 8444, smallest=0, largest=65535),
        certificate=at.file("certificate", "/etc/bmuid/pki/batch.pem"),
        key=at.file("key", "/etc/bmuid/pki/batch.key", secret=True),
        client_ca=at.file("client_ca", "/etc/bmuid/pki/batch-ca.pem")
        if has_certificates
        else None,
        client_crl=at.file("client_crl", "/etc/bmuid/pki/batch-ca.crl")
        if has_certificates
        else None,
        connections_max=number("connections_max", 128, 10_000),
        idle_seconds_max=number("idle_seconds_max", 60, 3600),
        request_seconds_max=number("request_seconds_max", 60, 3600),
        requests_a_second=number("requests_a_second", 50, 10_000),
        rows_max=number("rows_max", 10_000, 1_000_000),
        body_octets_max=number("body_mib_max", 16, 1024) * MIB,
        files_waiting_max=number("files_waiting_max", 1000, 1_000_000),
        rows_waiting_max=number("rows_waiting_max", 5_000_000, 1_000_000_000),
    )
