"""Rows that were read from a file to lines: a JSON object of texts each, or what is wrong with the row."""

from collections.abc import Iterable, Iterator, Mapping
from json import JSONEncoder

LINE_OCTETS_MAX = 1 << 16  # a longer line is no record
FAULT_OCTETS_MAX = 4096
DEPTH_MAX = 32
FAULT = "!"
FAULT_BEGINS = b'{"!":'

Settings = Mapping[str, str]

_written = JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class RowError(Exception):
    """Raised where a row can't be read, though those after it can; it never leaves this room."""


class RowlessError(Exception):
    """Raised at the end of a file that has no row, though one of its kind would; it never leaves this room."""


class BrokenError(Exception):
    """
    Raised where a file can't be read on; it never leaves this room.

    Shapes:
        octet: the number of the first octet that is not understood, from 0.
        octets: some of those there.
    """

    def __init__(self, why: str, octet: int, octets: bytes = b"") -> None:
        super().__init__(why)
        self.why = why
        self.octet = octet
        self.octets = octets


class RepeatedName(dict[str, object]):
    """An object of which a name came twice, so that no value can pass for another."""


def line_of(row: Mapping[str, object]) -> bytes:
    """
    Write a row as a line; nested names are joined by dots, values are texts.

    Shapes:
        row: texts, None for nothing, or lists and mappings of those.

    Errors:
        RowError: it is too long or too deep, has a name twice, or holds what is no text.
    """
    for value in row.values():
        if value.__class__ is not str:
            row = flattened(row)
            break
    try:
        line = _written(row).encode()
    except UnicodeEncodeError as error:
        raise RowError(f"{error.object[error.start]!a} is no character") from None
    if len(line) > LINE_OCTETS_MAX:
        raise RowError(f"a row of {len(line):,} octets; at most {LINE_OCTETS_MAX:,} make a line")
    return line


def flattened(row: Mapping[str, object]) -> dict[str, str]:
    """
    Join nested names by dots; what has no value is not there.

    Errors:
        RowError: too deep, or two values would have the same name.
    """
    flat: dict[str, str] = {}
    _flatten(flat, row, "", 0)
    return flat


def _flatten(flat: dict[str, str], nested: object, before: str, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise RowError(f"nested more than {DEPTH_MAX} deep")
    if isinstance(nested, RepeatedName):
        raise RowError(f"a name is there twice in {before or 'it'!a}")
    assert isinstance(nested, dict | list), nested
    for inner, value in nested.items() if isinstance(nested, dict) else enumerate(nested):
        name = f"{before}{inner}"
        if isinstance(value, dict | list):
            _flatten(flat, value, f"{name}.", depth + 1)
        elif value is not None:
            if name in flat:
                raise RowError(f"{name!a} is there twice")
            flat[name] = value if isinstance(value, str) else _plain(value)


def _plain(value: object) -> str:
    assert isinstance(value, bool), value
    return "true" if value else "false"


def fault_line(why: str, octet: int, octets: bytes) -> bytes:
    """Write the line of a row that can't be read; *octet* counts from 0, people count from 1."""
    start = octets[:FAULT_OCTETS_MAX].hex()
    return _written({FAULT: f"{why}, at octet {octet + 1}", "octets": start}).encode()


def unknown_settings(settings: Settings, known: Iterable[str]) -> Iterator[str]:
    """Name the settings that a format does not have."""
    names = sorted(known)
    for name in settings:
        if name not in names:
            yield f"decoding: there is no setting {name!r}; there are {', '.join(names) or 'none'}"
