"""JSON documents to rows: each object of an array, at the top or deeper; read as it comes."""

import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator
from json import JSONDecodeError, JSONDecoder
from typing import NoReturn

from bmu.mediation.rows import (
    DEPTH_MAX,
    FAULT_OCTETS_MAX,
    BrokenError,
    RepeatedName,
    RowError,
    RowlessError,
    Settings,
    fault_line,
    flattened,
    line_of,
    unknown_settings,
)
from bmu.mediation.xmlrows import percent_decoded

VALUE_CHARACTERS_MAX = 1 << 20
OCTETS_AT_ONCE = 1 << 17
KNOWN = ("path", "percent")

Place = Callable[[], tuple[int, bytes]]

_space = re.compile(r"[ \t\r\n]*").match
_PATH = re.compile(r"[^.\s]+(?:\.[^.\s]+)*")


def faults(settings: Settings) -> Iterator[str]:
    """Find what is wrong with the settings."""
    yield from unknown_settings(settings, KNOWN)
    if not _PATH.fullmatch(settings.get("path", "x")):
        yield f"decoding: path is {settings['path']!r}; expected names joined by dots: data.calls"


def decode(settings: Settings, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Write each object as a line: those of arrays, or the document itself; several documents may follow each other.

    Shapes:
        path: where the rows are, names joined by dots; arrays on the way are walked through.
        percent: values below that name are percent-decoded, as FreeSWITCH writes its variables.
    """
    percent = settings.get("percent")
    path = settings.get("path")
    for value, place in values_in(blocks, path.split(".") if path else []):
        try:
            row = row_of(value)
            yield line_of(row if percent is None else percent_decoded(flattened(row), percent))
        except RowError as error:
            yield fault_line(str(error), *place())


def row_of(value: object) -> dict[str, object]:
    """
    Give the value as a row.

    Errors:
        RowError: it is no object, or has a name twice.
    """
    if isinstance(value, RepeatedName):
        raise RowError("a name is there twice")
    if not isinstance(value, dict):
        raise RowError("no object with names and values")
    return value


def values_in(blocks: Iterable[bytes], path: list[str]) -> Iterator[tuple[object, Place]]:
    """
    Give the values at the path; until the next is asked for, the second tells their first octet (from 0) and octets.

    Errors:
        BrokenError: it is no JSON from here on, or a value is too long.
        RowlessError: there is none, nor an empty array where they should be.
    """
    text = _Text(blocks)
    told = False
    while text.at_value():
        for found in _values(text, path, 0):
            told = True
            yield found
    if not told and not text.had_none:
        raise RowlessError


def _values(text: "_Text", path: list[str], depth: int) -> Iterator[tuple[object, Place]]:
    """Give what is at the path below the value that begins here."""
    if depth > DEPTH_MAX:
        raise text.broken(f"arrays nested more than {DEPTH_MAX} deep")
    if text.peek() == "[":
        empty = True
        for _ in text.parts("]"):
            empty = False
            # The usual case, objects in an array, without a generator for each.
            if path or text.peek() == "[":
                yield from _values(text, path, depth + 1)
            else:
                yield text.value(), text.place
        text.had_none |= empty
    elif path and text.peek() == "{":
        yield from _below(text, path, depth)
    else:
        value = text.value()
        if not path:
            yield value, text.place


def _below(text: "_Text", path: list[str], depth: int) -> Iterator[tuple[object, Place]]:
    """Give what is at the path below the object that begins here; its other parts are read over."""
    for _ in text.parts("}"):
        name = text.value()
        text.skip(":")
        if name == path[0]:
            yield from _values(text, path[1:], depth + 1)
        else:
            text.value()


class _Text:
    """
    The text of a document that comes in blocks: what was read is forgotten.

    Shapes:
        had_none: an array was empty where the rows should be.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        # A wrong octet becomes a surrogate, which spoils its own row only.
        self._decode = getincrementaldecoder("utf-8")("surrogateescape").decode
        self._scan = JSONDecoder(
            parse_float=str, parse_int=str, parse_constant=_no_number, object_pairs_hook=_object
        ).raw_decode
        self._text = ""
        self._at = 0
        self._octets_before = 0  # of the text's first character
        self._last = 0, 0
        self._ended = False
        self.had_none = False
        if self._more() and self._text.startswith("\ufeff"):
            self._at = 1

    def at_value(self) -> bool:
        """Skip blanks; tell whether there is anything behind them."""
        while True:
            found = _space(self._text, self._at)
            assert found is not None
            self._at = found.end()
            if self._at < len(self._text):
                return True
            if not self._more():
                return False

    def peek(self) -> str:
        """Give the character that begins here."""
        return self._text[self._at]

    def skip(self, wanted: str) -> None:
        """Pass a character, and blanks before it and behind it."""
        if not self.at_value() or self._text[self._at] != wanted:
            raise self.broken(f"expected {wanted!a}")
        self._at += 1
        self._need()

    def parts(self, closing: str) -> Iterator[None]:
        """Stop at each part of an array or object that opens here; whoever loops reads the part."""
        self._at += 1
        self._need()
        if self._text[self._at] == closing:
            self._at += 1
            return
        while True:
            yield
            self._need()
            mark = self._text[self._at]
            if mark not in (",", closing):
                raise self.broken(f"expected ',' or {closing!a}")
            self._at += 1
            if mark == closing:
                return
            self._need()

    def value(self) -> object:
        """Read the value that begins here, whole."""
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except JSONDecodeError as error:
                if not self._more():
                    raise self.broken(f"no JSON: {error.msg}") from None
            except RecursionError:
                raise self.broken("no JSON: nested too deep") from None
            except ValueError as error:
                raise self.broken(f"no JSON: {error}") from None
            else:
                # A number may go on in what comes next.
                if end < len(self._text) or self._text[end - 1] in '"]}' or not self._more():
                    self._last = self._at, end
                    self._at = end
                    return value

    def place(self) -> tuple[int, bytes]:
        """Tell where the last value began, and its octets."""
        start, end = self._last
        before = self._octets_before + len(_octets(self._text[:start]))
        return before, _octets(self._text[start : min(end, start + FAULT_OCTETS_MAX)])

    def broken(self, why: str) -> BrokenError:
        """Make the fault of what begins here."""
        self._last = self._at, len(self._text)
        return BrokenError(why, *self.place())

    def _need(self) -> None:
        if not self.at_value():
            raise self.broken("it ends within an array or object")

    def _more(self) -> bool:
        """Read on; at the end, or with a whole value's worth not understood, there is no more."""
        if self._ended or len(self._text) - self._at > VALUE_CHARACTERS_MAX:
            return False
        octets = 0
        read = []
        for block in self._blocks:
            read.append(block)
            octets += len(block)
            if octets >= OCTETS_AT_ONCE:
                break
        else:
            self._ended = True
        self._octets_before += len(_octets(self._text[: self._at]))
        self._text = self._text[self._at :] + self._decode(b"".join(read), self._ended)
        self._at = 0
        return True


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else RepeatedName(found)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
