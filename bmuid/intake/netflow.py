"""
NetFlow 5, 9 and IPFIX to rows: for each of our addresses, direction and hour what went through.

A row has ``address``, ``direction`` (``in``: to the address, ``out``: from it), ``hour`` (seconds since 1970 at
its beginning), ``octets``, ``packets``, ``flows``, ``first`` (seconds since 1970 of the first flow's beginning), ``file`` (what tells
the first packet of the file from others) and, with captures, the ``exporter``.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from bmu.mediation.rows import BrokenError, RowlessError, Settings, fault_line, line_of
from bmuid.intake.packets import V5, Packet, packets_in

try:
    from netflume import parse
    from netflume.sampling import sampling_rate
except ImportError:  # an extra of its own, since few sources need it
    parse = None  # type: ignore[assignment]

SUMS_MAX = 400_000
WAITING_OCTETS_MAX = 32 << 20
ADDRESSES_KNOWN_MAX = 200_000
HOUR_S = 3600
TEMPLATE_FIELDS_MAX = 200_000
FLOW_S_MAX = 8 * 86_400
# RFC 5103: what went the other way, in the same record.
_REVERSE_OCTETS, _REVERSE_PACKETS = "e29305.1", "e29305.2"

Record = Mapping[str, object]
Network = IPv4Network | IPv6Network


def decode(settings: Settings, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Write what went to and from each address of *networks* in each hour as a line.

    What an address without a customer, and one between others, used is told in a line that is no row.

    Shapes:
        sampling: ``scale`` multiplies what a router that samples has seen; ``refuse`` takes no such file.
        ipv6_prefix: how many bits of an IPv6 address tell its customer.

    Errors:
        BrokenError: it is no such file, is cut off, is sampled, or has too many addresses.
        RowlessError: it is a capture of something else.
    """
    if parse is None:
        raise BrokenError("NetFlow needs the library netflume: pip install 'bmuid[netflow]'", 0)
    sums = _Sums(settings)
    packet = None
    for packet in packets_in(blocks):
        sums.add(packet)
    if packet is None:
        raise RowlessError
    sums.end()
    yield from sums.lines()


class _Sums:
    """What went through, by hour, address and direction."""

    def __init__(self, settings: Settings) -> None:
        self._networks = [ip_network(text.strip()) for text in settings["networks"].split(",")]
        self._prefix = int(settings.get("ipv6_prefix", "128"))
        self._scale = settings.get("sampling", "refuse") == "scale"
        self._templates = parse.TemplateStore(max_pending=1)
        self._rates: dict[tuple[str, object], int] = {}
        self._booted: dict[tuple[str, object], int] = {}
        self._known: dict[object, str] = {}
        # By exporter, hour, address and direction: octets, packets, flows, first second.
        self._sums: dict[tuple[str, int, str, str], list[int]] = {}
        self._others = [0, 0]  # flows and octets of which neither end is ours
        self._uncounted = 0
        self._waiting: list[Packet] = []
        self._waiting_octets = 0
        self._file = ""

    def add(self, packet: Packet) -> None:
        """Add the flows of a packet, or let it wait for what tells how its flows are written."""
        learned = self._templates.learned
        if not self._read(packet):
            self._waiting_octets += len(packet.octets)
            if self._waiting_octets > WAITING_OCTETS_MAX:
                raise BrokenError("flows whose template never came", packet.octet, packet.octets)
            self._waiting.append(packet)
        if self._templates.learned > learned and self._waiting:
            waiting, self._waiting, self._waiting_octets = self._waiting, [], 0
            for each in waiting:
                if not self._read(each):
                    self._waiting.append(each)
                    self._waiting_octets += len(each.octets)

    def end(self) -> None:
        """Add what can be read of those that still wait."""
        for packet in self._waiting:
            self._read(packet, whole=False)

    def lines(self) -> Iterator[bytes]:
        """Give a line a sum, then one of what has none, and one of what could not be read."""
        for (exporter, hour, address, direction), sums in sorted(self._sums.items()):
            octets, packets, flows, first = map(str, sums)
            yield line_of(
                {
                    "address": address,
                    "direction": direction,
                    "hour": str(hour * HOUR_S),
                    "octets": octets,
                    "packets": packets,
                    "flows": flows,
                    "first": first,
                    **({"exporter": exporter} if exporter else {}),
                    "file": self._file,
                }
            )
        count, between = self._others
        if count:
            yield line_of(
                {"#": f"{count} flows of {between} octets between addresses that are not ours"}
            )
        if self._uncounted:
            yield fault_line(f"{self._uncounted} flows tell no octets", 0, b"")
        if self._waiting:
            first_packet = self._waiting[0]
            yield fault_line(
                f"{len(self._waiting)} packets with flows whose template is not in the file",
                *(first_packet.octet, first_packet.octets),
            )

    def _read(self, packet: Packet, *, whole: bool = True) -> bool:
        """Add the flows of a packet; with *whole*, none of one that has some that can't be read."""
        stats = {"deferred": 0, "templates_new": 0, "truncated": 0}
        header, flows, options = self._parsed(packet, stats)
        if header is None or stats["truncated"]:
            raise BrokenError("a packet that is cut off", packet.octet, packet.octets)
        if stats["templates_new"]:
            self._check_templates(packet)
        self._file = self._file or f"{header['unix_secs']}.{header['sequence']}.{header['domain']}"
        router = packet.exporter, header["domain"]
        for option in options:
            self._note(router, option)
        if stats["deferred"] and whole:
            return False
        rate = self._rates.get(router, 1)
        if rate != 1 and flows and not self._scale:
            why = f"only 1 in {rate} packets was counted: see the setting sampling"
            raise BrokenError(why, packet.octet)
        for flow in flows:
            self._add_flow(flow, header, rate)
        return True

    def _parsed(
        self, packet: Packet, stats: dict[str, int]
    ) -> tuple[Record | None, list[Record], list[Record]]:
        octets, exporter = packet.octets, packet.exporter
        try:
            if int.from_bytes(octets[:2], "big") == V5:
                found = parse.parse_v5(octets, exporter, stats)
            else:
                found = parse.parse_v9_or_ipfix(octets, exporter, self._templates, stats)
        except (struct.error, LookupError, ValueError, TypeError) as error:
            raise BrokenError(f"a damaged packet: {error}", packet.octet, octets) from None
        header, flows, options = found
        return header, flows, options

    def _check_templates(self, packet: Packet) -> None:
        fields = sum(len(each) for each, _ in self._templates.templates.values())
        if fields > TEMPLATE_FIELDS_MAX:
            raise BrokenError("more templates than any router has", packet.octet, packet.octets)

    def _note(self, router: tuple[str, object], option: Record) -> None:
        """Keep what a router says of itself."""
        booted, rate = option.get("system_init_time_ms"), sampling_rate(option)
        if isinstance(booted, int) and booted:
            self._booted[router] = booted
        if rate is not None:
            self._rates[router] = rate

    def _add_flow(self, flow: Record, header: Record, rate: int) -> None:
        octets, packets = _counts(flow)
        back, packets_back = flow.get(_REVERSE_OCTETS), flow.get(_REVERSE_PACKETS)
        if octets is None:
            self._uncounted += 1
            return
        source, target = parse.flow_endpoints(flow)
        exporter = str(header["exporter"])
        second = _began(flow, header, self._booted.get((exporter, header["domain"])))
        ours = False
        for direction, end, there, here in (
            ("out", source, octets, back),
            ("in", target, octets, back),
        ):
            address = self._known[end] if end in self._known else self._look_up(end)
            if not address:
                continue
            ours = True
            self._count(exporter, second, address, direction, there * rate, (packets or 0) * rate)
            if isinstance(here, int) and here:
                other = "in" if direction == "out" else "out"
                behind = packets_back if isinstance(packets_back, int) else 0
                self._count(exporter, second, address, other, here * rate, behind * rate)
        if not ours:
            self._others[0] += 1
            self._others[1] += octets * rate

    def _count(
        self, exporter: str, second: int, address: str, direction: str, octets: int, packets: int
    ) -> None:
        key = exporter, second // HOUR_S, address, direction
        sums = self._sums.get(key)
        if sums is None:
            if len(self._sums) >= SUMS_MAX:
                raise BrokenError(
                    f"more than {SUMS_MAX:,} addresses and hours: hand it in in parts", 0
                )
            self._sums[key] = [octets, packets, 1, second]
            return
        sums[0] += octets
        sums[1] += packets
        sums[2] += 1
        sums[3] = min(sums[3], second)

    def _look_up(self, end: object) -> str:
        """Give the address by which its customer is known, or nothing when it is not ours."""
        if len(self._known) >= ADDRESSES_KNOWN_MAX:
            self._known.clear()
        try:
            address = ip_address(str(end))
        except ValueError:
            return ""
        found = ""
        if any(address in network for network in self._networks):
            found = str(address)
            if address.version == 6 and self._prefix < 128:
                found = str(ip_network((int(address), self._prefix), strict=False))
        self._known[end] = found
        return found


def _began(flow: Record, header: Record, booted_ms: int | None) -> int:
    """Give the second in which a flow began, or of its export where the router doesn't tell."""
    for name, units in (("flow_start_ms", 1000), ("flow_start_s", 1)):
        began = flow.get(name)
        if isinstance(began, int) and began:
            return began // units
    for name in ("flow_start_us", "flow_start_ns"):
        began = flow.get(name)
        if isinstance(began, float):
            return int(began)
    exported, running_ms = header["unix_secs"], header["sys_uptime"]
    assert isinstance(exported, int)
    since_boot_ms = flow.get("first_switched")
    if isinstance(since_boot_ms, int):
        booted = flow.get("system_init_time_ms", booted_ms)
        if isinstance(booted, int):
            return (booted + since_boot_ms) // 1000
        if isinstance(running_ms, int):
            # Counters of 32 bits begin anew after 49 days.
            ago_s = -(-((running_ms - since_boot_ms) % (1 << 32)) // 1000)
            return exported - (ago_s if ago_s < FLOW_S_MAX else 0)
    ago_us = flow.get("ie158")
    return exported - (ago_us // 1_000_000 if isinstance(ago_us, int) else 0)


def _counts(flow: Record) -> tuple[int | None, int | None]:
    """Give octets and packets by whichever of their names the router has them."""
    for octets, packets in (
        ("octets", "packets"),
        ("octets_total", "packets_total"),
        ("out_octets", "out_packets"),
    ):
        found = flow.get(octets)
        if isinstance(found, int):
            behind = flow.get(packets)
            return found, behind if isinstance(behind, int) else None
    return None, None
