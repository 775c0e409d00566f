"""
RADIUS accounting (RFC 2865, 2866, 2869), without a socket: a packet to named texts, and the answer to it.

Whoever sends knows the client's secret: nothing else of a packet is to be believed before `is_authentic`.
"""

import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from hashlib import md5
from ipaddress import IPv6Address
from struct import Struct
from typing import NamedTuple

from bmu.mediation.radius_names import BY_NUMBER, BY_VENDOR, WIDTHS, Kind, Named

HEADER_OCTETS = 20
PACKET_OCTETS_MAX = 4096
PROXY_STATE = 33
VENDOR_SPECIFIC = 26
MESSAGE_AUTHENTICATOR = 80
UNSIGNED = bytes(16)
GIGAWORD = 1 << 32
DIGITS_MAX = 20

_HEADER = Struct(">BBH16s")
_FACTS = (
    "Packet-Src-IP-Address",
    "Packet-Src-IPv6-Address",
    "Timestamp",
    "Input-Octets",
    "Output-Octets",
    "Acct-Session-Start-Time",
    "Acct-Unique-Session-Id",
    "Event-Time",
    "NAS",
)
_NAS = (
    "NAS-Identifier",
    "NAS-IP-Address",
    "NAS-IPv6-Address",
    "Packet-Src-IP-Address",
    "Packet-Src-IPv6-Address",
)


class Code(IntEnum):
    """What a packet is, of those that come to an accounting server."""

    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5
    STATUS_SERVER = 12


class NoPacketError(ValueError):
    """Raised for octets that are no RADIUS packet; the message says why."""


class Attribute(NamedTuple):
    """One attribute, as it stands; *start*: where its value begins in the packet."""

    number: int
    value: bytes
    start: int


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that is well formed; octets: all of it, without what follows its stated length."""

    code: int
    identifier: int
    authenticator: bytes
    octets: bytes
    attributes: tuple[Attribute, ...]


def packet_of(datagram: bytes) -> Packet:
    """
    Take a datagram apart.

    Errors:
        NoPacketError: it is none, or was cut off.
    """
    if len(datagram) < HEADER_OCTETS:
        raise NoPacketError(f"{len(datagram)} octets; a packet has {HEADER_OCTETS} or more")
    code, identifier, length, authenticator = _HEADER.unpack_from(datagram)
    if not HEADER_OCTETS <= length <= min(len(datagram), PACKET_OCTETS_MAX):
        raise NoPacketError(f"{len(datagram)} octets, of which its length says {length}")
    octets = datagram[:length]
    return Packet(code, identifier, authenticator, octets, tuple(_attributes(octets)))


def _attributes(octets: bytes) -> list[Attribute]:
    found = []
    at, end = HEADER_OCTETS, len(octets)
    while at < end:
        length = octets[at + 1] if at + 1 < end else 0
        if length < 2 or at + length > end:
            raise NoPacketError(f"the attribute at octet {at} does not fit into the packet")
        found.append(Attribute(octets[at], octets[at + 2 : at + length], at + 2))
        at += length
    return found


def is_authentic(packet: Packet, secret: bytes) -> bool:
    """Tell whether an Accounting-Request or Status-Server was made by one who knows the secret."""
    signed = [one for one in packet.attributes if one.number == MESSAGE_AUTHENTICATOR]
    zeroed = packet.octets[:4] + UNSIGNED + packet.octets[HEADER_OCTETS:]
    if packet.code == Code.STATUS_SERVER:
        # Its authenticator is a random number: only the attribute tells who sent it (RFC 5997, section 3).
        return len(signed) == 1 and _is_signed(packet.octets, signed[0], secret)
    wanted = md5(zeroed + secret, usedforsecurity=False).digest()
    if not hmac.compare_digest(wanted, packet.authenticator):
        return False
    return all(_is_signed(zeroed, one, secret) for one in signed)


def _is_signed(octets: bytes, signed: Attribute, secret: bytes) -> bool:
    zeroed = octets[: signed.start] + UNSIGNED + octets[signed.start + len(UNSIGNED) :]
    return hmac.compare_digest(hmac.digest(secret, zeroed, "md5"), signed.value)


def answer_to(packet: Packet, secret: bytes) -> bytes:
    """Give the Accounting-Response; signed like the request was, with the proxies' own attributes in their order."""
    kept = b"".join(
        bytes((PROXY_STATE, len(one.value) + 2)) + one.value
        for one in packet.attributes
        if one.number == PROXY_STATE
    )
    is_signed = any(one.number == MESSAGE_AUTHENTICATOR for one in packet.attributes)
    sign = bytes((MESSAGE_AUTHENTICATOR, 18)) + UNSIGNED if is_signed else b""
    length = HEADER_OCTETS + len(sign) + len(kept)
    head = bytes((Code.ACCOUNTING_RESPONSE, packet.identifier)) + length.to_bytes(2, "big")
    if sign:
        unsigned = head + packet.authenticator + sign + kept
        sign = sign[:2] + hmac.digest(secret, unsigned, "md5")
    body = sign + kept
    made = md5(head + packet.authenticator + body + secret, usedforsecurity=False).digest()
    return head + made + body


def fields_of(packet: Packet) -> dict[str, str]:
    """
    Give the attributes as texts under their names, in their order.

    Shapes:
        Result: of a name that comes again the later ones are called NAME.1, NAME.2; of numbers without a name
            Attr-NUMBER, of vendors' Attr-26.VENDOR.NUMBER, both in hexadecimal digits.
    """
    found: dict[str, str] = {}
    for attribute in packet.attributes:
        number, value, _ = attribute
        plain = _PLAIN.get(number)
        if plain is not None:
            name, read = plain
            if name in found:
                _put(found, name, read(value))
            else:
                found[name] = read(value)
        elif number != MESSAGE_AUTHENTICATOR:
            for name, text in _others(number, value):
                _put(found, name, text)
    return found


def _others(number: int, value: bytes) -> Iterator[tuple[str, str]]:
    """Give names and texts of an attribute of a vendor, of a tunnel, or without a name."""
    if number == VENDOR_SPECIFIC:
        yield from _of_vendor(value)
    elif number in BY_NUMBER:
        yield _written(BY_NUMBER[number], value)
    else:
        yield f"Attr-{number}", _octets(value)


def _put(found: dict[str, str], name: str, text: str) -> None:
    if name in found:
        again = 1
        while f"{name}.{again}" in found:
            again += 1
        name = f"{name}.{again}"
    found[name] = text


def _of_vendor(value: bytes) -> Iterator[tuple[str, str]]:
    vendor = int.from_bytes(value[:4], "big")
    type_octets, length_octets = WIDTHS.get(vendor, (1, 1))
    head = type_octets + length_octets
    found, at = [], 4
    while at + head <= len(value):
        number = int.from_bytes(value[at : at + type_octets], "big")
        stated = int.from_bytes(value[at + type_octets : at + head], "big")
        length = stated if length_octets else len(value) - at
        if length < head or at + length > len(value):
            break
        octets = value[at + head : at + length]
        named = BY_VENDOR.get(vendor, {}).get(number)
        found.append(
            (f"Attr-26.{vendor}.{number}", _octets(octets))
            if named is None
            else _written(named, octets)
        )
        at += length
    # What the vendor wrote in a form of its own is kept whole.
    yield from found if at == len(value) and found else [("Attr-26", _octets(value))]


def _written(named: Named, value: bytes) -> tuple[str, str]:
    """Give name and text of a value; one of another length than its kind has, in hexadecimal digits."""
    if named.kind in (Kind.TAGGED_TEXT, Kind.TAGGED_NUMBER):
        return _tagged(named, value)
    return named.name, _reader(named)(value)


def _reader(named: Named) -> Callable[[bytes], str]:
    """Give what writes the values of an attribute without a tag."""
    values = named.values
    if named.kind is Kind.TEXT:
        return _text
    if named.kind is Kind.NUMBER and values:
        named_by = {number.to_bytes(4, "big"): text for number, text in values.items()}
        return lambda value: named_by.get(value) or _number_of(value)
    return _READERS[named.kind]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _octets(value: bytes) -> str:
    return f"0x{value.hex()}"


def _number_of(value: bytes) -> str:
    return str(int.from_bytes(value, "big")) if len(value) == 4 else _octets(value)


def _address(value: bytes) -> str:
    return ".".join(map(str, value)) if len(value) == 4 else _octets(value)


def _ipv6_address(value: bytes) -> str:
    return str(IPv6Address(value)) if len(value) == 16 else _octets(value)


def _ipv6_prefix(value: bytes) -> str:
    if not (2 <= len(value) <= 18 and value[1] <= 128):
        return _octets(value)
    return f"{IPv6Address(value[2:].ljust(16, UNSIGNED[:1]))}/{value[1]}"


def _interface(value: bytes) -> str:
    if len(value) != 8:
        return _octets(value)
    return ":".join(f"{int.from_bytes(value[n : n + 2], 'big'):x}" for n in (0, 2, 4, 6))


_READERS: Mapping[Kind, Callable[[bytes], str]] = {
    Kind.OCTETS: _octets,
    Kind.NUMBER: _number_of,
    Kind.ADDRESS: _address,
    Kind.DATE: _number_of,
    Kind.IPV6_ADDRESS: _ipv6_address,
    Kind.IPV6_PREFIX: _ipv6_prefix,
    Kind.INTERFACE: _interface,
}


def _tagged(named: Named, value: bytes) -> tuple[str, str]:
    """Give name and text of an attribute of one of several tunnels (RFC 2868)."""
    tag = value[0] if value and value[0] <= 0x1F else 0
    name = f"{named.name}:{tag}" if tag else named.name
    if named.kind is Kind.TAGGED_TEXT:
        return name, value[1 if value[:1] <= b"\x1f" else 0 :].decode("utf-8", "backslashreplace")
    if len(value) != 4:
        return named.name, _octets(value)
    return name, str(int.from_bytes(value[1:], "big"))


# The usual case, looked up once.
_PLAIN = {
    number: (named.name, _reader(named))
    for number, named in BY_NUMBER.items()
    if named.kind not in (Kind.TAGGED_TEXT, Kind.TAGGED_NUMBER)
}


def with_facts(fields: dict[str, str], client: str, received_s: int) -> dict[str, str]:
    """
    Add what follows from a request and how it came: who sent it when, whole counters, begin and id of its session.

    Shapes:
        client: the address it came from. received_s: seconds since 1970-01-01 UTC.
        Result: what a request says under one of these names itself is not believed.
    """
    whole = {name: text for name, text in fields.items() if name not in _FACTS}
    whole["Packet-Src-IPv6-Address" if ":" in client else "Packet-Src-IP-Address"] = client
    whole["Timestamp"] = str(received_s)
    return whole | derived(whole)


def derived(fields: dict[str, str]) -> dict[str, str]:
    """
    Give what follows from a request, as far as its attributes tell.

    Shapes:
        Result: Input-Octets, Output-Octets, with their gigawords; Event-Time and Acct-Session-Start-Time in seconds since
            1970-01-01 UTC; NAS, what the client calls itself, or its address; Acct-Unique-Session-Id.
    """
    found = {}
    for way in ("Input", "Output"):
        octets = _number(fields.get(f"Acct-{way}-Octets"))
        if octets is not None:
            gigawords = _number(fields.get(f"Acct-{way}-Gigawords")) or 0
            found[f"{way}-Octets"] = str(gigawords * GIGAWORD + octets)
    at = _at(fields)
    if at is not None:
        found["Event-Time"] = str(at)
        lasted = _number(fields.get("Acct-Session-Time")) or 0
        found["Acct-Session-Start-Time"] = str(at - lasted)
    nas = next((fields[name] for name in _NAS if fields.get(name)), None)
    if nas is not None:
        found["NAS"] = nas
    if "Acct-Session-Id" in fields and "Acct-Unique-Session-Id" not in fields:
        found["Acct-Unique-Session-Id"] = _unique(fields)
    return found


def _at(fields: dict[str, str]) -> int | None:
    """Tell when it was that a request tells of."""
    at = _number(fields.get("Event-Timestamp"))
    if at is not None:
        return at
    received = _number(fields.get("Timestamp"))
    return None if received is None else received - (_number(fields.get("Acct-Delay-Time")) or 0)


def _unique(fields: dict[str, str]) -> str:
    """Give the id of a session among those of all clients, as FreeRADIUS 3 computes it."""
    address = fields.get("NAS-IPv6-Address") or fields.get("NAS-IP-Address", "")
    names = "User-Name", "Acct-Session-Id"
    others = "NAS-Identifier", "NAS-Port-Id", "NAS-Port"
    texts = [*(fields.get(name, "") for name in names), address]
    texts += [fields.get(name, "") for name in others]
    return md5(",".join(texts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _number(text: str | None) -> int | None:
    if text is None or len(text) > DIGITS_MAX:
        return None
    return int(text) if text.isascii() and text.isdecimal() else None
