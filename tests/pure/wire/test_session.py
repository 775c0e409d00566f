"""Both sides of a connection, fed by hand: no split of the octets changes what was said."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.wire import (
    GREETING,
    LINE_OCTETS_MAX,
    NO_ID,
    Answer,
    Broken,
    ClientSession,
    Request,
    ServerSession,
    WireError,
    answer_octets,
    request_line,
)

ID = "00112233445566ff"
ASKED = Request(ID, "invoice_show", {"number": "INV-7", "token": "t"})
LINE = request_line(ASKED)

streams = st.lists(
    st.sampled_from([LINE, LINE[:-1], b"\n", b"x", b"\r\n", b"\x00\xff", b"y" * LINE_OCTETS_MAX]),
    max_size=6,
).map(b"".join)


def pieces(octets: bytes, cuts: list[int]) -> list[bytes]:
    """Cut *octets* at the places given."""
    places = sorted({0, len(octets), *(cut % (len(octets) + 1) for cut in cuts)})
    return [octets[a:b] for a, b in pairwise(places)]


@given(streams, st.lists(st.integers(min_value=0)))
def test_any_split_says_the_same(octets: bytes, cuts: list[int]) -> None:
    """How the network cuts a customer's request into packets changes nothing."""
    whole = ServerSession().feed(octets)
    session = ServerSession()
    split = [message for piece in pieces(octets, cuts) for message in session.feed(piece)]
    assert split == whole
    assert [type(message) for message in whole] in ([], [Request], [Broken], [Request, Broken])


def test_a_second_line_before_the_answer_is_never_read() -> None:
    """Whoever slips a second command in behind the first is cut off, and it is not looked at."""
    assert ServerSession().feed(LINE + LINE) == [
        ASKED,
        Broken("EARLY_OCTETS", "nothing may be sent before the answer"),
    ]


def test_after_the_answer_the_next_request_is_read() -> None:
    """One connection serves one request after the other."""
    session = ServerSession()
    assert session.feed(LINE) == [ASKED]
    assert session.answer(b"{}", done=True) == f"{ID} ok 2\n{{}}".encode()
    assert session.is_idle
    assert session.feed(LINE) == [ASKED]
    assert session.answer(b"{}", done=False) == f"{ID} no 2\n{{}}".encode()


def test_nothing_counts_after_a_broken_line() -> None:
    """After a line that is none, a good one does not help."""
    session = ServerSession()
    assert [m.code for m in session.feed(b"GET / HTTP/1.1\r\n") if isinstance(m, Broken)] == [
        "BAD_LINE"
    ]
    assert session.feed(LINE) == []


@pytest.mark.parametrize(
    "octets", [b"x" * LINE_OCTETS_MAX, b"x" * 1_000_000, b"x" * LINE_OCTETS_MAX + b"\n"]
)
def test_a_line_without_end_is_cut_off(octets: bytes) -> None:
    """A line may not grow past its limit, and no more than that is kept of it."""
    assert [m.code for m in ServerSession().feed(octets) if isinstance(m, Broken)] == [
        "LINE_TOO_LONG"
    ]


def test_the_longest_line_is_taken() -> None:
    """The limit itself is allowed."""
    room = LINE_OCTETS_MAX - len(f"{ID} a a=\n")
    assert ServerSession().feed(f"{ID} a a={'x' * room}\n".encode()) == [
        Request(ID, "a", {"a": "x" * room})
    ]


@pytest.mark.parametrize("flood", [b"\n" * 8_000_000, LINE + b"\n" * 8_000_000, b"x" * 8_000_000])
def test_a_flood_costs_one_line(flood: bytes) -> None:
    """Eight megabytes at once take the memory of one line, and are not looked through."""
    session = ServerSession()
    tracemalloc.start()
    try:
        assert isinstance(session.feed(flood)[-1], Broken)
        assert tracemalloc.get_traced_memory()[1] < 8 * LINE_OCTETS_MAX
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=300), st.booleans(), st.lists(st.integers(min_value=0)))
def test_the_client_reads_any_split(body: bytes, done: bool, cuts: list[int]) -> None:  # noqa: FBT001
    """A page reads the same answer however it arrives."""
    client = ClientSession()
    client.ask(ASKED)
    octets = GREETING + answer_octets(Answer(ID, body, done=done))
    got = [answer for piece in pieces(octets, cuts) if (answer := client.feed(piece))]
    assert got == [Answer(ID, body, done=done)]


@given(
    st.one_of(st.binary(max_size=100), st.binary(max_size=100).map(lambda tail: GREETING + tail))
)
def test_the_client_takes_nothing_else_for_an_answer(octets: bytes) -> None:
    """Whatever a stranger on the port says, a page never takes it for success."""
    client = ClientSession()
    client.ask(ASKED)
    try:
        answer = client.feed(octets)
    except WireError:
        return
    assert answer is None or answer_octets(answer) == octets.removeprefix(GREETING)


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        GREETING + b"fedcba9876543210 ok 2\n{}",
        GREETING + f"{ID} ok 2\n{{}}{{}}".encode(),
        GREETING + f"{NO_ID} ok 2\n{{}}".encode(),
        GREETING + b"x" * 40,
        GREETING + f"{ID} ok 99999999\n".encode(),
    ],
)
def test_the_client_refuses_what_was_not_asked(octets: bytes) -> None:
    """An answer to another's question never reaches a customer."""
    client = ClientSession()
    client.ask(ASKED)
    with pytest.raises(WireError):
        client.feed(octets)


def test_an_answer_before_the_question_is_refused() -> None:
    """An answer that was there before the question can't be to it."""
    with pytest.raises(WireError):
        ClientSession().feed(GREETING + f"{ID} ok 2\n{{}}".encode())


def test_a_line_the_daemon_could_not_read_is_answered_under_no_id() -> None:
    """The page learns that it was refused even when the daemon could not tell its id."""
    client = ClientSession()
    client.ask(ASKED)
    assert client.feed(GREETING + f"{NO_ID} no 2\n{{}}".encode()) == Answer(
        NO_ID, b"{}", done=False
    )


def test_messages_do_not_print_their_values() -> None:
    """A password never shows in a log by way of a request."""
    assert "sesame" not in repr(Request(ID, "login_open", {"password": "sesame"}))
    assert "sesame" not in repr(Answer(ID, b"sesame", done=True))
    assert "BAD_LINE" in repr(Broken("BAD_LINE", "x"))
