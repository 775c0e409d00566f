"""Records walked by the compiled form: the same lines to the last octet as by the plain functions, whatever they hold."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ber_records import (
    DATA,
    SERVICES,
    SESSION,
    cdr_file,
    charging_record,
    gateway_record,
    halves,
    number,
    switch_record,
    tap_batch,
    tap_file,
    time,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from bmu.mediation import ber
from bmu.mediation.asn1.framing import Stand
from bmu.mediation.asn1.quick import KINDS, quick_of
from bmu.mediation.asn1.tagmap import MAPS, TagMap, tag_map
from bmu.mediation.decoding import UndecodableError, decode
from bmu.mediation.profile import Decoding, Format

STAMP = time("2026-08-03T09:12:44+01:00")
CALL = {
    "recordType": 0,
    "servedIMSI": halves("001010123456789"),
    "servedMSISDN": number("447700900123"),
    "callingNumber": bytes([0x11, 0xA1]) + halves("447700900123"),
    "calledNumber": number("2079460123", "national"),
    "recordingEntity": number("447700900000"),
    "mscIncomingTKGP": ("tkgpName", "LON-7"),
    "mscOutgoingTKGP": ("tkgpNumber", 19),
    "location": {"locationAreaCode": b"\x12\x34", "cellId": b"\x00\x10"},
    "changeOfLocation": [{"location": {"locationAreaCode": b"\x12\x34", "cellId": b"\x00\x10"}, "changeTime": STAMP}] * 2,
    "basicService": ("teleservice", b"\x11"),
    "supplServicesUsed": [{"ssCode": b"\x21", "ssTime": STAMP}],
    "msClassmark": b"\x33\x19",
    "answerTime": STAMP,
    "callDuration": 73,
    "causeForTerm": 0,
    "diagnostics": ("gsm0408Cause", 16),
    "callReference": b"\x4a\x01\x02",
    "sequenceNumber": -300,
    "levelOfCAMELService": (0b101, 3),
    "redial": True,
    "iCSI2ActiveFlag": 0,
}  # fmt: skip
MESSAGE = {
    "recordType": 6,
    "servedIMSI": halves("001010123456789"),
    "msClassmark": b"\x33",
    "serviceCentre": number("447700900999"),
    "recordingEntity": number("447700900000"),
    "messageReference": b"\x07",
    "originationTime": STAMP,
    "destinationNumber": b"\x0c" + number("447700900456"),
}


EACH = {"3gpp-gprs": "listOfServiceData", "3gpp-chf": "listOfMultipleUnitUsage"}


def lines(
    octets: bytes, map_code: str = "3gpp-msc", size: int = 1 << 20, *, each: str = ""
) -> list[bytes]:
    """Give the lines of a file, or of one that is none, none."""
    wanted = Decoding(Format.BER, (("map", map_code), ("each", each)))
    blocks = (octets[n : n + size] for n in range(0, len(octets), size))
    try:
        return list(decode(wanted, blocks))
    except UndecodableError as error:
        return [str(error).encode()]


def no_quick(_tag_map: TagMap) -> None:
    """Say that no compiler was there."""


@contextmanager
def plain() -> Iterator[None]:
    """Read without the compiled form."""
    there = ber.quick_of
    ber.quick_of = no_quick
    try:
        yield
    finally:
        ber.quick_of = there


def plain_lines(octets: bytes, map_code: str = "3gpp-msc", *, each: str = "") -> list[bytes]:
    """Give the lines that the plain functions make."""
    with plain():
        return lines(octets, map_code, each=each)


def call(**other: object) -> bytes:
    """Give the octets of a call."""
    return switch_record("moCallRecord", CALL | other)


def files() -> Iterator[tuple[str, bytes]]:
    """Give files of all kinds, with the map that they are read by."""
    message = switch_record("moSMSRecord", MESSAGE)
    yield "3gpp-msc", call() + b"\xff\xff" + message + b"\0" * 40 + call(sequenceNumber=1)
    yield "3gpp-msc", cdr_file([call(), message, call()])
    yield "3gpp-msc", cdr_file([call(), message], extended=True, said=3)
    records = call() + message
    yield "3gpp-msc", b"\x30\x82" + len(records).to_bytes(2, "big") + records + call()
    yield "3gpp-msc", b"\x30\x80" + records + b"\0\0" + call()
    with written("LUNDEF"):
        marked = call()
    yield "3gpp-msc", call() + marked + call()
    yield "3gpp-gprs", gateway_record("pGWRecord", DATA | {"listOfServiceData": SERVICES}) * 2
    yield "3gpp-chf", charging_record(SESSION) * 2
    yield "gsma-tap3", tap_file(tap_batch())


class TestTheSameLines:
    """What the compiled form makes, and what it leaves."""

    def test_it_makes_lines_of_plain_records(self) -> None:
        """All of these at once, up to one whose end is marked; where there is a compiler, it is there."""
        quick = quick_of(tag_map("3gpp-msc"))
        assert quick is not None
        with written("LUNDEF"):
            marked = call()
        octets = call() * 3 + b"\0\0" + switch_record("moSMSRecord", MESSAGE)
        made, at = quick(octets + marked, 0, len(octets + marked), Stand.PADDED)

        assert (len(made), at) == (4, len(octets))
        assert made == plain_lines(octets)

    def test_every_file_has_the_same_lines(self) -> None:
        """Of all kinds, and however they are cut into blocks."""
        for map_code, octets in files():
            expected = plain_lines(octets, map_code)
            assert lines(octets, map_code) == expected
            assert lines(octets, map_code, 13) == expected
            each = EACH.get(map_code, "changeOfLocation")
            assert lines(octets, map_code, each=each) == plain_lines(octets, map_code, each=each)

    def test_octets_that_were_changed_have_the_same_lines(self) -> None:
        """Thousands of files with octets changed, taken out, put in, or cut."""
        chance = random.Random(7)
        for map_code, octets in files():
            for _ in range(150):
                changed = bytearray(octets)
                for _ in range(chance.choice((1, 1, 1, 2, 4))):
                    place = chance.randrange(len(changed))
                    match chance.randrange(5):
                        case 0:
                            del changed[place]
                        case 1:
                            changed.insert(place, chance.randrange(256))
                        case _:
                            changed[place] = chance.choice(
                                (0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256))
                            )
                assert lines(bytes(changed), map_code) == plain_lines(bytes(changed), map_code)

    def test_every_truncation_has_the_same_lines(self) -> None:
        """Wherever a file ends."""
        octets = call() + b"\xff" + switch_record("moSMSRecord", MESSAGE) + b"\0"
        for end in range(len(octets)):
            assert lines(octets[:end]) == plain_lines(octets[:end])

    @given(
        tag=st.integers(0, 140),
        content=st.binary(max_size=40),
        constructed=st.booleans(),
        more=st.binary(max_size=12),
    )
    @settings(deadline=None, max_examples=500)
    def test_any_field_has_the_same_text(
        self, *, tag: int, content: bytes, constructed: bool, more: bytes
    ) -> None:
        """Whatever stands in any field of a call, a message, or one that no map names."""
        head = 0x80 | 0x20 * constructed
        named = (
            bytes([head | tag])
            if tag < 31
            else bytes([head | 31])
            + (bytes([0x80 | tag >> 7]) if tag > 127 else b"")
            + bytes([tag & 127])
        )
        inner = named + bytes([len(content)]) + content + more
        for record in (0xA0, 0xA1, 0xA6, 0xAA):
            octets = call() + bytes([record, 0x81, len(inner)]) + inner + call()
            assert lines(octets) == plain_lines(octets)

    @given(
        digits=st.binary(max_size=12),
        kind=st.integers(0, 255),
        presentation=st.integers(0, 255),
    )
    @settings(deadline=None, max_examples=300)
    def test_any_number_has_the_same_digits(
        self, *, digits: bytes, kind: int, presentation: int
    ) -> None:
        """With or without octet 3a, fillers anywhere."""
        octets = call(calledNumber=bytes([kind, presentation]) + digits) + switch_record(
            "moSMSRecord", MESSAGE | {"destinationNumber": bytes([kind, presentation]) + digits}
        )

        assert lines(octets) == plain_lines(octets)

    @given(
        octets=st.binary(min_size=9, max_size=9), near=st.booleans(), sign=st.sampled_from(b"+-")
    )
    @settings(deadline=None, max_examples=400)
    def test_any_time_is_the_same_instant(self, *, octets: bytes, near: bool, sign: int) -> None:
        """Days that there are, and others."""
        found = bytearray(octets)
        found[6] = sign
        if near:
            for place, limit in enumerate((100, 13, 32, 25, 61, 61, 0, 25, 61)):
                if limit:
                    value = found[place] % limit
                    found[place] = value // 10 << 4 | value % 10
        record = call(answerTime=bytes(found))

        assert lines(record) == plain_lines(record)

    @given(
        groups=st.lists(
            st.sampled_from([0, 0, 0, 1, 0xFF, 0xFFFF, 0x2001]), min_size=8, max_size=8
        )
    )
    @settings(deadline=None, max_examples=400)
    def test_any_address_is_written_the_same(self, *, groups: list[int]) -> None:
        """With the longest gap left out, wherever it is."""
        address = b"".join(group.to_bytes(2, "big") for group in groups)
        given_address = ("iPBinaryAddress", ("iPBinV6Address", ("iPBinV6Address", address)))
        octets = gateway_record("pGWRecord", DATA | {"p-GWAddress": given_address})

        assert lines(octets, "3gpp-gprs") == plain_lines(octets, "3gpp-gprs")

    def test_lists_that_fill_a_line_and_more_are_the_same(self) -> None:
        """Around the length that a line may have, with the sums behind."""
        for services in (58, 60, 61, 62, 63, 64, 65, 66, 70, 150):
            record = DATA | {"listOfServiceData": SERVICES * services}
            octets = gateway_record("pGWRecord", record)
            for each in ("", "listOfServiceData"):
                assert lines(octets, "3gpp-gprs", each=each) == plain_lines(
                    octets, "3gpp-gprs", each=each
                )

    def test_what_is_too_much_is_left_alone(self) -> None:
        """Names, fields and lines without bound."""
        many = b"\xad\x83" + (8 * 6000).to_bytes(3, "big") + b"\x30\x06\x80\x01a\x82\x01b" * 6000
        deep = b"\xad\x7e" + b"\x30\x7c" + b"\xa0\x7a" * 1 + b"\xa0\x78" * 1 + bytes(120)
        for inner in (many, deep, b"\x9f\x81\x48\x01\x01" * 40, b"\x99\x01\x01\x99\x01\x01"):
            octets = call() + b"\xa0\x84" + len(inner).to_bytes(4, "big") + inner + call()
            assert lines(octets) == plain_lines(octets)


class TestTheMapHandedIn:
    """What is handed to the compiled form is looked at."""

    @pytest.mark.parametrize("code", MAPS)
    def test_every_map_is_good(self, code: str) -> None:
        """Those that come with bmuid, to the last kind."""
        assert quick_of(tag_map(code)) is not None

    @pytest.mark.parametrize(
        ("kinds", "structures", "records"),
        [
            (((len(KINDS), 0, ()),), ((),), 0),
            (((1, 5, ()),), ((),), 0),
            (((0, 1, ()),), ((),), 0),
            (((3, 0, ((1, "text"),)),), ((),), 0),
            (((4, 0, ()),), (((5, 1, b"a"),),), 0),
            (((4, 0, ()),), (((5, 0, b"a"), (5, 0, b"b")),), 0),
            (((4, 0, ()),), (((5, 0, b"a" * 500),),), 0),
            ((), (), 0),
            (((4, 0, ()),), ((),), -1),
        ],
    )
    def test_one_that_is_none_is_refused(
        self, kinds: object, structures: object, records: int
    ) -> None:
        """It would lead anywhere in memory."""
        walk = pytest.importorskip("bmu.mediation.asn1._walk")

        with pytest.raises((ValueError, TypeError)):
            walk.prepare(kinds, structures, records)

    @pytest.mark.parametrize(("at", "end", "stand"), [(-1, 2, 0), (3, 2, 0), (0, 9, 0), (0, 2, 3)])
    def test_a_place_that_is_none_is_refused(self, at: int, end: int, stand: int) -> None:
        """Nothing is read beyond the octets."""
        walk = pytest.importorskip("bmu.mediation.asn1._walk")
        prepared = walk.prepare(((4, 0, ()),), ((),), 0)

        with pytest.raises(ValueError, match="no place in the octets"):
            walk.lines(prepared, b"\0\0", at, end, stand)
