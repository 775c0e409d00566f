"""What routers export becomes, for each of our addresses, direction and hour, what went through: exactly."""

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmu.mediation import Decoding, Format, UndecodableError, decoding_faults
from bmuid.intake.decoding import decode

SAMPLES = Path(__file__).parents[2] / "samples/netflow"
NETWORKS = ("networks", "192.0.2.0/24, 2001:db8:1::/48")
OURS = Decoding(Format.NETFLOW, (NETWORKS,))
EIGHT, NINE = 1785744000, 1785747600  # of 3 August 2026, UTC


def lines(octets: bytes, *more: tuple[str, str], size: int = 1 << 20) -> list[dict[str, str]]:
    """Give the lines of a file."""
    decoding = Decoding(Format.NETFLOW, (NETWORKS, *more))
    assert list(decoding_faults(decoding)) == []
    blocks = (octets[start : start + size] for start in range(0, len(octets), size))
    return [json.loads(line) for line in decode(decoding, blocks)]


def used(octets: bytes, *more: tuple[str, str]) -> list[tuple[str, str, int, int, int]]:
    """Give address, direction, hour, octets and packets of the rows."""
    return [
        (
            row["address"],
            row["direction"],
            int(row["hour"]),
            int(row["octets"]),
            int(row["packets"]),
        )
        for row in lines(octets, *more)
        if "address" in row
    ]


# What was sent while softflowd listened: ten times 128 octets there, twenty times 1428 back, and so on.
SENT = [
    ("192.0.2.10", "in", EIGHT, 20 * 1428 + 4 * 100, 24),
    ("192.0.2.10", "out", EIGHT, 10 * 128, 10),
    ("192.0.2.11", "out", EIGHT, 4 * 100, 4),
    ("192.0.2.10", "in", NINE, 2 * 200, 2),
]
SENT_V6 = [("2001:db8:1:2::7", "out", NINE, 5 * 200, 5)]
FILES = {
    "softflowd-v5.flows": SENT,  # which knows no IPv6
    "softflowd-v9.flows": SENT + SENT_V6,
    "softflowd.ipfix": SENT + SENT_V6,
}


def captured(octets: bytes, order: str = "<", link: int = 1) -> bytes:
    """Give a capture of one export packet on its way, with another frame beside it."""
    udp = struct.pack("!HHHH", 2055, 2055, 8 + len(octets), 0) + octets
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + bytes(
        [198, 51, 100, 7] * 2
    )
    heads = {1: bytes(12) + b"\x81\x00\x00\x05\x08\x00", 101: b"", 113: bytes(14) + b"\x08\x00"}
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    found = struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for frame in (heads[link] + ip + udp, arp):
        found += struct.pack(f"{order}IIII", EIGHT, 0, len(frame), len(frame)) + frame
    return found


@pytest.mark.parametrize("name", FILES)
def test_what_went_through_is_counted_by_address_direction_and_hour(name: str) -> None:
    """Every octet that was sent from or to a customer stands in one row; what is no customer's is told apart."""
    octets = (SAMPLES / name).read_bytes()
    assert used(octets) == FILES[name]
    assert lines(octets)[-1] == {"#": "1 flows of 1500 octets between addresses that are not ours"}
    assert lines(octets, size=7) == lines(octets)
    for order, link in (("<", 1), (">", 101), ("<", 113)):
        capture = captured(octets, order, link)
        assert used(capture) == FILES[name]
        assert {row["exporter"] for row in lines(capture)[:-1]} == {"198.51.100.7"}


def test_a_customer_may_be_known_by_a_network() -> None:
    """A line with a /56 is one customer, whichever of its addresses is in use."""
    octets = (SAMPLES / "softflowd.ipfix").read_bytes()
    assert used(octets, ("ipv6_prefix", "56"))[-1][0] == "2001:db8:1::/56"


def test_flows_wait_for_their_template() -> None:
    """Packets that overtook the one that says how they are written are counted all the same."""
    octets = (SAMPLES / "softflowd-v9.flows").read_bytes()
    first, rest = 20, octets[20:]
    sets = []
    while rest:
        length = int.from_bytes(rest[2:4], "big")
        sets.append(rest[:length])
        rest = rest[length:]
    templates = b"".join(each for each in sets if each[:2] in (b"\0\0", b"\0\1"))
    flows = b"".join(each for each in sets if each[:2] not in (b"\0\0", b"\0\1"))
    head = octets[:first]
    assert used(head + flows + head + templates) == FILES["softflowd-v9.flows"]
    [fault] = lines(head + flows)
    assert fault["!"].startswith("1 packets with flows whose template is not in the file")


def test_a_router_that_samples_is_not_taken_for_one_that_counts() -> None:
    """What was sampled is refused, or multiplied where that was agreed upon."""
    octets = bytearray((SAMPLES / "softflowd-v5.flows").read_bytes())
    octets[22:24] = (1 << 14 | 100).to_bytes(2, "big")
    with pytest.raises(UndecodableError, match="only 1 in 100 packets"):
        lines(bytes(octets))
    assert used(bytes(octets), ("sampling", "scale")) == [
        (*where, octets * 100, packets * 100) for *where, octets, packets in SENT
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_off_is_refused(name: str) -> None:
    """Sums over half a file are nobody's usage."""
    octets = (SAMPLES / name).read_bytes()
    # A packet of NetFlow 9 doesn't tell its length: with fewer sets it is another one.
    ends, end = set(), 20
    while end < len(octets) and name == "softflowd-v9.flows":
        ends.add(end)
        end += int.from_bytes(octets[end + 2 : end + 4], "big")
    for cut in set(range(1, len(octets))) - ends:
        with pytest.raises(UndecodableError, match=r"ends within a packet|cut off"):
            lines(octets[:cut])


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(sorted(FILES)),
    changes=st.lists(
        st.tuples(st.integers(0, 700), st.binary(min_size=1, max_size=4)), max_size=5
    ),
    capture=st.booleans(),
)
def test_any_octets_are_rows_faults_or_no_such_file(
    name: str, changes: list[tuple[int, bytes]], *, capture: bool
) -> None:
    """Whatever a router or an attacker writes: sums, or a plain refusal."""
    octets = (SAMPLES / name).read_bytes()
    octets = captured(octets) if capture else octets
    for at, other in changes:
        octets = octets[:at] + other + octets[at + len(other) :]
    try:
        found = lines(octets)
    except UndecodableError:
        return
    assert all(isinstance(text, str) for row in found for text in row.values())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ((), "needs the setting networks"),
        ((("networks", "192.0.2.1/24"),), "has host bits set"),
        ((NETWORKS, ("sampling", "guess")), "expected refuse or scale"),
        ((NETWORKS, ("ipv6_prefix", "129")), "expected 1 to 128"),
        ((NETWORKS, ("network", "x")), "there is no setting 'network'"),
    ],
)
def test_settings_are_checked(wrong: tuple[tuple[str, str], ...], words: str) -> None:
    """A profile that can't be meant is refused before a file is read by it."""
    assert words in " ".join(decoding_faults(Decoding(Format.NETFLOW, wrong)))
