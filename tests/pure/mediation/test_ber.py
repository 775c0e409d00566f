"""Call records in BER: what an independent encoder puts into them is what their rows say, whatever else the file holds."""

import json
import random
from collections.abc import Iterator, Mapping

import pytest
from ber_records import (
    cdr_file,
    encoded,
    halves,
    number,
    switch_record,
    time,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrate_asn1dir import CDR, TAP3

from bmu.mediation.asn1.tagmap import (
    Choices,
    Kind,
    Many,
    Parted,
    Structure,
    Value,
    Word,
    tag_map,
)
from bmu.mediation.asn1.tlv import CLASS_SHIFT
from bmu.mediation.decoding import UndecodableError, decode, decoding_faults
from bmu.mediation.profile import Decoding, Format

Row = dict[str, str]

# Numbers that no customer has: +44 7700 900xxx and 020 7946 0xxx are kept for stories, as is network 001-01.
CALL = {
    "recordType": 0,
    "servedIMSI": halves("001010123456789"),
    "servedIMEI": halves("3569380356438090"),
    "servedMSISDN": number("447700900123"),
    "callingNumber": bytes([0x11, 0xA1]) + halves("447700900123"),
    "calledNumber": number("2079460123", "national"),
    "recordingEntity": number("447700900000"),
    "mscIncomingTKGP": ("tkgpName", "LON-7"),
    "mscOutgoingTKGP": ("tkgpNumber", 19),
    "location": {"locationAreaCode": b"\x12\x34", "cellId": b"\x00\x10"},
    "changeOfLocation": [
        {
            "location": {"locationAreaCode": b"\x12\x35", "cellId": b"\x00\x11"},
            "changeTime": time("2026-08-03T09:13:00+01:00"),
        }
    ],
    "basicService": ("teleservice", b"\x11"),
    "seizureTime": time("2026-08-03T09:12:40+01:00"),
    "answerTime": time("2026-08-03T09:12:44+01:00"),
    "releaseTime": time("2026-08-03T09:13:57+01:00"),
    "callDuration": 73,
    "causeForTerm": 0,
    "diagnostics": ("gsm0408Cause", 16),
    "callReference": b"\x4a\x01\x02",
    "sequenceNumber": 300,
    "redial": False,
    "iCSI2ActiveFlag": 0,
}
CALL_ROW = {
    "record": "moCallRecord",
    "recordType": "moCallRecord",
    "servedIMSI": "001010123456789",
    "servedIMEI": "3569380356438090",
    "servedMSISDN": "+447700900123",
    "servedMSISDN.ton": "international",
    "servedMSISDN.npi": "1",
    "callingNumber": "+447700900123",
    "callingNumber.ton": "international",
    "callingNumber.npi": "1",
    "callingNumber.presentation": "restricted",
    "calledNumber": "2079460123;national",
    "calledNumber.ton": "national",
    "calledNumber.npi": "1",
    "recordingEntity": "+447700900000",
    "recordingEntity.ton": "international",
    "recordingEntity.npi": "1",
    "mscIncomingTKGP": "LON-7",
    "mscOutgoingTKGP": "19",
    "location.locationAreaCode": "1234",
    "location.cellId": "0010",
    "changeOfLocation.0.location.locationAreaCode": "1235",
    "changeOfLocation.0.location.cellId": "0011",
    "changeOfLocation.0.changeTime": "2026-08-03T09:13:00+01:00",
    "changeOfLocation.0.changeTime.epoch": "1785744780",
    "basicService.teleservice": "11",
    "seizureTime": "2026-08-03T09:12:40+01:00",
    "seizureTime.epoch": "1785744760",
    "answerTime": "2026-08-03T09:12:44+01:00",
    "answerTime.epoch": "1785744764",
    "releaseTime": "2026-08-03T09:13:57+01:00",
    "releaseTime.epoch": "1785744837",
    "callDuration": "73",
    "causeForTerm": "normalRelease",
    "diagnostics.gsm0408Cause": "16",
    "callReference": "4a0102",
    "sequenceNumber": "300",
    "redial": "false",
    "iCSI2ActiveFlag": "true",
}
MESSAGE = {
    "recordType": 6,
    "servedIMSI": halves("001010123456789"),
    "servedMSISDN": number("447700900123"),
    "msClassmark": b"\x33",
    "serviceCentre": number("447700900999"),
    "recordingEntity": number("447700900000"),
    "messageReference": b"\x07",
    "originationTime": time("2026-08-03T23:59:59-03:30"),
    "destinationNumber": b"\x0c" + number("447700900456"),
}


def decoding(map_code: str = "3gpp-msc", **more: str) -> Decoding:
    """Give a decoding of BER without faults."""
    found = Decoding(Format.BER, (("map", map_code), *more.items()))
    assert list(decoding_faults(found)) == []
    return found


def rows(octets: bytes, wanted: Decoding | None = None, size: int = 1 << 20) -> list[Row]:
    """Give the rows of a file that is read in blocks of some size."""
    blocks = (octets[n : n + size] for n in range(0, len(octets), size))
    return [json.loads(line) for line in decode(wanted or decoding(), blocks)]


def call(**other: object) -> bytes:
    """Give the octets of a call."""
    return switch_record("moCallRecord", CALL | other)


def call_row(**other: str) -> Row:
    """Give the row of a call."""
    return CALL_ROW | other


class TestRecords:
    """One record."""

    def test_a_call_says_what_its_octets_say(self) -> None:
        """Numbers with their type, times with their zone, choices, lists, flags."""
        assert rows(call()) == [CALL_ROW]

    def test_a_message_says_what_its_octets_say(self) -> None:
        """A message's destination is written with its length; some leave that out."""
        expected = {
            "record": "moSMSRecord",
            "recordType": "moSMSRecord",
            "servedIMSI": "001010123456789",
            "servedMSISDN": "+447700900123",
            "servedMSISDN.ton": "international",
            "servedMSISDN.npi": "1",
            "tag4": "33",
            "serviceCentre": "+447700900999",
            "serviceCentre.ton": "international",
            "serviceCentre.npi": "1",
            "recordingEntity": "+447700900000",
            "recordingEntity.ton": "international",
            "recordingEntity.npi": "1",
            "messageReference": "07",
            "originationTime": "2026-08-03T23:59:59-03:30",
            "originationTime.epoch": "1785814199",
            "destinationNumber": "+447700900456",
            "destinationNumber.ton": "international",
            "destinationNumber.npi": "1",
        }
        bare = MESSAGE | {"destinationNumber": number("447700900456")}

        assert rows(switch_record("moSMSRecord", MESSAGE)) == [expected]
        assert rows(switch_record("moSMSRecord", bare)) == [expected]

    @pytest.mark.parametrize(
        "ways", [("LUNDEF",), ("LLONG",), ("OSTR_FRAG",), ("LUNDEF", "LLONG", "OSTR_FRAG")]
    )
    def test_every_way_to_write_it_says_the_same(self, ways: tuple[str, ...]) -> None:
        """Ends that are marked, lengths longer than needed, strings in pieces."""
        with written(*ways):
            octets = call()

        assert octets != call()
        assert rows(octets + call()) == [CALL_ROW, CALL_ROW]

    def test_what_the_map_does_not_name_is_kept_in_hexadecimal(self) -> None:
        """A vendor's own field is there under its tag, or under the name that a site gives it."""
        octets = call()
        further = (
            octets[:1] + bytes([0x81, len(octets) - 3 + 5]) + octets[3:] + b"\x9f\x81\x48\x01\x2a"
        )
        named = decoding(**{"field.moCallRecord.tariffClass": "200 int"})

        assert octets[1] == 0x81
        assert rows(further) == [call_row(tag200="2a")]
        assert rows(further, named) == [call_row(tariffClass="42")]

    def test_a_value_that_is_none_of_its_kind_costs_no_record(self) -> None:
        """It is given with 0x before it, so that nothing takes it for a time or a number."""
        bad = call(
            seizureTime=b"\xff" * 9,
            servedIMEI=b"\x1f" * 8,
            calledNumber=b"\x91\xf1\x23",
            servedMSISDN=b"\x91",
        )

        assert rows(bad) == [
            {name: text for name, text in call_row(
                seizureTime="0x" + "ff" * 9, servedIMEI="0x" + "1f" * 8, calledNumber="0x91f123", servedMSISDN=""
            ).items() if name not in {"calledNumber.ton", "calledNumber.npi", "seizureTime.epoch"}}
        ]  # fmt: skip

    @given(
        seconds=st.integers(0, 1 << 40),
        sequence=st.integers(-(1 << 62), 1 << 62),
        called=st.text("0123456789*#", min_size=1, max_size=20),
        ton=st.sampled_from(["unknown", "national", "network", "subscriber"]),
        trunk=st.text(st.characters(min_codepoint=0, max_codepoint=127), max_size=20),
        reference=st.binary(min_size=1, max_size=8),
        changes=st.integers(0, 4),
    )
    @settings(deadline=None, max_examples=150)
    def test_what_was_put_in_is_read(  # noqa: PLR0913
        self,
        *,
        seconds: int,
        sequence: int,
        called: str,
        ton: str,
        trunk: str,
        reference: bytes,
        changes: int,
    ) -> None:
        """Any figures, digits and texts come out as they went in."""
        change = {"location": CALL["location"], "changeTime": CALL["seizureTime"]}
        octets = call(
            callDuration=seconds,
            sequenceNumber=sequence,
            calledNumber=number(called.replace("*", "a").replace("#", "b"), ton),
            mscIncomingTKGP=("tkgpName", trunk),
            callReference=reference,
            changeOfLocation=[change] * changes,
        )
        row = rows(octets)[0]

        assert row["callDuration"] == str(seconds)
        assert row["sequenceNumber"] == str(sequence)
        is_national = ton == "national" and called.isdecimal()
        expected = f"{called};national" if is_national else called
        assert (row["calledNumber"], row["calledNumber.ton"]) == (expected, ton)
        assert row["mscIncomingTKGP"] == trunk
        assert row["callReference"] == reference.hex()
        assert sum(name.endswith(".changeTime") for name in row) == changes


class TestMaps:
    """The tags of the maps, against those of an independent library."""

    @pytest.mark.parametrize(
        ("code", "records"),
        [
            ("3gpp-msc", CDR.CSChargingDataTypes.CSRecord),
            ("3gpp-gprs", CDR.GPRSChargingDataTypes.GPRSRecord),
        ],
    )
    def test_each_tag_has_its_name(self, code: str, records: object) -> None:
        """Every name, tag and shape of the records agrees, however deep."""
        compared = 0
        for tag, field in tag_map(code).records.items():
            theirs = records._cont[field.name]  # type: ignore[attr-defined]
            assert theirs._tagc[0] == (tag >> CLASS_SHIFT, tag & 0xFFFF)
            compared += agreeing(field.kind, theirs)
        assert compared > 100

    def test_each_tag_of_tap_has_its_name(self) -> None:
        """In TAP a tag means the same wherever it stands."""
        theirs: dict[str, set[int]] = {}
        gather(TAP3.TAP_0312.TransferBatch, theirs, set())
        gather(TAP3.TAP_0312.Notification, theirs, set())
        structure = tag_map("gsma-tap3").records[(1 << CLASS_SHIFT) + 9].kind

        assert isinstance(structure, Structure)
        # A list and its elements have names of their own there; these are such lists, or their elements.
        ours = {field.name: tag & 0xFFFF for tag, field in structure.fields.items()}
        for name, tag in ours.items():
            known = theirs.get(name, {tag})
            assert tag in known, name
        assert len(ours.keys() & theirs.keys()) > 150


def agreeing(kind: Kind, theirs: object) -> int:
    """Compare a type with theirs, and all within it; give how many fields were compared."""
    theirs_is = theirs.TYPE  # type: ignore[attr-defined]
    match kind:
        case Structure() if theirs_is in {"SET", "SEQUENCE", "CHOICE"}:
            return members(kind, theirs)
        case Many(element=element):
            assert theirs_is in {"SET OF", "SEQUENCE OF"}
            return agreeing(element, theirs._cont)  # type: ignore[attr-defined]
        case Choices(among=among):
            assert theirs_is in {"SET OF", "SEQUENCE OF"}
            return members(among, theirs._cont)  # type: ignore[attr-defined]
        case Value(kind=value):
            assert theirs_is in SHAPES[value], (theirs_is, value)
        case Word():
            assert theirs_is in {"INTEGER", "ENUMERATED"}
            ours = {int(n): word for n, word in kind.words.items()}
            assert ours.items() <= {n: word for word, n in theirs._cont.items()}.items()  # type: ignore[attr-defined]
        case Parted():
            assert theirs_is == "OCTET STRING"
        case _:
            raise AssertionError((kind, theirs_is))
    return 1


SHAPES = {
    "int": {"INTEGER", "ENUMERATED"},
    "bool": {"BOOLEAN"},
    "null": {"NULL"},
    "text": {"IA5String", "UTF8String", "GraphicString", "OCTET STRING"},
    "bits": {"BIT STRING"},
    "hex": {"OCTET STRING", "SEQUENCE", "SEQUENCE OF", "SET", "CHOICE"},
} | {kind: {"OCTET STRING"} for kind in ("tbcd", "bcd", "time", "ip", "network")}


def members(kind: Structure, theirs: object) -> int:
    """Compare the fields of a structure with theirs; those of choices that have no tag belong to it."""
    found: dict[tuple[int, int], tuple[str, object]] = {}
    flat(theirs, found)
    compared = 0
    for tag, field in kind.fields.items():
        name, inner = found[tag >> CLASS_SHIFT, tag & 0xFFFF]
        if field.name and kind.name != "ipPrefix":
            assert name == field.name, kind.name
        compared += agreeing(field.kind, inner)
    return compared


def flat(theirs: object, into: dict[tuple[int, int], tuple[str, object]]) -> None:
    """Find what tags a structure of theirs may hold."""
    for name, inner in theirs._cont.items():  # type: ignore[attr-defined]
        if inner._tagc:
            into[inner._tagc[0]] = (name, inner)
        else:
            flat(inner, into)


def gather(theirs: object, into: dict[str, set[int]], seen: set[int]) -> None:
    """Find by name the tags that elements of TAP have."""
    if theirs is None or id(theirs) in seen:
        return
    seen.add(id(theirs))
    inner = getattr(theirs, "_cont", None)
    if theirs.TYPE in {"SET", "SEQUENCE", "CHOICE"} and inner:  # type: ignore[attr-defined]
        for name, each in inner.items():
            if each._tagc:
                into.setdefault(name, set()).add(each._tagc[0][1])
            gather(each, into, seen)
    elif theirs.TYPE in {"SET OF", "SEQUENCE OF"}:  # type: ignore[attr-defined]
        gather(inner, into, seen)


class TestFiles:
    """Records in files."""

    def test_padding_between_records_is_nothing(self) -> None:
        """Switches fill up their blocks with 00 or FF."""
        octets = b"\0\0" + call() + b"\xff" * 300 + call(sequenceNumber=301) + b"\0" * 5000

        assert rows(octets) == [CALL_ROW, call_row(sequenceNumber="301")]

    def test_padding_alone_is_a_file_without_records(self) -> None:
        """As is no octet at all."""
        assert rows(b"") == rows(b"\0" * 70_000) == []

    def test_a_sequence_around_records_is_entered(self) -> None:
        """Some switches wrap all records of a file in one element."""
        records = call() + call(sequenceNumber=301)
        definite = b"\x30\x82" + len(records).to_bytes(2, "big") + records
        marked = b"\x30\x80" + records + b"\0\0"

        for octets in (definite, marked, definite + marked):
            assert [row["sequenceNumber"] for row in rows(octets)] == ["300", "301"] * (
                2 if octets == definite + marked else 1
            )

    @pytest.mark.parametrize("extended", [False, True])
    def test_a_file_of_ts_32297(self, *, extended: bool) -> None:
        """Its header is told, and is no usage; each record stands behind a header of its own."""
        octets = cdr_file([call(), call(sequenceNumber=301)], extended=extended)
        head, *found = rows(octets)

        assert head == {
            "#": "file header: file 42 of 192.0.2.7, opened 08-03 09:12 +01:00, last record 08-03 09:12 +01:00,"
            " closed for reason 3, lost records 0"
        }
        assert found == [CALL_ROW, call_row(sequenceNumber="301")]

    def test_a_record_that_is_broken_in_such_a_file_concerns_no_other(self) -> None:
        """Whatever its octets are, the header before it tells where the next one begins."""
        octets = cdr_file([call(), b"\xa0\x7fbroken", b"\x6e\x01?", call(sequenceNumber=301)])
        found = rows(octets)[1:]

        assert (found[0], found[3]) == (CALL_ROW, call_row(sequenceNumber="301"))
        assert found[1]["!"].startswith("127 octets are announced, 6 are there, at octet")
        assert found[1]["octets"].endswith(b"\xa0\x7fbroken".hex())
        assert found[2]["!"].startswith("application14 is no record of 3gpp-msc, at octet")

    def test_a_file_that_lacks_records_says_so(self) -> None:
        """Its header says how many there are."""
        found = rows(cdr_file([call(), call(sequenceNumber=301)], said=3))

        assert found[1:3] == [CALL_ROW, call_row(sequenceNumber="301")]
        assert found[3]["!"].startswith("the file's header says 3 records, there are 2, at octet")

    def test_a_broken_record_loses_none_behind_it(self) -> None:
        """Its length tells where the next one begins."""
        octets = bytearray(call())
        octets[octets.index(b"\x9e\x01\x00") + 1] = 0x7F
        found = rows(bytes(octets) + call(sequenceNumber=301))

        assert found[0]["!"].startswith("moCallRecord: 127 octets are announced, ")
        assert found[0]["octets"] == octets.hex()
        assert found[1:] == [call_row(sequenceNumber="301")]

    def test_a_record_of_another_kind_loses_none_behind_it(self) -> None:
        """A record that the map does not name is told, and passed over."""
        found = rows(call() + b"\xbf\x65\x03\x80\x01\x07" + call(sequenceNumber=301))

        assert found[1] == {
            "!": f"tag101 is no record of 3gpp-msc, at octet {len(call()) + 1}",
            "octets": "bf6503800107",
        }
        assert found[2:] == [call_row(sequenceNumber="301")]

    def test_a_record_longer_than_any_is_passed_over(self) -> None:
        """It is not held in memory, and those behind it are read."""
        long = b"\xa0\x84" + (3 << 20).to_bytes(4, "big") + bytes(3 << 20)
        found = rows(call() + long + call(sequenceNumber=301))

        assert found[1]["!"].startswith(
            "a record of 3,145,734 octets; at most 1,048,576 are read, at octet"
        )
        assert len(found[1]["octets"]) == 2 * 4096
        assert found[2:] == [call_row(sequenceNumber="301")]

    def test_where_lengths_are_broken_the_next_block_goes_on(self) -> None:
        """With the length of the switch's blocks only the rest of one is lost, without it the rest of the file."""
        octets = (call() + b"\xa0\x85nonsense").ljust(2048, b"\0") + call(sequenceNumber=301)
        found = rows(octets, decoding(block="2048"))
        without = rows(octets)

        assert found[0] == CALL_ROW
        assert found[1]["!"].startswith("a length in 5 octets; expected 4 at most, at octet")
        assert found[2:] == [call_row(sequenceNumber="301")]
        assert without[0] == CALL_ROW
        assert "the rest of the file" in without[1]["!"]
        assert len(without) == 2

    def test_another_kind_of_file_is_none_of_calls(self) -> None:
        """Its first octets say so, before anything is taken."""
        for octets in (
            b"src,dst,start\n1,2,3\n" * 50,
            b"\x1f\x8b\x08\0\0\0\0\0",
            b"\xbf\x65\x03\x80\x01\x07",
        ):
            with pytest.raises(UndecodableError, match=r"it can't be read as BER: .*profile"):
                rows(octets)

    @pytest.mark.parametrize("size", [1, 2, 7, 64, 1000])
    def test_however_a_file_is_cut_into_blocks_its_rows_are_the_same(self, size: int) -> None:
        """A record may begin in one block and end in another."""
        with written("LUNDEF"):
            marked = call()
        octets = b"\0" + call() + marked + b"\xff" + b"\x30\x80" + call() + b"\0\0" + call()
        filed = cdr_file([call(), marked, b"junk", call()])

        assert rows(octets, size=size) == rows(octets)
        assert rows(filed, size=size) == rows(filed)


def bodies() -> Iterator[bytes]:
    """Give files of all kinds."""
    yield call() + switch_record("moSMSRecord", MESSAGE) + call()
    yield cdr_file([call(), call()])
    with written("LUNDEF", "OSTR_FRAG"):
        yield call() + call()


class TestHostileOctets:
    """What no switch writes."""

    def test_every_truncation_gives_the_whole_records_and_one_fault(self) -> None:
        """Nothing else is raised, and nothing that was whole is lost."""
        for octets in bodies():
            whole = rows(octets)
            for end in range(len(octets)):
                found = truncated(octets[:end])
                good = [row for row in found if "!" not in row]
                assert good == whole[: len(good)]
                assert len(found) - len(good) <= 1

    def test_octets_that_were_changed_give_rows_and_faults(self) -> None:
        """A thousand files with octets changed at random: rows, or a word on what is wrong; never anything else."""
        chance = random.Random(4)
        for octets in bodies():
            for _ in range(400):
                changed = bytearray(octets)
                for _ in range(chance.choice((1, 1, 2, 5, 30))):
                    changed[chance.randrange(len(changed))] = chance.choice(
                        (0, 0x80, 0xFF, chance.randrange(256))
                    )
                truncated(bytes(changed))

    @given(octets=st.binary(max_size=400))
    @settings(deadline=None, max_examples=300)
    def test_any_octets_at_all(self, octets: bytes) -> None:
        """They are read, or are no such file."""
        truncated(octets)
        truncated(b"\xa0\x82" + len(octets).to_bytes(2, "big") + octets)

    def test_elements_within_elements_without_end(self) -> None:
        """They cost no stack and no time."""
        deep = b"\xa0\x80" * 200_000
        inner = b"\xad\x80" * 50_000
        found = truncated(call() + b"\xa0\x83" + len(inner).to_bytes(3, "big") + inner + call())

        assert truncated(deep) == []
        assert found[1]["!"].startswith(
            "moCallRecord: elements within elements, more than 32 deep"
        )
        assert found[2] == CALL_ROW

    def test_a_record_of_nothing_but_elements(self) -> None:
        """There is a limit to the fields of a record, and to the length of a line."""
        many = b"\xad\x83" + (600_000).to_bytes(3, "big") + b"\x30\x00" * 300_000
        fields = b"\xad\x83" + (600_000).to_bytes(3, "big") + b"\x30\x04\x81\x02ab" * 100_000
        found = rows(call() + wrapped(many) + wrapped(fields) + call())

        assert found[1] == {"record": "moCallRecord"}
        assert "more than 5000 fields" in found[2]["!"]
        assert found[3] == CALL_ROW

    def test_a_field_that_comes_twice_is_no_record(self) -> None:
        """No value can pass for another."""
        found = rows(call() + wrapped(b"\x99\x01\x05\x99\x01\x06"))

        assert found[1]["!"].startswith("moCallRecord: callDuration is there twice, at octet")


def wrapped(content: bytes) -> bytes:
    """Give a call with that content."""
    return b"\xa0\x84" + len(content).to_bytes(4, "big") + content


def truncated(octets: bytes) -> list[Row]:
    """Give the rows of a file that may be none."""
    try:
        return rows(octets)
    except UndecodableError:
        return []


class TestSettings:
    """What a site says of its files."""

    @pytest.mark.parametrize(
        ("given_settings", "fault"),
        [
            ({}, "map is missing; expected one of 3gpp-msc, 3gpp-gprs, 3gpp-chf, gsma-tap3"),
            ({"map": "huawei"}, "there is no tag map 'huawei'; there are 3gpp-msc, 3gpp-gprs, 3gpp-chf, gsma-tap3"),
            ({"map": "3gpp-msc", "block": "0"}, "block is '0'; expected 1 to 1048576 octets"),
            ({"map": "3gpp-msc", "framing": "x"}, "framing is 'x'; expected PLAIN or CDR_FILE"),
            ({"map": "3gpp-msc", "field.call.x": "1 int"}, "3gpp-msc has no type 'call'"),
            ({"map": "3gpp-msc", "field.moCallRecord.x": "5 int"}, "moCallRecord: tag 5 is calledNumber already"),
            ({"map": "3gpp-msc", "field.moCallRecord.x": "five int"}, "'five' is no tag; one is written 22, or u4, a22, p22 for other classes"),
            ({"map": "3gpp-msc", "field.moCallRecord.callDuration": "200 int"}, "moCallRecord has a field 'callDuration' already"),
        ],
    )  # fmt: skip
    def test_a_fault_is_told(self, given_settings: Mapping[str, str], fault: str) -> None:
        """Before any file is read."""
        found = list(decoding_faults(Decoding(Format.BER, tuple(given_settings.items()))))

        assert found == [f"decoding: {fault}"]

    def test_a_kind_of_field_that_is_none_is_told_with_those_that_are(self) -> None:
        """So that nobody has to look them up."""
        wrong = Decoding(Format.BER, (("map", "3gpp-msc"), ("field.moCallRecord.x", "200 float")))

        assert next(decoding_faults(wrong)).startswith(
            "decoding: 'float' is no kind of field; such are int, bool,"
        )

    def test_another_switch_writes_the_same_otherwise(self) -> None:
        """A map is what tells records apart: those of a gateway are none of an exchange."""
        assert encoded(CDR.CSChargingDataTypes.CSRecord, ("moCallRecord", CALL)) == call()
        with pytest.raises(UndecodableError, match="tag0 is no record of 3gpp-gprs"):
            rows(call(), decoding("3gpp-gprs"))
