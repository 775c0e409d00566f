"""RADIUS packets are read as FreeRADIUS names them, believed only with the secret, and answered as RFC 2866 says."""

import hashlib
import io
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyrad import dictionary, packet

from bmu.mediation import radius
from bmu.mediation.radius import NoPacketError
from bmu.mediation.radius_names import BY_NUMBER, BY_VENDOR, VALUES, Kind

SECRET = b"a shared secret, long"
FREERADIUS = Path("/usr/share/freeradius")
VENDOR_PAGES = {
    9: "cisco", 2011: "huawei", 3561: "rfc4679", 4874: "erx", 10415: "3gpp", 14122: "wispr", 14988: "mikrotik",
}  # fmt: skip
KINDS = {
    "string": {Kind.TEXT, Kind.TAGGED_TEXT}, "octets": {Kind.OCTETS}, "integer": {Kind.NUMBER, Kind.TAGGED_NUMBER},
    "ipaddr": {Kind.ADDRESS}, "date": {Kind.DATE}, "ipv6addr": {Kind.IPV6_ADDRESS},
    "ipv6prefix": {Kind.IPV6_PREFIX}, "ifid": {Kind.INTERFACE},
}  # fmt: skip
PYRAD = dictionary.Dictionary(
    io.StringIO(
        "ATTRIBUTE User-Name 1 string\nATTRIBUTE NAS-IP-Address 4 ipaddr\nATTRIBUTE Class 25 octets\n"
        "ATTRIBUTE Acct-Status-Type 40 integer\nATTRIBUTE Acct-Input-Octets 42 integer\n"
        "ATTRIBUTE Acct-Session-Id 44 string\nATTRIBUTE Acct-Input-Gigawords 52 integer\n"
        "ATTRIBUTE Event-Timestamp 55 date\nATTRIBUTE Message-Authenticator 80 octets\n"
        "ATTRIBUTE NAS-IPv6-Address 95 ipv6addr\nATTRIBUTE Framed-IPv6-Prefix 97 ipv6prefix\n"
        "VENDOR 3GPP 10415\nBEGIN-VENDOR 3GPP\nATTRIBUTE 3GPP-IMSI 1 string\n"
        "ATTRIBUTE 3GPP-Charging-ID 2 integer\nEND-VENDOR 3GPP\n"
    )
)


def request(**attributes: object) -> packet.AcctPacket:
    """Give a request as pyrad makes it; `_` stands for `-`."""
    made = packet.AcctPacket(dict=PYRAD, secret=SECRET, id=7)
    for name, value in attributes.items():
        made[name.replace("_", "-").replace("G3PP", "3GPP")] = value
    return made


def raw(*attributes: tuple[int, bytes]) -> bytes:
    """Give the octets of an authentic request with these attributes."""
    body = b"".join(bytes((number, len(value) + 2)) + value for number, value in attributes)
    head = bytes((4, 1)) + (20 + len(body)).to_bytes(2, "big")
    return head + hashlib.md5(head + bytes(16) + body + SECRET).digest() + body


def fields(datagram: bytes) -> dict[str, str]:
    """Give the named texts of a packet."""
    return radius.fields_of(radius.packet_of(datagram))


def test_another_encoder_is_understood() -> None:
    """What pyrad writes is read with the names and texts of FreeRADIUS; its client believes our answer."""
    made = request(
        User_Name="alice@isp.example", NAS_IP_Address="192.0.2.1", Acct_Status_Type=3, Acct_Session_Id="2A",
        Acct_Input_Octets=5, Acct_Input_Gigawords=2, Event_Timestamp=1790000000, NAS_IPv6_Address="2001:db8::1",
        Framed_IPv6_Prefix="2001:db8:1::/48", G3PP_IMSI="001010123456789", G3PP_Charging_ID=77,
    )  # fmt: skip
    octets = made.RequestPacket()

    assert radius.is_authentic(radius.packet_of(octets), SECRET)
    assert fields(octets) == {
        "User-Name": "alice@isp.example",
        "NAS-IP-Address": "192.0.2.1",
        "Acct-Status-Type": "Interim-Update",
        "Acct-Session-Id": "2A",
        "Acct-Input-Octets": "5",
        "Acct-Input-Gigawords": "2",
        "Event-Timestamp": "1790000000",
        "NAS-IPv6-Address": "2001:db8::1",
        "Framed-IPv6-Prefix": "2001:db8:1::/48",
        "3GPP-IMSI": "001010123456789",
        "3GPP-Charging-ID": "77",
    }
    answer = radius.answer_to(radius.packet_of(octets), SECRET)
    assert made.VerifyReply(made.CreateReply(packet=answer), answer)
    assert not made.VerifyReply(
        made.CreateReply(packet=answer), radius.answer_to(radius.packet_of(octets), b"other")
    )


def test_a_message_authenticator_is_checked_and_given_back() -> None:
    """A client that signs twice is believed only when both fit, and its answer is signed as well."""
    made = request(User_Name="alice", Acct_Status_Type=1)
    made.add_message_authenticator()
    octets = made.RequestPacket()
    found = radius.packet_of(octets)

    assert radius.is_authentic(found, SECRET)
    assert fields(octets) == {"User-Name": "alice", "Acct-Status-Type": "Start"}
    place = next(one.start for one in found.attributes if one.number == 80)
    broken = bytearray(octets)
    broken[place] ^= 1
    broken[4:20] = hashlib.md5(broken[:4] + bytes(16) + broken[20:] + SECRET).digest()
    assert not radius.is_authentic(radius.packet_of(bytes(broken)), SECRET)
    assert radius.packet_of(radius.answer_to(found, SECRET)).attributes[0].number == 80


def test_proxies_find_their_own_attributes_in_the_answer() -> None:
    """What proxies put in comes back unchanged, in its order (RFC 2865, 5.33)."""
    answer = radius.answer_to(
        radius.packet_of(raw((33, b"one"), (44, b"x"), (33, b"two"))), SECRET
    )
    assert [one.value for one in radius.packet_of(answer).attributes] == [b"one", b"two"]


def test_only_who_knows_the_secret_is_believed() -> None:
    """Whatever octet of a request is changed, and whatever else the secret is: it is not authentic."""
    octets = raw((1, b"alice"), (40, b"\0\0\0\1"))
    assert radius.is_authentic(radius.packet_of(octets), SECRET)
    assert not radius.is_authentic(radius.packet_of(octets), b"another secret")
    for place in [*range(2), *range(4, 20), *range(22, 27), *range(29, len(octets))]:
        changed = bytearray(octets)
        changed[place] ^= 0x40
        assert not radius.is_authentic(radius.packet_of(bytes(changed)), SECRET), place


@given(st.binary(max_size=200))
@example(b"")
@example(bytes(19))
@example(raw((26, b"\0\0")))
@example(raw((97, b"\0\x81" + bytes(16))))
@example(raw((64, b"")))
def test_any_octets_are_a_packet_or_none(octets: bytes) -> None:
    """Whatever comes is read, or refused with a reason; nothing else ever happens."""
    length = max(len(octets), 20).to_bytes(2, "big")
    for datagram in (octets, octets[:2] + length + octets[4:]):
        try:
            found = radius.packet_of(datagram)
        except NoPacketError:
            continue
        radius.is_authentic(found, SECRET)
        radius.with_facts(radius.fields_of(found), "192.0.2.1", 1)
        radius.packet_of(radius.answer_to(found, SECRET))


@given(st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=60)), max_size=20))
def test_no_attribute_is_lost(attributes: list[tuple[int, bytes]]) -> None:
    """Repeated, unknown, of a wrong length: each attribute has a text under a name of its own."""
    kept = [(number, value) for number, value in attributes if number not in (26, 80)]
    assert len(fields(raw(*kept))) == len(kept)


@pytest.mark.parametrize(
    ("attribute", "name", "text"),
    [
        ((25, b"\x01\xff"), "Class", "0x01ff"),
        ((8, b"\xc6\x33\x64\x07"), "Framed-IP-Address", "198.51.100.7"),
        ((8, b"\xc6\x33\x64"), "Framed-IP-Address", "0xc63364"),
        ((61, b"\0\0\0\x0f"), "NAS-Port-Type", "Ethernet"),
        ((61, b"\0\0\1\0"), "NAS-Port-Type", "256"),
        ((96, b"\x02\0\0\xff\xfe\0\0\1"), "Framed-Interface-Id", "200:ff:fe00:1"),
        ((97, b"\0\x20\x20\x01\x0d\xb8"), "Framed-IPv6-Prefix", "2001:db8::/32"),
        ((66, b"\x01198.51.100.1"), "Tunnel-Client-Endpoint:1", "198.51.100.1"),
        ((66, b"198.51.100.1"), "Tunnel-Client-Endpoint", "198.51.100.1"),
        ((64, b"\x02\0\0\3"), "Tunnel-Type:2", "3"),
        ((1, b"al\xffice"), "User-Name", "al\\xffice"),
        ((200, b"\x01"), "Attr-200", "0x01"),
        ((26, b"\0\0\0\x09\x01\x07a=b c"), "Cisco-AVPair", "a=b c"),
        ((26, b"\0\0\0\x09\xfe\x03\x01"), "Attr-26.9.254", "0x01"),
        ((26, b"\0\0\x1f\xe4\0\x02\0\x05x"), "Attr-26.8164.2", "0x78"),
        ((26, b"\0\0\0\x09\x01\x09ab"), "Attr-26", "0x0000000901096162"),
        ((26, b"\0\0\0\x09"), "Attr-26", "0x00000009"),
    ],
)  # fmt: skip
def test_values_are_written_as_people_read_them(
    attribute: tuple[int, bytes], name: str, text: str
) -> None:
    """Addresses, prefixes, names of numbers; what is not as its kind says, in hexadecimal digits."""
    assert fields(raw(attribute)) == {name: text}


def test_what_follows_from_a_request_is_added_and_not_believed() -> None:
    """Whole counters, begin and id of the session; a client can't say from where its request came."""
    said = {
        "User-Name": "alice", "Acct-Session-Id": "2A", "NAS-IP-Address": "192.0.2.1", "NAS-Port": "7",
        "Acct-Input-Octets": "5", "Acct-Input-Gigawords": "3", "Acct-Session-Time": "60", "Acct-Delay-Time": "5",
        "Timestamp": "1", "Packet-Src-IP-Address": "198.51.100.1",
    }  # fmt: skip
    found = radius.with_facts(said, "192.0.2.9", 1790000100)

    assert found["Packet-Src-IP-Address"] == "192.0.2.9"
    assert found["Input-Octets"] == str(3 * 2**32 + 5)
    assert "Output-Octets" not in found
    assert found["Event-Time"] == str(1790000100 - 5)
    assert found["Acct-Session-Start-Time"] == str(1790000100 - 5 - 60)
    assert found["NAS"] == "192.0.2.1"
    told = radius.with_facts(said | {"Event-Timestamp": "1790000050"}, "2001:db8::1", 1790000100)
    assert told["Acct-Session-Start-Time"] == str(1790000050 - 60)
    assert told["Packet-Src-IPv6-Address"] == "2001:db8::1"
    assert radius.with_facts({"NAS": "x"}, "192.0.2.9", 1)["NAS"] == "192.0.2.9"
    assert (
        radius.with_facts(said | {"NAS-Identifier": "bras-1"}, "192.0.2.9", 1)["NAS"] == "bras-1"
    )
    unique = hashlib.md5(b"alice,2A,192.0.2.1,,,7").hexdigest()
    assert found["Acct-Unique-Session-Id"] == told["Acct-Unique-Session-Id"] == unique


def test_names_and_numbers_are_those_of_freeradius() -> None:
    """Live packets and FreeRADIUS's own detail files are read by one profile."""
    pages = {
        page: (FREERADIUS / f"dictionary.{page}").read_text() for page in VENDOR_PAGES.values()
    }
    standard = "".join(path.read_text() for path in sorted(FREERADIUS.glob("dictionary.rfc*")))
    of_pages = [(standard, BY_NUMBER)] + [
        (pages[VENDOR_PAGES[vendor]], BY_VENDOR[vendor]) for vendor in BY_VENDOR
    ]
    for text, known in of_pages:
        lines = re.findall(r"^ATTRIBUTE\s+(\S+)\s+(\d+)\s+([a-z0-9]+)", text, re.MULTILINE)
        told = {(name, int(number)): kind for name, number, kind in lines}
        for number, named in known.items():
            assert named.kind in KINDS[told[named.name, number]], named.name
    names = {
        (a, b): int(c)
        for a, b, c in re.findall(r"^VALUE\s+(\S+)\s+(\S+)\s+(\d+)", standard, re.MULTILINE)
    }
    for name, values in VALUES.items():
        assert all(names[name, text] == number for number, text in values.items()), name
