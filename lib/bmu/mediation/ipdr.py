"""IPDR documents in XML (version 3.5) to rows, one an IPDR; the count with which a document ends is checked."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from bmu.mediation.rows import Settings, fault_line, line_of, unknown_settings
from bmu.mediation.xmlrows import Row, rows_at

_PATH = ("IPDRDoc", "IPDR")
_END = ("IPDRDoc", "IPDRDoc.End")
# What a document says of itself, and each of its rows has beside its own.
_OF_ALL = ("docId", "creationTime", "IPDRRecorderInfo")

_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z", re.ASCII)


def faults(settings: Settings) -> Iterator[str]:
    """Find what is wrong with the settings."""
    yield from unknown_settings(settings, ())


def decode(_settings: Settings, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Write each IPDR as a line: its elements by their names, its kind as ``type``, and what the document says of itself.

    Times in UTC are there in seconds since 1970, too: ``RecCreationTime.s`` beside ``RecCreationTime``.

    A last line tells where the document has another number of rows than it says, or doesn't say.

    Errors:
        BrokenError: it is no XML from here on, or has what only an attack has.
    """
    document: Row = {}
    ends: list[str] = []
    count = 0

    def written(row: Row) -> bytes:
        kind = row.pop("@type", "").rpartition(":")[2]
        times = {f"{name}.s": _seconds(text) for name, text in row.items() if _UTC.fullmatch(text)}
        return line_of({"type": kind, **row, **times, **document})

    def noted(path: tuple[str, ...], attributes: dict[str, str]) -> None:
        if path == _PATH[:1]:
            document.update({name: attributes[name] for name in _OF_ALL if name in attributes})
        elif path == _END:
            ends.append(attributes.get("count", "").strip())

    for line in rows_at(_PATH, blocks, written, noted):
        count += 1
        yield line
    if ends and ends != [""] and ends != [str(count)]:
        yield fault_line(
            f"the document says it has {ends[0][:20]!a} IPDRs; it has {count}", 0, b""
        )
    elif count and not ends:
        yield fault_line("the document has no IPDRDoc.End", 0, b"")


def _seconds(text: str) -> str:
    """Give whole seconds since 1970-01-01 UTC, nothing of a day or hour that isn't one."""
    try:
        return str(int(datetime.fromisoformat(text[:19] + "+00:00").timestamp()))
    except ValueError:
        return ""
