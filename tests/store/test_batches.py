"""Bodies of batches: read as the source's profile reads them, or refused with what is wrong."""

import json
from dataclasses import replace

import pytest

from bmu.mediation import BUILT_IN, Decoding, Format, JSONLine, Profile
from bmuid.intake.batches import NoBatchError, body_of, media_types

CSV = BUILT_IN["asterisk-master-csv"]
PAIRS = BUILT_IN["kamailio-acc"]
JSON = replace(CSV, layout=JSONLine())
EVENTS = replace(JSON, decoding=Decoding(Format.CLOUD_EVENTS))
EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {"a": 1}}


@pytest.mark.parametrize(
    ("profile", "media_type", "body", "rows"),
    [
        (CSV, "text/csv", b"a,b\nc,d\n", 2),
        (CSV, "text/csv", b"a,b\r\nc,d", 2),
        (PAIRS, "text/plain", b"one\n", 1),
        (JSON, "application/x-ndjson", b'{"a": 1}\n{"a": 2}\n', 2),
        (EVENTS, "application/cloudevents-batch+json", json.dumps([EVENT, EVENT]).encode(), 2),
        (replace(JSON, decoding=Decoding(Format.JSON)), "application/json", b'[{"a": 1}]', 1),
        (replace(CSV, decoding=Decoding(Format.CSV_BLOCK)), "text/csv", b'x,y\na,"b\nb"\nc,d\n', 2),
    ],
)  # fmt: skip
def test_a_body_is_kept_as_it_came(
    profile: Profile, media_type: str, body: bytes, rows: int
) -> None:
    """The file is the body, octet by octet; its rows are counted as the profile reads them."""
    assert media_type in media_types(profile)
    made = body_of(profile, media_type, body, 10)
    assert (made.octets, made.rows) == (body, rows)


def test_a_list_of_objects_becomes_a_line_each() -> None:
    """Where the profile reads an object a line, a list of them may be sent as well; figures keep their digits."""
    made = body_of(JSON, "application/json", b'[{"a": 1.10,\n "b": {"c": "x"}}, {"a": 2}]', 10)
    assert [json.loads(line) for line in made.octets.splitlines()] == [
        {"a": "1.10", "b.c": "x"},
        {"a": "2"},
    ]
    assert made.rows == 2


@pytest.mark.parametrize(
    ("profile", "media_type", "body", "said"),
    [
        (CSV, "text/csv", b"", "no row"),
        (CSV, "text/csv", b"x\n" * 11, "more than 10 rows"),
        (JSON, "application/json", b"[]", "no row"),
        (JSON, "application/json", b"[" + b'{"a":1},' * 10 + b'{"a":1}]', "more than 10 rows"),
        (JSON, "application/json", b"no JSON", "can't be read"),
        (EVENTS, "application/cloudevents-batch+json", b"\xff\xfe", "can't be read"),
        (
            replace(JSON, decoding=Decoding(Format.JSON)),
            "application/json",
            b"no JSON",
            "can't be read",
        ),
    ],
)
def test_what_is_no_batch_says_why(
    profile: Profile, media_type: str, body: bytes, said: str
) -> None:
    """Nothing of it is kept; the sentence goes to the sender."""
    with pytest.raises(NoBatchError, match=said):
        body_of(profile, media_type, body, 10)


def test_every_format_has_a_media_type() -> None:
    """Whatever a profile reads can be sent."""
    for format_ in Format:
        assert media_types(replace(JSON, decoding=Decoding(format_)))
