"""IPDR documents in XML (version 3.5) to rows, one an IPDR; the count with which a document ends is checked."""

from collections.abc import Iterable, Iterator

from bmu.mediation.rows import Settings, fault_line, line_of, unknown_settings
from bmu.mediation.xmlrows import Row, rows_at

_PATH = ("IPDRDoc", "IPDR")
_END = ("IPDRDoc", "IPDRDoc.End")
# What a document says of itself, and each of its rows has beside its own.
_OF_ALL = ("docId", "creationTime", "IPDRRecorderInfo")


def faults(settings: Settings) -> Iterator[str]:
    """Find what is wrong with the settings."""
    yield from unknown_settings(settings, ())


def decode(_settings: Settings, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Write each IPDR as a line: its elements by their names, its kind as ``type``, and what the document says of itself.

    A last line tells where the document has another number of rows than it says, or doesn't say.

    Errors:
        BrokenError: it is no XML from here on, or has what only an attack has.
    """
    document: Row = {}
    ends: list[str] = []
    count = 0

    def written(row: Row) -> bytes:
        kind = row.pop("@type", "").rpartition(":")[2]
        return line_of({"type": kind, **row, **document})

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
