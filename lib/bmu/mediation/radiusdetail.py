r"""
FreeRADIUS detail files to rows: a block of attributes each, with the octets of a session counted whole.

A block is a line with the time, then lines ``\tName = value``, then an empty line.
"""

import re
from collections.abc import Iterable, Iterator

from bmu.mediation.radius import GIGAWORD, derived
from bmu.mediation.rows import RowError, Settings, fault_line, line_of, unknown_settings
from bmu.mediation.textrows import Lines

ATTRIBUTES_MAX = 1_000
# Counted whole: what to add, its lower 32 bits, its upper ones.
COUNTERS = (
    ("Input-Octets", "Acct-Input-Octets", "Acct-Input-Gigawords"),
    ("Output-Octets", "Acct-Output-Octets", "Acct-Output-Gigawords"),
)
_PAIR = re.compile(rb"[ \t]+([!-~]+)[ \t]+[:+]?=[ \t]*(.*)", re.DOTALL)
_ESCAPE = re.compile(rb"\\([\\\"'nrt]|[0-3][0-7]{2})")
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def faults(settings: Settings) -> Iterator[str]:
    """Find what is wrong with the settings."""
    yield from unknown_settings(settings, ())


def decode(_settings: Settings, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Write each block as a line, with the time of its first line as ``received``.

    An attribute that is repeated is numbered from its second on (``Class``, ``Class.1``). ``Input-Octets`` and
    ``Output-Octets`` are added: the counters with their gigawords; the begin and the id of the session, too, where it has none.

    Errors:
        BrokenError: a line does not end.
    """
    octet = 0
    block: list[bytes] = []
    octets = 0
    for line in Lines(blocks, "utf-8"):
        octets += len(line)
        if line.strip():
            # Enough to refuse it is kept of a block without end.
            if len(block) <= ATTRIBUTES_MAX + 1:
                block.append(line)
            continue
        if block:
            yield _line(block, octet, ended=line.endswith(b"\n"))
        octet, octets, block = octet + octets, 0, []
    if block:
        yield _line(block, octet, ended=False)


def _line(block: list[bytes], octet: int, *, ended: bool) -> bytes:
    if not ended:
        return fault_line("the file ends within a block", octet, b"".join(block))
    try:
        return line_of(_row(block))
    except RowError as error:
        return fault_line(str(error), octet, b"".join(block))


def _row(block: list[bytes]) -> dict[str, str]:
    if block[0][:1].isspace():
        raise RowError("a block without a line with its time")
    if len(block) > ATTRIBUTES_MAX + 1:
        raise RowError(f"a block of more than {ATTRIBUTES_MAX} attributes")
    row = {"received": _text(block[0].strip())}
    times: dict[str, int] = {}
    for line in block[1:]:
        found = _PAIR.fullmatch(line.rstrip(b"\r\n"))
        if found is None:
            raise RowError(f"{_text(line)[:60]!a}: expected Name = value")
        name = found[1].decode()
        time = times.get(name, 0)
        times[name] = time + 1
        row[f"{name}.{time}" if time else name] = _value(found[2])
    for total, lower, upper in COUNTERS:
        if lower in row or upper in row:
            row[total] = str(_number(row, upper) * GIGAWORD + _number(row, lower))
    return row | {name: text for name, text in derived(row).items() if name not in row}


def _number(row: dict[str, str], name: str) -> int:
    text = row.get(name, "0")
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) < GIGAWORD):
        raise RowError(f"{name} is {text[:60]!a}; expected a number below 2^32")
    return int(text)


def _value(octets: bytes) -> str:
    quote = octets[:1]
    if quote not in (b'"', b"'"):
        return _text(octets)
    if len(octets) < 2 or octets[-1:] != quote:
        raise RowError(f"{_text(octets)[:60]!a}: quotes that do not end")
    inner = octets[1:-1]
    return _text(_ESCAPE.sub(_unescaped, inner) if b"\\" in inner else inner)


def _unescaped(found: re.Match[bytes]) -> bytes:
    what = found[1]
    return _ESCAPED.get(what) or (bytes([int(what, 8)]) if len(what) == 3 else what)


def _text(octets: bytes) -> str:
    """Read text; what is none becomes surrogates, which no row may have."""
    return octets.decode("utf-8", "surrogateescape")
