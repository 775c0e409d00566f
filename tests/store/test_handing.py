"""Files that receivers hand in: there whole and for good, or not there at all."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmuid.intake.handing import Handing, NameTakenError, hand, safe_name, sweep
from bmuid.intake.spool import Spool

KILLED = """
import os, sys
from pathlib import Path
from bmuid.intake.handing import Handing
with Handing(Path(sys.argv[1])) as handing:
    handing.write(b"half")
    os.kill(os.getpid(), 9)
"""
LINES = [b"one\n", b"two\n" * 1000, b"three\n"]


@pytest.fixture
def arriving(tmp_path: Path) -> Path:
    """Give the in/ of a source."""
    Spool(tmp_path).make("pbx")
    return tmp_path / "pbx" / "in"


def names(directory: Path) -> list[str]:
    """Give all names in a directory, hidden ones too."""
    return sorted(path.name for path in directory.iterdir())


def test_a_file_is_there_whole(arriving: Path, tmp_path: Path) -> None:
    """When the receiver may answer, the file has its name, its octets, and is what the spool takes."""
    path = hand(arriving, "Master.csv", LINES)

    assert path.read_bytes() == b"".join(LINES)
    assert names(arriving) == ["Master.csv"]
    assert [taken.name for taken in Spool(tmp_path).take("pbx", Path.is_file)] == ["Master.csv"]


def test_nothing_is_taken_before_its_end(arriving: Path, tmp_path: Path) -> None:
    """While it is written nobody takes it, and broken off there is nothing of it."""
    with Handing(arriving) as handing:
        handing.write(b"half a line")
        assert list(Spool(tmp_path).take("pbx", Path.is_file)) == []
    assert names(arriving) == []


def test_an_error_leaves_nothing(arriving: Path) -> None:
    """The network breaks in the middle: the error is told, and the directory is as it was."""

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        hand(arriving, "a.csv", broken())
    assert names(arriving) == []


def test_without_room_an_error_is_told_and_nothing_is_left(arriving: Path) -> None:
    """What the system has no room for is not handed in, not even in part."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    told = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            hand(arriving, "a.csv", [b"x" * 3000] * 3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, told)
    assert names(arriving) == []


def test_what_waits_is_not_replaced(arriving: Path) -> None:
    """A second file of a name whose first was not taken yet is refused: neither's octets are lost."""
    hand(arriving, "Master.csv", [b"first\n"])
    with pytest.raises(NameTakenError):
        hand(arriving, "Master.csv", [b"second\n"])

    assert (arriving / "Master.csv").read_bytes() == b"first\n"
    assert names(arriving) == ["Master.csv"]


def test_killed_while_writing(arriving: Path, tmp_path: Path) -> None:
    """What a receiver that was killed left is removed by the next one; what another writes still stays."""
    killed = subprocess.run([sys.executable, "-c", KILLED, str(arriving)])
    assert killed.returncode == -signal.SIGKILL
    (arriving / "upload.part").write_bytes(b"a client's own")
    assert len(names(arriving)) == 2
    with Handing(arriving) as handing:
        assert sweep(tmp_path) == 1
        handing.write(b"whole")
        handing.finish("a.csv")

    assert names(arriving) == ["a.csv", "upload.part"]
    assert sweep(tmp_path) == 0


@given(
    st.text()
    | st.sampled_from(["..", ".", "", "/", "a/../../b", ".x", "x.part", "é" * 300, "-rf", "\0"])
)
def test_any_name_is_made_one_that_is_safe(text: str) -> None:
    """Whatever a partner calls its file, it lands in the directory, under a name that counts as finished."""
    name = safe_name(text)

    assert 1 <= len(name.encode()) <= 255
    assert "/" not in name
    assert name.isprintable()
    assert not name.startswith((".", "-"))
    assert not name.endswith(".part")
    assert safe_name(name) == name


def test_ordinary_names_stay() -> None:
    """Nobody has to search for their file under another name."""
    for name in ("Master.csv", "cdr-2026-08-03_11.00.csv.gz", "Gespräche (Mai).csv"):
        assert safe_name(name) == name
