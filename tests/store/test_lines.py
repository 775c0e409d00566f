"""Lines of a file read and shared out between parts: each line once, however the file is read and wherever that begins."""

from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.mediation import BUILT_IN, Mediator, SourceSettings
from bmu.mediation import mediator as module
from bmu.rating import OwnerRow, Owners, Terms
from bmuid.intake import lines as reading
from bmuid.intake.homes import Homes
from bmuid.intake.lines import Lines, lines_in, read_chunk
from bmuid.intake.ours import Ours, Share, pick

LONDON = SourceSettings("pbx", "Europe/London", "44", "0", "00")
CALLERS = ("447700900001", "447700900002", "447700900003")
SHORT = 12  # in place of LINE_OCTETS_MAX

octets_of_files = st.lists(
    st.sampled_from((b"\n", b"\r\n", b"a", b"bc", b'"', b"x" * SHORT, b"y" * (SHORT + 1), b"\0"))
).map(b"".join)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Read a few octets at once, and have few of them be a long line."""
    monkeypatch.setattr(reading, "LINE_OCTETS_MAX", SHORT)
    return monkeypatch


@dataclass(frozen=True)
class Taken:
    """What was read of a file."""

    lines: list[bytes]
    positions: list[int]


def read(path: Path, at_once: list[int], octet: int = 0) -> Taken:
    """Read a file, so many lines at once, in turn; as often from where it was left."""
    lines: list[bytes] = []
    positions = [octet]
    with FileIO(path) as file:
        for lines_max in at_once:
            some = Lines(file, positions[-1])
            while some.count < lines_max and some.more():
                lines += some.take(lines_max - some.count)
            positions.append(some.next_octet)
    return Taken(lines, positions)


@given(octets_of_files, st.lists(st.integers(0, 5), max_size=6), st.integers(1, 40))
def test_lines_are_the_same_however_they_are_read(
    tmp_path_factory: pytest.TempPathFactory, octets: bytes, at_once: list[int], block: int
) -> None:
    """Cut, empty, very long, without an end: read block by block, and gone on with from any line."""
    path = tmp_path_factory.mktemp("file") / "lines"
    path.write_bytes(octets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "LINE_OCTETS_MAX", SHORT)
        patch.setattr(reading, "BLOCK_OCTETS", block)

        taken = read(path, at_once)
        plain: list[bytes] = []
        positions = [0]
        with FileIO(path) as file:
            for lines_max in at_once:
                chunk = read_chunk(file, 1 + len(plain), positions[-1], lines_max)
                plain += chunk.lines
                positions.append(chunk.next_octet)
        whole = read(path, [1000]).lines

    assert taken.positions == positions
    assert taken.lines == [line[: SHORT + 1] for line in plain]
    assert whole == [line[: SHORT + 1] for line in lines_in([octets])]


def test_no_more_is_read_than_a_chunk_may_be(tmp_path: Path, small: pytest.MonkeyPatch) -> None:
    """Long lines are fewer in a chunk, and one of them is always taken."""
    path = tmp_path / "lines"
    path.write_bytes(b"z" * 30 + b"\n" + b"a\n" * 40)
    small.setattr(reading, "BLOCK_OCTETS", 4)
    small.setattr(reading, "CHUNK_OCTETS_MAX", 20)

    taken = read(path, [99, 99])

    assert taken.lines[0] == b"z" * (SHORT + 1)
    assert taken.positions[1] < taken.positions[2] < path.stat().st_size
    assert len(taken.lines) == 1 + (taken.positions[2] - 31) // 2


def owners() -> Owners:
    """Give three callers to three accounts, one of them to two in turn."""
    terms = Terms("P", "GBP", "UTC")
    rows = [(1, CALLERS[0], 0, 2**62), (2, CALLERS[1], 0, 2**62), (1, CALLERS[2], 0, 10**15)]
    rows.append((2, CALLERS[2], 10**15, 2**62))
    return Owners(
        OwnerRow(number, "phone", value, from_us, to_us, account, account, terms, 1)
        for number, (account, value, from_us, to_us) in enumerate(rows, 1)
    )


def call(number: int, caller: str) -> bytes:
    """Write a call as Asterisk does."""
    return (
        f'"","{caller}","+4420","o","","a","c","Dial","x","2026-08-03 09:12:40","2026-08-03 09:12:44",'
        f'"2026-08-03 09:13:57",77,{number + 1},"ANSWERED","DOCUMENTATION","{number}.1",""'
    ).encode()


lines_of_a_switch = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from((*CALLERS, "+440", "0" * 50, 'say ""x""')))
    | st.sampled_from((b"", b"\r", b'"', b"not a call", b'"","447700900001', b"q" * 70_000)),
    max_size=12,
)


@given(lines_of_a_switch, st.integers(1, 9), st.sampled_from((b"", b"\n")))
def test_each_line_is_one_parts_with_a_compiler_and_without(
    tmp_path_factory: pytest.TempPathFactory,
    said: list[tuple[int, str] | bytes],
    at_once: int,
    end: bytes,
) -> None:
    """The same calls, owners, verdicts and lines, whatever the lines are; none twice and none in no part."""
    lines = [
        each if isinstance(each, bytes) else call(number, each[1])
        for number, each in enumerate(said)
    ]
    path = tmp_path_factory.mktemp("file") / "lines"
    path.write_bytes(b"\n".join(lines) + (end if lines else b""))
    count = len(lines) - (not end and bool(lines) and not lines[-1])

    found = []
    for compiled in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not compiled:
                patch.setattr(module, "compiled", None)
            found.append([_worked(path, part, at_once) for part in range(3)])

    assert [list(map(_told, parts)) for parts in found[1:]] == [list(map(_told, found[0]))]
    numbers = sorted(each.line_no for ours in found[0] for each in (*ours.udrs, *ours.rejected))
    assert numbers == list(range(1, count + 1))
    for ours in found[0]:
        for each in (*ours.udrs, *ours.rejected):
            assert ours.holds(each.line_no)
            assert ours.line(each.line_no) == lines[each.line_no - 1][: (1 << 16) + 1]
        assert not ours.holds(count + 1)


def _worked(path: Path, part: int, at_once: int) -> Ours:
    """Work a part of a file, so many lines at once; give all that was found."""
    mediator = Mediator(BUILT_IN["asterisk-master-csv"], LONDON)
    homes, share = Homes(mediator, owners(), 3), Share(part, 3, 0, 2**62)
    whole = Ours(1)
    next_line, octet = 1, 0
    with FileIO(path) as file:
        while True:
            ours = pick(Lines(file, octet), next_line, at_once, homes, share)
            if ours.next_line == next_line:
                return whole
            next_line, octet = ours.next_line, ours.next_octet
            whole.udrs += ours.udrs
            whole.owners += ours.owners
            whole.rejected += ours.rejected
            held = [n for n in range(ours.first_line, next_line) if ours.holds(n)]
            whole.add_lines([ours.line(n) for n in held], held, {})


def _told(ours: Ours) -> object:
    return replace(ours, first_line=0, next_line=0, next_octet=0)
