"""The pages' way to the daemon, against a peer that keeps or breaks the protocol."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bmu.ui.client import AwayError, Client, RefusedError
from bmu.ui.settings import SettingsError, parse_settings
from bmu.wire.codec import GREETING

ID = "0123456789abcdef"


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Callable[[bytes], str]]:
    """Give what starts a peer that answers one connection with fixed octets, and its socket's path."""
    with socket.socket(socket.AF_UNIX) as listener:
        path = str(tmp_path / "s")
        listener.bind(path)
        listener.listen()
        threads = []

        def start(octets: bytes) -> str:
            def serve() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(8192)
                    connection.sendall(octets)

            threads.append(threading.Thread(target=serve))
            threads[-1].start()
            return path

        yield start
        for thread in threads:
            thread.join()


def test_an_answer_is_read_whole(peer: Callable[[bytes], str]) -> None:
    """What the daemon says arrives as it was said."""
    client = Client(
        peer(GREETING + ID.encode() + b' ok 12\n{"total":"1"}'.replace(b"12", b"13")), ID
    )
    assert client.ask("overview_show", {"token": "t"}).text("total") == "1"


def test_a_no_carries_its_code(peer: Callable[[bytes], str]) -> None:
    """The page learns why."""
    body = b'{"code":"NOT_FOUND","text":"x"}'
    client = Client(peer(GREETING + f"{ID} no {len(body)}\n".encode() + body), ID)
    with pytest.raises(RefusedError) as refused:
        client.ask("invoice_show", {"token": "t", "number": "1"})
    assert refused.value.code == "NOT_FOUND"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"BMU 1\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        GREETING + b"fedcba9876543210 ok 2\n{}",
        GREETING + ID.encode() + b" ok 2\n{",
        GREETING + ID.encode() + b" ok 2\n[]",
        GREETING + ID.encode() + b" ok 2\n{]",
        GREETING + ID.encode() + b" ok 99999999\n",
        GREETING + ID.encode() + b" no 2\n{}",
    ],
)
def test_anything_else_counts_as_no_answer(peer: Callable[[bytes], str], octets: bytes) -> None:
    """A door that refuses this host, dies half-way or speaks otherwise: the daemon is away."""
    with pytest.raises(AwayError):
        Client(peer(octets), ID).ask("overview_show", {"token": "t"})


def test_nobody_there_counts_as_no_answer(tmp_path: Path) -> None:
    """A missing or dead socket is the same to a customer."""
    with pytest.raises(AwayError):
        Client(str(tmp_path / "none"), ID).ask("overview_show", {"token": "t"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "socket is missing"),
        ("socket", "c:1"),
        ("socket =", "c:1"),
        ("# fine\nsokcet = /x", "c:2"),
    ],
)
def test_wrong_settings_are_told_in_one_line(text: str, says: str) -> None:
    """The operator reads which line is wrong."""
    with pytest.raises(SettingsError, match=says) as told:
        parse_settings(text, "c")
    assert "\n" not in str(told.value)


def test_settings_are_a_few_lines() -> None:
    """Comments and blanks are free."""
    settings = parse_settings("# a\n\nsocket = /run/x y\ncompany = A = B\nstatic=/s/\n", "c")
    assert (settings.socket, settings.company, settings.static) == ("/run/x y", "A = B", "/s")
