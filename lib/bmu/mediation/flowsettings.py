"""How exports of routers are to be counted: NetFlow 5, 9 and IPFIX, which the daemon's side of intake reads."""

from collections.abc import Iterator
from ipaddress import ip_network

from bmu.mediation.rows import Settings, unknown_settings

KNOWN = ("networks", "sampling", "ipv6_prefix")


def faults(settings: Settings) -> Iterator[str]:
    """Find what is wrong with the settings."""
    yield from unknown_settings(settings, KNOWN)
    if not settings.get("networks", "").strip():
        yield "decoding: NETFLOW needs the setting networks, those whose use is counted: 192.0.2.0/24, 2001:db8::/32"
    for text in settings["networks"].split(",") if settings.get("networks") else ():
        try:
            ip_network(text.strip())
        except ValueError as error:
            yield f"decoding: networks: {error}"
    if settings.get("sampling", "refuse") not in ("refuse", "scale"):
        yield f"decoding: sampling is {settings['sampling']!r}; expected refuse or scale"
    prefix = settings.get("ipv6_prefix", "128")
    if prefix not in map(str, range(1, 129)):
        yield f"decoding: ipv6_prefix is {prefix!r}; expected 1 to 128"
