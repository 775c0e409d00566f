"""XML documents to rows: each element at a path is one; read as it comes, without DTD and entities."""

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote
from xml.parsers import expat

from bmu.mediation.rows import (
    LINE_OCTETS_MAX,
    BrokenError,
    RowError,
    RowlessError,
    Settings,
    fault_line,
    line_of,
    unknown_settings,
)

DEPTH_MAX = 64
TOKEN_OCTETS_MAX = 1 << 20
PARSED_AT_ONCE = 1 << 16
KNOWN = ("row", "percent")

Row = dict[str, str]

_PATH = re.compile(r"[^\s/.@]+(?:/[^\s/.@]+)*")


def faults(settings: Settings) -> Iterator[str]:
    """Find what is wrong with the settings."""
    yield from unknown_settings(settings, KNOWN)
    if not _PATH.fullmatch(settings.get("row", "")):
        yield "decoding: XML needs the setting row, the path of the element that is a row: cdrs/cdr"


def decode(settings: Settings, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Write each element at the path *row* as a line.

    A name is the path below the row, joined by dots, without prefixes of name spaces; an attribute has an
    ``@`` before its own. What is repeated is numbered from its second on: ``leg``, ``leg.1``, ``leg.2``.
    Values below *percent* are percent-decoded, as FreeSWITCH writes its variables.
    """
    percent = settings.get("percent")

    def line(row: Row) -> bytes:
        return line_of(row if percent is None else percent_decoded(row, percent))

    yield from rows_at(tuple(settings["row"].split("/")), blocks, line)


def percent_decoded(row: Row, below: str) -> Row:
    """Undo the percent-encoding of the values whose name begins so."""
    start = f"{below}." if below else ""
    return {
        name: unquote(text, errors="surrogateescape")
        if "%" in text and name.startswith(start)
        else text
        for name, text in row.items()
    }


def rows_at(
    path: tuple[str, ...],
    blocks: Iterable[bytes],
    written: Callable[[Row], bytes],
    noted: Callable[[tuple[str, ...], dict[str, str]], None] | None = None,
) -> Iterator[bytes]:
    """
    Give the line that *written* makes of each element at the path, or of why it can't.

    Shapes:
        noted: told path and attributes of each element that is in no row.

    Errors:
        BrokenError: it is no XML from here on, or has what only an attack has.
        RowlessError: there is none, and the document is of another kind by its root.
    """
    reader = _Reader(path, written, noted)
    try:
        for block in _even(blocks):
            reader.feed(block)
            yield from reader.taken()
        reader.end()
    except BrokenError:
        yield from reader.taken()
        raise
    if not reader.is_such:
        raise RowlessError


def _even(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut anew, so that nothing depends on how the file was cut."""
    rest = b""
    for block in blocks:
        octets = rest + block
        whole = len(octets) - len(octets) % PARSED_AT_ONCE
        for start in range(0, whole, PARSED_AT_ONCE):
            yield octets[start : start + PARSED_AT_ONCE]
        rest = octets[whole:]
    if rest:
        yield rest


class _Reader:
    """
    Keeps the path of where the parser is, and the row that is being read.

    Shapes:
        is_such: the document may have rows at the path, by the name of its root.
    """

    def __init__(
        self,
        path: tuple[str, ...],
        written: Callable[[Row], bytes],
        noted: Callable[[tuple[str, ...], dict[str, str]], None] | None,
    ) -> None:
        self.is_such = False
        self._lines: list[bytes] = []
        self._block, self._block_at, self._fed = b"", 0, 0
        self._parser = parser = expat.ParserCreate()
        self._wanted = path
        self._written = written
        self._noted = noted
        self._path: list[str] = []
        self._row: Row | None = None
        self._names: list[str] = []  # of the elements from the row down to here
        self._seen: dict[str, int] = {}
        self._text: list[str] = []
        self._size = 0
        self._began = 0
        self._fault: str | None = None
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, block: bytes) -> None:
        """
        Read on.

        Errors:
            BrokenError: it is no XML from here on, or has what only an attack has.
        """
        # The octets of a row that began in the block before are wanted, too.
        self._block = self._block[-PARSED_AT_ONCE:] + block
        self._block_at = self._fed + len(block) - len(self._block)
        self._fed += len(block)
        self._parse(block)
        if self._fed - self._parser.CurrentByteIndex > TOKEN_OCTETS_MAX:
            raise BrokenError("a tag or text without end", self._parser.CurrentByteIndex)

    def end(self) -> None:
        """
        Tell that nothing follows; a file without an octet is no fault.

        Errors:
            BrokenError: the document has not ended.
        """
        if self._fed:
            self._parse(b"", last=True)

    def taken(self) -> list[bytes]:
        """Give the lines of the rows that have ended since."""
        lines, self._lines = self._lines, []
        return lines

    def _parse(self, block: bytes, *, last: bool = False) -> None:
        try:
            self._parser.Parse(block, last)
        except expat.ExpatError as error:
            at = self._parser.ErrorByteIndex
            why = f"no XML: {expat.ErrorString(error.code)}"
            raise BrokenError(why, at, self._block[max(at - self._block_at, 0) :]) from None
        except BrokenError:
            raise
        except (LookupError, ValueError) as error:
            raise BrokenError(f"no XML in an encoding that is read: {error}", 0) from None

    def _doctype(self, *_: object) -> None:
        raise BrokenError("it has a DTD, which no record needs", self._parser.CurrentByteIndex)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if self._text:
            self._keep_text()
        self._path.append(name)
        self.is_such = self.is_such or self._path == [self._wanted[0]]
        if len(self._path) > DEPTH_MAX:
            raise BrokenError(
                f"elements nested more than {DEPTH_MAX} deep", self._parser.CurrentByteIndex
            )
        if self._row is not None:
            self._into(name)
        elif tuple(self._path) == self._wanted:
            self._row, self._names, self._seen, self._fault = {}, [""], {}, None
            self._size, self._began = 0, self._parser.CurrentByteIndex
        self._attributes(attributes)

    def _attributes(self, attributes: dict[str, str]) -> None:
        if self._row is None:
            if self._noted is not None:
                self._noted(tuple(self._path), attributes)
            return
        before = f"{self._names[-1]}." if self._names[-1] else ""
        for each, value in attributes.items():
            if each == "xmlns" or each.startswith("xmlns:"):
                continue
            self._size += len(value)
            self._put(f"{before}@{each.rpartition(':')[2]}", value)

    def _into(self, name: str) -> None:
        outer = self._names[-1]
        full = f"{outer}.{name}" if outer else name
        times = self._seen.get(full, 0)
        self._seen[full] = times + 1
        self._names.append(f"{full}.{times}" if times else full)

    def _end(self, _tag: str) -> None:
        self._path.pop()
        row = self._row
        if row is None:
            return
        if self._text:
            self._keep_text()
        self._names.pop()
        if not self._names:
            self._row = None
            self._close(row)

    def _close(self, row: Row) -> None:
        fault = self._fault
        if fault is None:
            try:
                self._lines.append(self._written(row))
            except RowError as error:
                fault = str(error)
        if fault is not None:
            start = self._began - self._block_at
            octets = self._block[start : self._parser.CurrentByteIndex - self._block_at]
            self._lines.append(fault_line(fault, self._began, octets if start >= 0 else b""))

    def _characters(self, text: str) -> None:
        if self._row is not None:
            self._size += len(text)
            if self._size <= LINE_OCTETS_MAX:
                self._text.append(text)

    def _keep_text(self) -> None:
        text = "".join(self._text).strip()
        self._text.clear()
        if text:
            self._put(self._names[-1] or "text", text)

    def _put(self, name: str, text: str) -> None:
        row = self._row
        assert row is not None
        self._size += len(name)
        if self._size > LINE_OCTETS_MAX:
            # It is read to its end, but not kept.
            self._fault = f"a row of more than {LINE_OCTETS_MAX:,} octets"
        elif name in row:
            self._fault = f"{name!a} is there twice"
        else:
            row[name] = text
