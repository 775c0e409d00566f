"""Files that are no lines of text become lines, one a row, whatever they hold and however they are cut."""

import contextlib
import itertools
import json
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmu.mediation.decoding import NoRowError, UndecodableError, decode, decoding_faults
from bmu.mediation.profile import Decoding, Format

Row = dict[str, str]


def decoding(form: str, **settings: str) -> Decoding:
    """Give a decoding, which has no faults."""
    found = Decoding(Format[form], tuple(settings.items()))
    assert list(decoding_faults(found)) == []
    return found


def rows(wanted: Decoding, octets: bytes, size: int = 1 << 20) -> list[Row]:
    """Give the rows of JSON that a file has, read in blocks of that size."""
    return [json.loads(line) for line in decode(wanted, blocks_of(octets, size))]


def blocks_of(octets: bytes, size: int) -> Iterator[bytes]:
    """Cut octets into blocks."""
    return (octets[start : start + size] for start in range(0, len(octets), size))


XML = decoding("XML", row="calls/call")
CALLS = b"""<?xml version="1.0" encoding="utf-8"?>
<x:calls xmlns:x="urn:x"><head>2</head>
  <call id="a1"><from>442079460123</from><x:to kind='e164'>33199001234</x:to>
    <leg><s>3</s></leg><leg><s>4</s></leg><note/></call>
  <call id="a2"><from>Ad\xc3\xa4 &amp; Co</from><to>&#x31;2</to><leg><s>5</s></leg></call>
</x:calls>
"""
JSON = decoding("JSON", path="data.calls")
DOCUMENT = b"""{"made": "2026-08-03", "data": {"n": 2, "calls": [
  {"id": "a1", "seconds": 73, "price": 0.10, "legs": [{"s": 3}, {"s": 4}], "ok": true, "note": null},
  {"id": "Ad\xc3\xa4 \\u00e9", "from": {"number": "442079460123", "tags": []}}]}, "more": []}
"""
CSV = decoding("CSV_BLOCK", delimiter=";")
TABLE = b'id;note;seconds\r\na1;"two\r\nlines; and a ""quote""";73\r\n\r\na2;;5\r\n'
IPDR = decoding("IPDR")
DOCUMENT_OF_IPDRS = b"""<ipdr:IPDRDoc xmlns:ipdr="http://www.ipdr.org/namespaces/ipdr" docId="d1" version="3.5.1" IPDRRecorderInfo="cmts01">
<ipdr:IPDR xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="SAMIS"><CmMacAddr>00-00-5E-00-53-01</CmMacAddr></ipdr:IPDR>
<IPDR><CmMacAddr>00-00-5E-00-53-02</CmMacAddr></IPDR>
<ipdr:IPDRDoc.End count="2" endTime="2026-08-03T08:00:00Z"/></ipdr:IPDRDoc>"""
EVENTS = decoding("CLOUD_EVENTS")
EVENT = b'{"specversion":"1.0","id":"e1","source":"/probe","type":"com.example.call","time":"2026-08-03T08:12:44Z","data":{"seconds":73,"to":{"number":"33199001234"}}}'
DETAIL = decoding("RADIUS_DETAIL")
BLOCKS = b"""Mon Aug  3 09:12:44 2026
\tUser-Name = "ada@example.net"
\tAcct-Status-Type = Stop
\tAcct-Input-Octets = 705032704
\tAcct-Input-Gigawords = 1
\tClass = 0x01
\tClass = 0x02
\tReply-Message = "a \\"quote\\"\\n\\303\\244"
\tTimestamp = 1785744764

Mon Aug  3 09:13:44 2026
\tUser-Name = 'bob'
\tAcct-Output-Octets = 12

"""
FIXED = decoding(
    "FIXED_BLOCK",
    octets="16",
    fields="name:1-4:text,seconds:5-6:number,low:7-8:number-le,to:9-11:bcd-swapped,pence:12-12:packed,at:13-16:address",
    encoding="cp037",
)
RECORDS = b"".join(
    [
        "ADA ".encode("cp037"),
        b"\x00\x49\x49\x00\x44\x70\xf9\x7c\xc0\x00\x02\x01",
        "BOB ".encode("cp037"),
        b"\xff\xff\x00\x00\x21\xff\xff\x5d\xcb\x00\x71\xff",
    ]
)
GERMAN = decoding("TEXT", encoding="utf-16")
LINES = "a1;Käthe;73\r\na2;\u0a41\u4100\u010a;5\n".encode("utf-16")

# What each kind of file holds, as a clerk would read it.
READ: dict[str, tuple[Decoding, bytes, list[Row]]] = {
    "XML": (
        XML,
        CALLS,
        [
            {"@id": "a1", "from": "442079460123", "to.@kind": "e164", "to": "33199001234", "leg.s": "3", "leg.1.s": "4"},
            {"@id": "a2", "from": "Adä & Co", "to": "12", "leg.s": "5"},
        ],
    ),
    "JSON": (
        JSON,
        DOCUMENT,
        [
            {"id": "a1", "seconds": "73", "price": "0.10", "legs.0.s": "3", "legs.1.s": "4", "ok": "true"},
            {"id": "Adä é", "from.number": "442079460123"},
        ],
    ),
    "CSV": (
        CSV,
        TABLE,
        [
            {"id": "a1", "note": 'two\r\nlines; and a "quote"', "seconds": "73"},
            {"id": "a2", "note": "", "seconds": "5"},
        ],
    ),
    "IPDR": (
        IPDR,
        DOCUMENT_OF_IPDRS,
        [
            {"type": "SAMIS", "CmMacAddr": "00-00-5E-00-53-01", "docId": "d1", "IPDRRecorderInfo": "cmts01"},
            {"type": "", "CmMacAddr": "00-00-5E-00-53-02", "docId": "d1", "IPDRRecorderInfo": "cmts01"},
        ],
    ),
    "BroadWorks": (
        decoding("CSV_BLOCK", columns="id,who,seconds", more="yes", quote="none", escape="\\", skip="1"),
        b'version=22.0\na1,Ada\\, "Countess",73,x,y\na2,Bob,5,z\n',
        [{"id": "a1", "who": 'Ada, "Countess"', "seconds": "73"}, {"id": "a2", "who": "Bob", "seconds": "5"}],
    ),
    "CUCM": (
        decoding("CSV_BLOCK", skip_below="1", addresses="ip,other"),
        b'"id","ip"\nINTEGER,INTEGER\n1,-932118325\n2,16908480\n3,0\n4,\n',
        [{"id": "1", "ip": "203.0.113.200"}, {"id": "2", "ip": "192.0.2.1"}, {"id": "3", "ip": "0.0.0.0"}, {"id": "4", "ip": ""}],
    ),
    "CloudEvents": (
        EVENTS,
        b"[" + EVENT + b",\n" + EVENT.replace(b"e1", b"e2") + b"]\n" + EVENT.replace(b"e1", b"e3"),
        [
            {
                "specversion": "1.0", "id": each, "source": "/probe", "type": "com.example.call",
                "time": "2026-08-03T08:12:44Z", "data.seconds": "73", "data.to.number": "33199001234",
            }
            for each in ("e1", "e2", "e3")
        ],
    ),
    "detail": (
        DETAIL,
        BLOCKS,
        [
            {
                "received": "Mon Aug  3 09:12:44 2026", "User-Name": "ada@example.net", "Acct-Status-Type": "Stop",
                "Acct-Input-Octets": "705032704", "Acct-Input-Gigawords": "1", "Class": "0x01", "Class.1": "0x02",
                "Reply-Message": 'a "quote"\nä', "Timestamp": "1785744764", "Input-Octets": "5000000000",
                "Acct-Session-Start-Time": "1785744764", "Event-Time": "1785744764",
            },
            {"received": "Mon Aug  3 09:13:44 2026", "User-Name": "bob", "Acct-Output-Octets": "12", "Output-Octets": "12"},
        ],
    ),
    "fixed": (
        FIXED,
        RECORDS,
        [
            {"name": "ADA", "seconds": "73", "low": "73", "to": "44079", "pence": "7", "at": "192.0.2.1"},
            {"name": "BOB", "seconds": "65535", "low": "0", "to": "12", "pence": "-5", "at": "203.0.113.255"},
        ],
    ),
}  # fmt: skip


# Of files of any length: head, a row over and over, end.
REPEATED: dict[str, tuple[Decoding, bytes, bytes, bytes]] = {
    "XML": (XML, b"<calls>", b"<call id='1'><from>442079460123</from></call>", b"</calls>"),
    "JSON": (JSON, b'{"data": {"calls": [{}', b',{"id": "a1", "seconds": 73}', b"]}}"),
    "CloudEvents": (EVENTS, b"", EVENT + b"\n", b""),
    "CSV": (CSV, b"id;seconds\n", b"a1;73\n", b""),
    "detail": (DETAIL, b"", b"Mon\n\tUser-Name = 'bob'\n\n", b""),
    "IPDR": (IPDR, b"<IPDRDoc>", b"<IPDR><a>1</a></IPDR>", b"<IPDRDoc.End count='10000'/></IPDRDoc>"),
    "fixed": (FIXED, b"", RECORDS[:16], b""),
    "text": (decoding("TEXT", encoding="cp037"), b"", "a1;73\n".encode("cp037"), b""),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_each_row_is_a_line_of_its_values(kind: str) -> None:
    """What stands in the file, no more and no less, stands in its lines, in blocks of any size."""
    wanted, octets, expected = READ[kind]
    assert rows(wanted, octets) == expected
    for size in (1, 7, 64):
        assert rows(wanted, octets, size) == expected


def test_other_encodings_become_lines_of_utf_8() -> None:
    """Text is text whatever its octets; a line that is none in its encoding spoils no other."""
    assert list(decode(GERMAN, [LINES])) == [
        "a1;Käthe;73\r".encode(),
        "a2;\u0a41\u4100\u010a;5".encode(),
    ]
    mainframe = decoding("TEXT", encoding="cp037")
    assert list(decode(mainframe, ["A1;73\x85B2;5\n".encode("cp037")])) == [b"A1;73", b"B2;5"]
    first, second, third = decode(decoding("TEXT", encoding="utf-8"), [b"a\n\xffb\nc"])
    assert (first, third) == (b"a", b"c")
    assert json.loads(second) == {"!": "not utf-8, at octet 3", "octets": "ff620a"}


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (DOCUMENT_OF_IPDRS.replace(b'count="2"', b'count="3"'), "says it has '3' IPDRs; it has 2"),
        (
            DOCUMENT_OF_IPDRS.replace(
                b'<ipdr:IPDRDoc.End count="2" endTime="2026-08-03T08:00:00Z"/>', b""
            ),
            "no IPDRDoc.End",
        ),
    ],
)
def test_a_document_of_ipdrs_is_as_long_as_it_says(octets: bytes, words: str) -> None:
    """A document that lost records on its way says so in a line of its own."""
    *found, fault = rows(IPDR, octets)
    assert len(found) == 2
    assert words in fault["!"]


def is_fault(line: bytes) -> bool:
    """Tell whether a line says that its row can't be read."""
    return line.startswith(b'{"!":')


def taken(wanted: Decoding, blocks: Iterable[bytes]) -> list[bytes]:
    """Give the lines of a file, none of one that can't be decoded."""
    found: list[bytes] = []
    try:
        found.extend(decode(wanted, blocks))
    except NoRowError:
        assert not found
    except UndecodableError as error:
        assert "at octet" in str(error)  # noqa: PT017 - both outcomes are good ones
        assert not found
    return found


@pytest.mark.parametrize("kind", READ)
def test_a_file_that_was_cut_off_gives_the_rows_before_the_cut(kind: str) -> None:
    """Wherever an upload broke off, the rows before are as they were, and at most one line tells of the cut."""
    wanted, octets, _ = READ[kind]
    whole = list(decode(wanted, [octets]))
    for cut in range(len(octets)):
        found = taken(wanted, [octets[:cut]])
        if found and is_fault(found[-1]):
            assert "at octet" in json.loads(found.pop())["!"]
        if wanted.format is Format.CSV_BLOCK and found and found[-1] != whole[len(found) - 1]:
            # A last line of CSV without its end may be a whole row: only its last field is shorter.
            last, meant = json.loads(found.pop()), json.loads(whole[len(found)])
            name = [*meant][-1]
            assert meant.pop(name).startswith(last.pop(name)) or name == "ip"
            assert last == meant
        assert found == whole[: len(found)], cut


ANYTHING = {
    Format.CSV_BLOCK: (CSV, decoding("CSV_BLOCK", columns="a,b", encoding="utf-16"), decoding("CSV_BLOCK", quote="'")),
    Format.CLOUD_EVENTS: (EVENTS,),
    Format.FIXED_BLOCK: (FIXED, decoding("FIXED_BLOCK", octets="3", encoding="utf-8")),
    Format.IPDR: (IPDR,),
    Format.JSON: (JSON, decoding("JSON"), decoding("JSON", percent="a")),
    Format.RADIUS_DETAIL: (DETAIL,),
    Format.TEXT: (GERMAN, decoding("TEXT", encoding="cp500"), decoding("TEXT", encoding="cp1252"), decoding("TEXT", encoding="gb18030")),
    Format.XML: (XML, decoding("XML", row="a", percent="b")),
}  # fmt: skip
PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [*(b"<a>", b"</a>", b"<a x='1'>", b"<!DOCTYPE a [", b"<!ENTITY b '", b"&b;", b"<?xml version='1.0'?>"),
         *(b"{", b"}", b"[", b"]", b'"a":', b'"\\ud800"', b",", b"1e9", b"NaN", b"null", b"{" + b'"a":{' * 50),
         *(b'"', b"\n", b"\r\n", b";", b"''", b"\x00", b"\xff\xfe", b"\x0a\x00", b"\x15", b"\x25"),
         *(EVENT, DOCUMENT_OF_IPDRS, CALLS, DOCUMENT, TABLE, BLOCKS, RECORDS, LINES, b"\tUser-Name = \"", b"Acct-Input-Octets = 1\n")]
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        *("Acct-Session-Time", "Acct-Delay-Time", "Timestamp", "Event-Timestamp", "NAS-Port"),
        *("Acct-Input-Octets", "Acct-Input-Gigawords", "Acct-Session-Id"),
    ],
)
def test_a_figure_without_measure_stops_nobody(name: str) -> None:
    """A figure of five thousand digits is refused, or kept as it stands; the next block is read."""
    absurd = BLOCKS.replace(
        b"\tClass = 0x01\n", b"\t" + name.encode() + b" = " + b"9" * 5000 + b"\n"
    )
    first, second = rows(DETAIL, absurd)
    assert "!" in first or "9" * 5000 in first.values()
    assert second["User-Name"] == "bob"


@pytest.mark.parametrize("form", list(ANYTHING))
@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(PIECES, max_size=12), size=st.integers(1, 50))
def test_any_octets_are_rows_faults_or_no_such_file(
    form: Format, pieces: list[bytes], size: int
) -> None:
    """Whatever is handed in, lines come out that can be stored and read, or a plain refusal; blocks change nothing."""
    octets = b"".join(pieces)
    for wanted in ANYTHING[form]:
        found = taken(wanted, [octets])
        assert taken(wanted, blocks_of(octets, size)) == found
        for line in found:
            assert b"\n" not in line
            # A text may well begin as a fault does; it is none then.
            is_text = form in (Format.TEXT, Format.FIXED_BLOCK)
            if not is_text or (is_fault(line) and b'{"!":' not in octets):
                row = json.loads(line)
                assert all(isinstance(text, str) for text in row.values())
                if is_fault(line):
                    bytes.fromhex(row["octets"])


@pytest.mark.parametrize("kind", sorted(REPEATED))
def test_lines_come_out_as_octets_go_in(kind: str) -> None:
    """A file of any length is read with no more of it at hand than a row and a few blocks."""
    wanted, head, piece, end = REPEATED[kind]
    consumed = 0

    def blocks() -> Iterator[bytes]:
        nonlocal consumed
        for part in [head, *[piece * 500] * 20, end]:
            consumed += len(part)
            yield part

    number = 0
    for number, line in enumerate(decode(wanted, blocks()), 1):  # noqa: B007
        assert consumed < number * len(piece) + (1 << 18)
    assert number in (10_000, 10_001)


# Head and piece of a file, how many pieces, and at most how much memory they may take.
ENDLESS = {
    "a string of JSON": (JSON, b'{"data": {"calls": ["', b"a" * 65536, 256, 8 << 20),
    "arrays in arrays": (JSON, b"", b"[" * 65536, 256, 8 << 20),
    "a quoted field": (CSV, b'id;note\n1;"', b"two lines" * 700 + b"\n", 1500, 2 << 20),
    "a line": (decoding("TEXT", encoding="cp1252"), b"", b"a" * 65536, 256, 8 << 20),
    "a block": (DETAIL, b"Mon\n", b'\tUser-Name = "ada"\n' * 3000, 50, 2 << 20),
    "an element's text": (XML, b"<calls><call><from>", b"1" * 65536, 256, 8 << 20),
    "a tag": (XML, b"<calls><call x='", b"1" * 65536, 256, 8 << 20),
    "elements in elements": (XML, b"", b"<calls>" * 9000, 256, 8 << 20),
    "one IPDR": (IPDR, b"<IPDRDoc><IPDR>", b"<a>1</a>" * 8000, 12, 2 << 20),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_never_ends_fills_no_memory(kind: str) -> None:
    """Whoever sends one row without end gets lines that say so, or a refusal, and nobody else notices."""
    wanted, head, piece, times, octets_max = ENDLESS[kind]
    tracemalloc.start()
    try:
        with contextlib.suppress(UndecodableError):
            lines = decode(wanted, itertools.chain([head], itertools.repeat(piece, times)))
            assert all(map(is_fault, lines))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < octets_max


@pytest.mark.parametrize(
    ("form", "wrong", "words"),
    [
        ("XML", {}, "XML needs the setting row"),
        ("XML", {"row": "a//b"}, "XML needs the setting row"),
        ("XML", {"row": "a", "rows": "b"}, "there is no setting 'rows'; there are percent, row"),
        ("JSON", {"path": "a..b"}, "path is 'a..b'"),
        ("CLOUD_EVENTS", {"x": "y"}, "there is no setting 'x'; there are none"),
        ("CSV_BLOCK", {"delimiter": ";;"}, "delimiter is ';;'"),
        ("CSV_BLOCK", {"delimiter": '"'}, "are the same"),
        ("CSV_BLOCK", {"columns": "a,b,a"}, "columns: 'a' is there twice"),
        ("CSV_BLOCK", {"encoding": "utf-9"}, "there is none called 'utf-9'"),
        ("CSV_BLOCK", {"encoding": "rot13"}, "there is none called 'rot13'"),
        ("CSV_BLOCK", {"skip": "-1"}, "skip is '-1'"),
        ("CSV_BLOCK", {"more": "perhaps"}, "more is 'perhaps'"),
        ("FIXED_BLOCK", {}, "octets is ''"),
        ("FIXED_BLOCK", {"octets": "9" * 5000}, "expected the length of a block"),
        ("FIXED_BLOCK", {"octets": "4", "fields": "a:1-5:text"}, "places from 1 to 4"),
        ("FIXED_BLOCK", {"octets": "4", "fields": "a:1-4:words"}, "there is no form 'words'"),
        ("FIXED_BLOCK", {"octets": "4", "fields": "a:1-2:text,a:3-4:text"}, "'a' is there twice"),
        ("TEXT", {}, "TEXT needs the setting encoding"),
        ("TEXT", {"encoding": "hex"}, "there is none called 'hex'"),
        ("RADIUS_DETAIL", {"row": "x"}, "there is no setting 'row'"),
        ("IPDR", {"row": "x"}, "there is no setting 'row'"),
    ],
)
def test_settings_that_can_not_be_meant_are_told(
    form: str, wrong: dict[str, str], words: str
) -> None:
    """Whoever writes a profile learns what is wrong with its decoding before a file is read by it."""
    assert words in " ".join(decoding_faults(Decoding(Format[form], tuple(wrong.items()))))


def test_a_setting_stands_once() -> None:
    """Of two settings of one name nobody knows which is meant."""
    twice = Decoding(Format.TEXT, (("encoding", "cp037"), ("encoding", "cp500")))
    assert "encoding is there 2 times" in " ".join(decoding_faults(twice))


LAUGHS = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><calls><call><from>&c;</from></call></calls>'
OUTSIDE = b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><calls><call/></calls>'


@pytest.mark.parametrize(
    ("wanted", "octets", "words"),
    [
        (XML, LAUGHS, "it has a DTD"),
        (XML, OUTSIDE, "it has a DTD"),
        (XML, b"<calls><call>&b;</call></calls>", "no XML: undefined entity"),
        (XML, b"<a>" * 65, "nested more than 64 deep"),
        (XML, b"id;seconds\n", "no XML: not well-formed"),
        (XML, b"<calls><call></calls>", "no XML: mismatched tag"),
        (XML, b"<?xml version='1.0' encoding='UTM-8'?><calls/>", "unknown encoding: UTM-8"),
        (XML, b"<?xml version='1.0' encoding='big5'?><calls/>", "multi-byte encodings are not"),
        (XML, b"<?xml version='1.0' encoding='hex'?><calls/>", "not a text encoding"),
        (JSON, b'{"data": {"calls": [nonsense]}}', "no JSON: Expecting value"),
        (JSON, b'{"data": {"calls": [NaN]}}', "NaN is no number"),
        (JSON, b'{"data" {"calls": [{}]}}', "expected ':'"),
        (decoding("JSON"), b'{"a":' * 5000, "nested too deep"),
        (decoding("JSON"), b"[" * 50, "arrays nested more than 32 deep"),
        (CSV, b"id;id\n1;2\n", "no names of columns: 'id' is there twice"),
        (CSV, b'"id;seconds\n1;2\n', "no names of columns"),
        (decoding("TEXT", encoding="cp037"), b"1" * 300_000, "a line without end"),
        (DETAIL, b"a" * 300_000, "a line without end"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_words(
    wanted: Decoding, octets: bytes, words: str
) -> None:
    """What is not what its profile says, or has what only an attack has, is held with the reason and the place."""
    with pytest.raises(UndecodableError) as refused:
        list(decode(wanted, [octets]))
    assert words in str(refused.value)
    assert "at octet" in str(refused.value)


@pytest.mark.parametrize(
    ("wanted", "octets"),
    [
        (decoding("CSV_BLOCK", skip="1", columns="id,who"), b"no such file at all\n"),
        (decoding("CSV_BLOCK", skip="1"), b"no such file at all\n"),
        (JSON, b'{"date": {"calls": [{"id": 1}]}}'),
        (decoding("JSON"), b" \n"),
        (XML, b"<records><call/></records>"),
        (IPDR, b"<calls><call/></calls>"),
        (DETAIL, b"\n\n"),
    ],
)
def test_a_file_without_a_row_is_taken_for_another_kind(wanted: Decoding, octets: bytes) -> None:
    """Usage that is read by the wrong profile is not passed over as a file in which nothing was."""
    with pytest.raises(NoRowError, match=rf"^no row in {len(octets)} octets, .* source's profile"):
        list(decode(wanted, [octets]))


@pytest.mark.parametrize(
    ("wanted", "octets"),
    [
        *(
            (each, b"")
            for each in (CSV, decoding("CSV_BLOCK", columns="a"), JSON, XML, IPDR, DETAIL)
        ),
        (CSV, b"id;seconds\n"),
        (decoding("CSV_BLOCK", skip_below="1"), b"id,seconds\nINTEGER,INTEGER\n"),
        (JSON, b'{"data": {"calls": []}}'),
        (JSON, b'{"data": []}'),
        (decoding("JSON"), b"[]"),
        (EVENTS, b"[]\n"),
        (XML, b"<calls/>"),
        (IPDR, b'<IPDRDoc><IPDRDoc.End count="0"/></IPDRDoc>'),
    ],
)
def test_a_file_of_its_kind_may_have_no_row(wanted: Decoding, octets: bytes) -> None:
    """A quiet hour is no fault."""
    assert list(decode(wanted, [octets])) == []


def without(name: str) -> bytes:
    """Give the event without one of its attributes."""
    return json.dumps(
        {key: text for key, text in json.loads(EVENT).items() if key != name}
    ).encode()


def event(**changed: object) -> bytes:
    """Give the event with other attributes."""
    return json.dumps(json.loads(EVENT) | changed).encode()


@pytest.mark.parametrize(
    ("wanted", "octets", "words"),
    [
        (decoding("JSON"), b'{"a": 1, "a": 2}', "a name is there twice"),
        (decoding("JSON"), b'{"a": {"b": 1, "b": 2}}', "a name is there twice in 'a.'"),
        (decoding("JSON"), b'{"a.b": 1, "a": {"b": 2}}', "'a.b' is there twice"),
        (decoding("JSON"), b'{"a": "\\ud800"}', "is no character"),
        (decoding("JSON"), b'{"a": "\xff"}', "is no character"),
        (decoding("JSON"), b"[5]", "no object"),
        (decoding("JSON"), b'{"a": "' + b"x" * 65536 + b'"}', "at most 65,536"),
        (
            decoding("JSON"),
            b'{"a": ' + b"[" * 40 + b"1" + b"]" * 40 + b"}",
            "nested more than 32 deep",
        ),
        (XML, b"<calls><call><a.1>5</a.1><a>1</a><a>2</a></call></calls>", "'a.1' is there twice"),
        (XML, b"<calls><call>" + b"x" * 70_000 + b"</call></calls>", "more than 65,536 octets"),
        (CSV, b"id;seconds\n1\n", "1 fields; expected 2"),
        (CSV, b'id;seconds\n1;"2"x\n', "no row of CSV"),
        (CSV, b"id;seconds\n1;\xff\n", "is no character"),
        (FIXED, RECORDS[:15], "15 octets are left; expected 16"),
        (FIXED, RECORDS[:11] + b"\x70" + RECORDS[12:16], "no packed decimal"),
        (FIXED, RECORDS[:8] + b"\xaa" + RECORDS[9:16], "are no digits"),
        (decoding("FIXED_BLOCK", octets="3"), b"a\nb", "a line end within a block"),
        (DETAIL, b"Mon\n\tUser-Name\n\n", "expected Name = value"),
        (DETAIL, b'Mon\n\tUser-Name = "ada\n\n', "quotes that do not end"),
        (DETAIL, b"\tUser-Name = 'ada'\n\n", "without a line with its time"),
        (DETAIL, b"Mon\n\tAcct-Input-Octets = x\n\n", "expected a number below 2^32"),
        (DETAIL, b"Mon\n\tUser-Name = 'ada'\n", "the file ends within a block"),
        (EVENTS, without("id"), "an event without id"),
        (EVENTS, without("source"), "an event without source"),
        (EVENTS, without("type"), "an event without type"),
        (EVENTS, without("specversion"), "an event without specversion"),
        (EVENTS, event(specversion="0.3"), "expected '1.0'"),
        (EVENTS, event(time="yesterday"), "the form of RFC 3339"),
        (EVENTS, event(subject=""), "subject is no text, or empty"),
        (EVENTS, event(Cost="1"), "'Cost' is no name of an attribute"),
        (EVENTS, event(cost=[1]), "'cost' has more than one value"),
        (EVENTS, event(data_base64="e30="), "data and data_base64 are both there"),
    ],
)
def test_a_row_that_is_none_says_why(wanted: Decoding, octets: bytes, words: str) -> None:
    """One row that can't be meant is told by itself, with its octets; nothing in it passes for something else."""
    [row] = rows(wanted, octets)
    assert words in row["!"]
    assert bytes.fromhex(row["octets"]) in octets


def test_data_of_an_event_may_be_in_base_64() -> None:
    """What an event carries is read however it was packed; what is no JSON is refused."""
    packed = json.loads(without("data"))
    [row] = rows(EVENTS, json.dumps(packed | {"data_base64": "eyJxIjogM30="}).encode())
    assert row["data.q"] == "3"
    for wrong in ({"data_base64": "!"}, {"data_base64": "e30=", "datacontenttype": "text/csv"}):
        [row] = rows(EVENTS, json.dumps(packed | wrong).encode())
        assert "JSON" in row["!"]
