"""How the lines of a sample are delimited: guessed from what makes most of them alike."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bmu.mediation.layout import Quoting

DELIMITERS = (",", ";", "\t", "|", "^", "~")
LINES_MAX = 500

_BOM = b"\xef\xbb\xbf"
_SAID = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}


@dataclass(frozen=True, slots=True)
class Sample:
    """
    The rows of a sample.

    Shapes:
        skipped: lines at its head that are no rows of it.
        rows: those of the usual width, the heading not among them.
        heading: the names of the columns; empty where there are none.
        notes: what was guessed, in words.
    """

    encoding: str
    delimiter: str
    quoting: Quoting
    comment: str
    skipped: int
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def sample_of(octets: bytes) -> Sample | None:
    """Take the beginning of a file apart; nothing where its lines have no columns."""
    encoding, said = _encoding(octets)
    text = octets.removeprefix(_BOM).decode(encoding, "replace")
    lines = [line.removesuffix("\r") for line in text.split("\n")][:LINES_MAX]
    while lines and not lines[-1]:
        lines.pop()
    comment = "#" if any(line.startswith("#") for line in lines[:50]) else ""
    told = [line for line in lines if not (comment and line.startswith(comment))]
    if not told:
        return None
    delimiter, quoting, width = max(
        ((each, *_split_best(told, each)) for each in DELIMITERS),
        key=lambda one: _score(told, *one),
    )
    rows = [_row(line, delimiter, quoting) for line in lines]
    if width < 2:
        return None
    first = next(
        n for n, row in enumerate(rows) if len(row) == width and not _is_comment(lines[n], comment)
    )
    usual = [
        row
        for n, row in enumerate(rows)
        if len(row) == width and not _is_comment(lines[n], comment)
    ]
    has_heading = _is_heading(usual[0], usual[1:])
    notes = [
        said,
        f"{width} columns between {_SAID.get(delimiter, delimiter)}, in {len(usual)} of {len(lines)} lines",
        "the first line names the columns"
        if has_heading
        else "no line names the columns: they are called c1, c2, ...",
    ]
    if first and has_heading:
        notes.append(f"{first} lines stand before it")
    return Sample(
        encoding,
        delimiter,
        quoting,
        comment,
        first if has_heading else 0,
        usual[0] if has_heading else (),
        tuple(usual[1:] if has_heading else usual),
        tuple(notes),
    )


def _is_comment(line: str, comment: str) -> bool:
    return bool(comment) and line.startswith(comment)


def _encoding(octets: bytes) -> tuple[str, str]:
    # The last character may be cut off.
    for cut in range(4):
        try:
            octets[: len(octets) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return (
            "utf-8",
            "its text is UTF-8"
            if not octets.isascii()
            else "its text is plain ASCII, read as UTF-8",
        )
    return (
        "cp1252",
        "its text is not UTF-8: taken for Windows-1252 (say latin-1, cp1250 or another if letters are wrong)",
    )


def _split_best(lines: Sequence[str], delimiter: str) -> tuple[Quoting, int]:
    """Give the quoting by which most lines have one width, and that width."""
    best, most = (Quoting.NONE, 1), 0
    for quoting in _quotings(lines, delimiter):
        widths = Counter(len(_row(line, delimiter, quoting)) for line in lines)
        widths.pop(0, None)
        for width, count in widths.items():
            if (count, width) > (most, best[1]):
                best, most = (quoting, width), count
    return best


def _quotings(lines: Sequence[str], delimiter: str) -> tuple[Quoting, ...]:
    """Give the quotings that a sample may have, the likeliest first."""
    quoted = [line for line in lines if '"' in line]
    if not quoted:
        return (Quoting.DOUBLED,)
    if any('\\"' in line for line in quoted):
        return Quoting.BACKSLASH, Quoting.DOUBLED, Quoting.NONE
    between = f'"{delimiter}"'
    if all(line[:1] == line[-1:] == '"' and between in line for line in lines):
        return Quoting.DOUBLED, Quoting.ALL_BARE, Quoting.NONE
    return Quoting.DOUBLED, Quoting.NONE


def _score(
    lines: Sequence[str], delimiter: str, quoting: Quoting, width: int
) -> tuple[float, int]:
    alike = sum(len(_row(line, delimiter, quoting)) == width for line in lines)
    return (alike / len(lines) if width > 1 else 0.0), width


def _row(line: str, delimiter: str, quoting: Quoting) -> tuple[str, ...]:
    """Split a line; one that can't be has no fields."""
    if quoting is Quoting.NONE:
        return tuple(line.split(delimiter))
    if quoting is Quoting.ALL_BARE:
        return tuple(line[1:-1].split(f'"{delimiter}"'))
    escape = "\\" if quoting is Quoting.BACKSLASH else None
    reader = csv.reader(
        (line,), delimiter=delimiter, doublequote=escape is None, escapechar=escape, strict=True
    )
    try:
        return tuple(next(reader, []))
    except csv.Error:
        return ()


def _is_heading(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether a row names columns: no name is a figure or a time, or there twice, and below stand others."""
    names = [name.strip() for name in first]
    if not any(names) or any(char.isdecimal() for name in names for char in name[:1]):
        return False
    if len({*filter(None, names)}) < len([*filter(None, names)]):
        return False
    below = [row[n] for row in rows for n in range(len(names))]
    return not below or any(text[:1].isdecimal() or text[:1] == "+" for text in below)
