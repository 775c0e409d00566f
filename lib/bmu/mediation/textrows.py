"""Text in other encodings to lines of UTF-8: UTF-16, EBCDIC, any that Python knows by name."""

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from bmu.mediation.rows import BrokenError, Settings, fault_line, unknown_settings

KNOWN = ("encoding",)
LINE_OCTETS_MAX = 1 << 18  # as it stands in the file
_MARKS = (
    ("utf-8", codecs.BOM_UTF8, "utf-8"),
    ("utf-16", codecs.BOM_UTF16_LE, "utf-16-le"),
    ("utf-16", codecs.BOM_UTF16_BE, "utf-16-be"),
    ("utf-32", codecs.BOM_UTF32_LE, "utf-32-le"),
    ("utf-32", codecs.BOM_UTF32_BE, "utf-32-be"),
)
_WIDTHS = {"utf-16": 2, "utf-32": 4}


def faults(settings: Settings) -> Iterator[str]:
    """Find what is wrong with the settings."""
    yield from unknown_settings(settings, KNOWN)
    if "encoding" not in settings:
        yield "decoding: TEXT needs the setting encoding: utf-16, cp037, cp500, iso-8859-1"
    else:
        yield from encoding_faults(settings["encoding"])


def encoding_faults(encoding: str) -> Iterator[str]:
    """Find what is wrong with the name of an encoding."""
    try:
        if isinstance(b"".decode(encoding), str) and isinstance("\n".encode(encoding), bytes):
            return
    except (LookupError, ValueError):
        pass
    yield f"decoding: encoding: there is none called {encoding!r}"


def decode(settings: Settings, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Write each line in UTF-8; NEL, which ends a line in EBCDIC, ends it there, too.

    Errors:
        BrokenError: a line does not end.
    """
    lines = Lines(blocks, settings["encoding"])
    encoding, octet = lines.encoding, lines.octet
    for line in lines:
        try:
            yield line.decode(encoding).rstrip("\n\x85").encode()
        except UnicodeError as error:
            # Surrogates alone are read by some encodings, but written by none.
            start = error.start if isinstance(error, UnicodeDecodeError) else 0
            yield fault_line(f"not {encoding}", octet + start, line)
        octet += len(line)


class Lines:
    """
    The lines of a file that comes in blocks, as octets with their line ends; the last may have none.

    Shapes:
        encoding: with the order of octets that the file's first ones tell.
        octet: where the first line begins.

    Errors:
        BrokenError: a line does not end.
    """

    def __init__(self, blocks: Iterable[bytes], encoding: str) -> None:
        encoding = codecs.lookup(encoding).name
        self.octet = 0
        blocks, first = iter(blocks), b""
        while len(first) < 4 and (block := next(blocks, b"")):
            first += block
        for name, mark, meant in _MARKS:
            if encoding == name and first.startswith(mark):
                encoding, self.octet = meant, len(mark)
        if encoding in _WIDTHS:
            encoding += "-le"
        self.encoding = encoding
        wide = encoding[:6] in _WIDTHS
        self._errors = "surrogatepass" if wide else "surrogateescape"
        self._next = _split(chain((first[self.octet :],), blocks), encoding, self.octet).__next__

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._next()

    def loose(self, line: bytes) -> str:
        """Give the text of a line; what is no text in it becomes surrogates, which no row may have."""
        try:
            return line.decode(self.encoding, self._errors)
        except UnicodeDecodeError:
            return "\udcff\n"


def _split(blocks: Iterable[bytes], encoding: str, octet: int) -> Iterator[bytes]:
    width = _WIDTHS.get(encoding[:6], 1)
    ends = [end.encode(encoding) for end in ("\n", "\x85") if width > 1 or _is_ebcdic(encoding)]
    ends = ends[:1] if width > 1 else ends or [b"\n"]
    parts = re.compile(b"(%b)" % b"|".join(map(re.escape, ends)), re.DOTALL).split
    rest = b""
    for block in blocks:
        found = parts(rest + block)
        rest = found.pop()
        begun = b""
        for line, end in zip(found[::2], found[1::2], strict=True):
            whole = begun + line + end
            # The octets of a line end, but of two characters' halves.
            if width > 1 and len(whole) % width:
                begun = whole
                continue
            begun = b""
            yield whole
            octet += len(whole)
        rest = begun + rest
        if len(rest) > LINE_OCTETS_MAX:
            raise BrokenError("a line without end", octet, rest)
    if rest:
        yield rest


def _is_ebcdic(encoding: str) -> bool:
    return b"\x15".decode(encoding, "replace") == "\x85"
