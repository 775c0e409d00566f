"""Records that arrive one by one: what was promised is there after any end, whole, and once."""

import errno
import os
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmuid.intake.journal import Journal, Turnover
from bmuid.intake.spool import Spool

NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from bmuid.intake.journal import Journal, Turnover
journal = Journal(Path(sys.argv[1]), "bras", "radius", Turnover(1000, 30))
for n in range(int(sys.argv[2])):
    journal.append([b"%d-%d" % (n, m) for m in range(40)], datetime(2026, 9, 20, tzinfo=UTC), 0)
    sys.stdout.write(f"{n}\\n")
    sys.stdout.flush()
os.kill(os.getpid(), 9)
"""


def journal(root: Path, octets: int = 1 << 20, seconds: float = 30) -> Journal:
    """Give the open file of a source."""
    return Journal(root, "bras", "radius", Turnover(octets, seconds))


def handed_in(root: Path) -> list[bytes]:
    """Give the lines of the files that the spool takes, in their order."""
    return [
        line for taken in Spool(root).take("bras") for line in taken.path.read_bytes().splitlines()
    ]


def test_lines_are_handed_in_when_it_is_time(tmp_path: Path) -> None:
    """By size at once, by age when asked, at the end by itself; until then nobody takes them."""
    Spool(tmp_path).make("bras")
    open_ = journal(tmp_path, octets=10)
    open_.append([b"one"], NOW, 0)
    assert handed_in(tmp_path) == []
    assert not open_.is_due(29)
    assert open_.is_due(30)
    open_.append([b"two", b"three"], NOW, 1)
    assert not open_.is_due(1000)
    assert handed_in(tmp_path) == [b"one", b"two", b"three"]
    open_.append([b"four"], NOW, 2)
    open_.turn()
    open_.turn()
    assert handed_in(tmp_path)[-1] == b"four"
    assert list((tmp_path / "bras" / "receiving").iterdir()) == []


@pytest.mark.parametrize("groups", [1, 2, 7])
def test_killed_all_that_was_promised_is_there(tmp_path: Path, groups: int) -> None:
    """Killed behind any group: the next one hands in each line that was promised, once."""
    Spool(tmp_path).make("bras")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(groups)], capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL
    journal(tmp_path).recover()
    promised = [b"%d-%d" % (int(n), m) for n in done.stdout.split() for m in range(40)]
    assert sorted(handed_in(tmp_path)) == sorted(promised)


@settings(max_examples=50)
@given(cut=st.integers(0, 60))
def test_cut_anywhere_whole_lines_are_handed_in(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    """The machine went down in a write: what stands there to the last line end is handed in, half a line is not."""
    root = tmp_path_factory.mktemp("spool")
    Spool(root).make("bras")
    octets = b"".join(b"line %d\n" % n for n in range(8))[:cut]
    receiving = root / "bras" / "receiving"
    receiving.mkdir()
    (receiving / "radius-x.jsonl.part").write_bytes(octets)

    assert journal(root).recover() == (1 if b"\n" in octets else 0)
    assert handed_in(root) == octets[: octets.rfind(b"\n") + 1].splitlines()
    assert list(receiving.iterdir()) == []


def test_a_long_half_line_is_cut_off_too(tmp_path: Path) -> None:
    """However long it is."""
    receiving = tmp_path / "bras" / "receiving"
    Spool(tmp_path).make("bras")
    receiving.mkdir()
    (receiving / "radius-x.jsonl.part").write_bytes(b"whole\n" + bytes(200_000))
    journal(tmp_path).recover()
    assert handed_in(tmp_path) == [b"whole"]


def test_what_another_writes_still_is_left_alone(tmp_path: Path) -> None:
    """Two receivers at one spool: neither takes the other's open file."""
    Spool(tmp_path).make("bras")
    first, second = journal(tmp_path), journal(tmp_path)
    first.append([b"one"], NOW, 0)
    assert second.recover() == 0
    second.append([b"two"], NOW, 0)
    first.append([b"three"], NOW, 0)
    for each in (first, second):
        each.turn()
    assert sorted(handed_in(tmp_path)) == [b"one", b"three", b"two"]


def test_without_room_nothing_is_promised_and_nothing_promised_is_lost(tmp_path: Path) -> None:
    """The disk is full in the middle of a group: it is told, the groups before it stay, and later ones go on."""
    Spool(tmp_path).make("bras")
    open_ = journal(tmp_path)
    open_.append([b"kept"], NOW, 0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, limits[1]))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            open_.append([b"lost 1", b"lost 2"], NOW, 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    open_.append([b"kept as well"], NOW, 0)
    open_.turn()
    assert sorted(handed_in(tmp_path)) == [b"kept", b"kept as well"]
