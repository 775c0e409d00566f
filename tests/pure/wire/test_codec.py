"""The grammar of the line protocol: one canonical form, everything else refused."""

import json
import string
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.wire import (
    Answer,
    Request,
    WireError,
    answer_octets,
    parse_header,
    parse_request,
    request_line,
)
from bmu.wire.text import CONTROL_CHARACTERS, is_clean

ID = "00112233445566ff"

names = st.text(string.ascii_lowercase + "_", min_size=1, max_size=20)
ids = st.text("0123456789abcdef", min_size=16, max_size=16)
values = (
    st.text(max_size=40)
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(lambda text: not CONTROL_CHARACTERS & set(text))
)
requests = st.builds(Request, ids, names, st.dictionaries(names, values, max_size=5))

# Octets that look like requests, so that a search finds what nearly is one.
PIECES = (
    f"{ID}|usage_list| |  |=|a=|b=1|%|%41|%C3%A9|%c3%a9|%00|%E2%80%A8|é|\r|\n|\t|\x00|A|0|%65%CC%81|"
    "%ED%A0%80|%C0%AF|_|\x0b|\x85"
).split("|")
nearly = st.lists(st.sampled_from(PIECES), max_size=12).map(
    lambda pieces: ("".join(pieces) + "\n").encode()
)


@given(requests)
def test_what_is_asked_arrives_as_asked(request: Request) -> None:
    """A customer's name, password or search text reaches the daemon letter for letter."""
    assert parse_request(request_line(request)) == request


@given(st.one_of(st.binary(max_size=200), nearly))
def test_only_the_canonical_form_is_read(line: bytes) -> None:
    """Two lines that differ never mean the same; whatever else comes is refused, not guessed."""
    try:
        request = parse_request(line)
    except WireError:
        return
    assert request_line(request) == line


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"usage_list\n",
        f"{ID} usage_list".encode(),
        f"{ID} usage_list\r\n".encode(),
        f"{ID} usage_list \n".encode(),
        f"{ID}  usage_list\n".encode(),
        f" {ID} usage_list\n".encode(),
        f"{ID.upper()} usage_list\n".encode(),
        f"{ID[:-1]} usage_list\n".encode(),
        f"{ID} Usage_list\n".encode(),
        f"{ID} usage-list\n".encode(),
        f"{ID} usage_list a\n".encode(),
        f"{ID} usage_list =1\n".encode(),
        f"{ID} usage_list b=1 a=1\n".encode(),
        f"{ID} usage_list a=1 a=1\n".encode(),
        f"{ID} usage_list a=1 a=2\n".encode(),
        f"{ID} usage_list A=1\n".encode(),
        f"{ID} usage_list a=%41\n".encode(),
        f"{ID} usage_list a=%c3%a9\n".encode(),
        f"{ID} usage_list a=%C3\n".encode(),
        f"{ID} usage_list a=%C3%A\n".encode(),
        f"{ID} usage_list a=% 9\n".encode(),
        f"{ID} usage_list a=%%\n".encode(),
        f"{ID} usage_list a=1+1\n".encode(),
        f"{ID} usage_list a=é\n".encode(),
        f"{ID} usage_list a=%0A\n".encode(),
        f"{ID} usage_list a=%0D%0A\n".encode(),
        f"{ID} usage_list a=%00\n".encode(),
        f"{ID} usage_list a=%7F\n".encode(),
        f"{ID} usage_list a=%C2%85\n".encode(),
        f"{ID} usage_list a=%E2%80%A8\n".encode(),
        f"{ID} usage_list a=%E2%80%AE\n".encode(),
        f"{ID} usage_list a=%ED%A0%80\n".encode(),
        f"{ID} usage_list a=%C0%AF\n".encode(),
        f"{ID} usage_list a=e%CC%81\n".encode(),
        f"{ID} usage_list a=1\n{ID} usage_list a=1\n".encode(),
        f"{ID} usage_list a={'x' * 8192}\n".encode(),
    ],
)
def test_a_line_off_the_form_is_refused(line: bytes) -> None:
    """Other line ends, spaces, cases, orders, repeats, codings, control characters: none is read."""
    with pytest.raises(WireError):
        parse_request(line)


def test_a_value_with_every_kind_of_letter_is_read() -> None:
    """Names in any script, quotes, equal signs and percent signs need no care by the asker."""
    value = "Zoë O'Brien = 100 % 漢字 🛳"
    line = request_line(Request(ID, "login_open", {"password": value, "login": "zoe"}))
    assert line.startswith(f"{ID} login_open login=zoe password=Zo%C3%AB%20O%27Brien".encode())
    assert parse_request(line).arguments["password"] == value


@pytest.mark.parametrize(
    "request_", [
        Request(ID, "usage_list", {"a": "two\nlines"}),
        Request(ID, "usage_list", {"a": "e\u0301"}),
        Request(ID, "usage_list", {"a": "\ud800"}),
        Request(ID, "usage_list", {"a b": "1"}),
        Request(ID, "usage list", {}),
        Request(ID, "", {}),
        Request("", "usage_list", {}),
        Request(ID, "usage_list", {"a": "x" * 9000}),
    ]
)  # fmt: skip
def test_what_would_not_be_read_is_not_sent(request_: Request) -> None:
    """A page never sends a line that the daemon would take for another, or for two."""
    with pytest.raises(WireError):
        request_line(request_)


@given(st.text())
def test_clean_text_has_no_control_characters_and_one_form(text: str) -> None:
    """No text that steers a terminal, hides letters or has a second spelling passes."""
    surrogates = any(unicodedata.category(c) == "Cs" for c in text)
    controls = any(
        unicodedata.category(c) in {"Cc", "Zl", "Zp"}
        or unicodedata.bidirectional(c)
        in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        or c in "\u200e\u200f\u061c"
        for c in text
    )
    is_nfc = unicodedata.normalize("NFC", text) == text
    assert is_clean(text) == (not surrogates and not controls and is_nfc)


@given(ids, st.binary(max_size=50), st.booleans())
def test_an_answer_is_counted(request_id: str, body: bytes, done: bool) -> None:  # noqa: FBT001
    """The reader knows from the first line how much belongs to the answer, whatever is in it."""
    octets = answer_octets(Answer(request_id, body, done=done))
    end = octets.index(b"\n") + 1
    header, count = parse_header(octets[:end])
    assert (header.id, header.done, count) == (request_id, done, len(body))
    assert octets[end:] == body


@given(
    st.one_of(st.binary(max_size=60), st.from_regex(rb"[0-9a-f]{15,17} (ok|no|OK) 0?[0-9]{1,9}\n"))
)
def test_only_the_canonical_header_is_read(line: bytes) -> None:
    """An answer's header has one form as well; nothing else is taken for success."""
    try:
        header, count = parse_header(line)
    except WireError:
        return
    assert f"{header.id} {'ok' if header.done else 'no'} {count}\n".encode() == line


def test_a_page_loads_the_protocol_cheaply() -> None:
    """Each page of a customer starts Python anew: the protocol brings no costly library along."""
    code = "import sys, json; before = set(sys.modules); import bmu.wire; print(json.dumps(sorted(set(sys.modules) - before)))"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    ).stdout
    assert all(name == "bmu" or name.startswith("bmu.wire") for name in json.loads(out)), out
