"""Rows of which each becomes several UDRs, such as what was sent and what was received: as many lines each."""

import json
from collections.abc import Iterable, Iterator, Sequence

FIELD = "split"
_FAULT = b'{"!"'


def split(lines: Iterable[bytes], parts: Sequence[str]) -> Iterator[bytes]:
    """
    Give each line once for each of the parts, with the part's name in the field ``split``.

    Shapes:
        lines: JSON objects; what is none, and a row that could not be read, stays one line.
    """
    named = [f'"{FIELD}":{json.dumps(part)}}}'.encode() for part in parts]
    for line in lines:
        row = line.strip(b" \t\r")
        if row[:1] != b"{" or row[-1:] != b"}" or row.startswith(_FAULT):
            yield line
            continue
        begun = row[:-1].rstrip(b" \t")
        between = b"" if begun == b"{" else b","
        for name in named:
            yield begun + between + name
