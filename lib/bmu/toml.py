"""Documents in TOML: read within bounds, whoever wrote them, and written so that people like to read them."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence

WIDTH = 110
DOCUMENT_CHARACTERS_MAX = 1_000_000
# A name of so many parts is none of ours, and the time to read it grows with their square.
_NAMED_DEEP = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){50}"""
)

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


class NotTomlError(ValueError):
    """Raised for a text that can't be read; says why."""


def parsed(text: str, characters_max: int = DOCUMENT_CHARACTERS_MAX) -> dict[str, object]:
    """
    Read a document that people write.

    Errors:
        NotTomlError: it is none, or longer or nested deeper than any document of ours.
    """
    if len(text) > characters_max:
        raise NotTomlError(f"is longer than {characters_max:,} characters")
    if _NAMED_DEEP.search(text):
        raise NotTomlError("not TOML: nested too deep")
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except ValueError as error:
        # Also of a figure with more digits than Python reads.
        raise NotTomlError(f"not TOML: {error}") from error
    except RecursionError as error:
        raise NotTomlError("not TOML: nested too deep") from error


def written(table: Mapping[str, object]) -> str:
    """
    Write a table: what is plain first, then tables and lists of tables under heads of their own.

    Shapes:
        table: texts that can be encoded, whole numbers, true and false, lists and tables of those.
    """
    return "\n".join(_lines(table, "")) + "\n"


def _lines(table: Mapping[str, object], place: str) -> Iterator[str]:
    """Give the lines of a table below its head; lists of tables have heads only at the top."""
    headed = {key: each for key, each in table.items() if _is_headed(each, place)}
    for key, value in table.items():
        if key not in headed:
            yield _pair(key, value)
    for key, value in headed.items():
        name = f"{place}.{_key(key)}" if place else _key(key)
        if isinstance(value, dict):
            if not value or not all(_is_headed(each, name) for each in value.values()):
                yield f"\n[{name}]"
            yield from _lines(value, name)
        elif isinstance(value, list):
            for each in value:
                yield f"\n[[{name}]]"
                yield from (_pair(*inner) for inner in each.items())


def _is_headed(value: object, place: str) -> bool:
    if isinstance(value, list):
        return not place and bool(value) and all(isinstance(each, dict) for each in value)
    return isinstance(value, dict)


def _pair(key: str, value: object) -> str:
    return f"{_key(key)} = {_value(value, len(key) + 3)}"


def _value(value: object, before: int) -> str:
    """Write a value in a line, or a list that is too long for one with a line for each."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case list():
            parts = [_value(each, 0) for each in value]
            line = f"[{', '.join(parts)}]"
            if before and len(line) + before > WIDTH:
                rows = _filled(parts) if all(isinstance(each, str) for each in value) else parts
                return "[\n" + "".join(f"  {row},\n" for row in rows) + "]"
            return line
        case dict():
            pairs = [f"{_key(key)} = {_value(each, 0)}" for key, each in value.items()]
            return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
        case _:
            assert isinstance(value, int), value
            return str(value)


def _filled(parts: Sequence[str]) -> Iterator[str]:
    """Put as many on a line as there is room for."""
    row = ""
    for part in parts:
        if row and len(row) + len(part) + 5 > WIDTH:
            yield row
            row = ""
        row = f"{row}, {part}" if row else part
    yield row


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    return f'"{"".join(map(_char, text))}"'


def _char(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable() or char == "\N{NO-BREAK SPACE}":
        return char
    return f"\\U{ord(char):08X}"
