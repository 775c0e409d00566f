"""A line with a JSON object to the texts of its fields, be it as a source wrote it or as a decoder did."""

from collections.abc import Iterable, Iterator, Sequence
from json import JSONDecoder
from typing import NoReturn

from bmu.mediation.reject import Reason, UnreadError, shown

# What a line says that is no row: why one could not be read, and what else it is.
FAULT = "!"
NO_ROW = "#"
DEPTH_MAX = 32
_SAID_MAX = 300


class JSONLines:
    """Reads lines with an object each; a field that is not there is empty, others are passed over."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = tuple(fields)

    def one(self, text: str) -> list[str]:
        """
        Give the fields of the profile, in its order.

        A name that comes twice is refused, so that no value can pass for another.

        Errors:
            UnreadError: no such object, or a line of a decoder that is no row.
        """
        row = object_of(text)
        return [row.get(field, "") for field in self._fields]

    def many(self, texts: Iterable[str]) -> list[list[str]] | None:
        """Read lines at once; None when one of them has to be looked at alone."""
        try:
            return [self.one(text) for text in texts]
        except UnreadError:
            return None


def object_of(text: str) -> dict[str, str]:
    """
    Give all that an object holds by names joined with dots; figures as they are written, nothing as an empty text.

    Errors:
        UnreadError: no such object, or a line of a decoder that is no row.
    """
    try:
        found: object = _decode(text)
    except RecursionError:
        raise _malformed("nested too deep") from None
    except ValueError as error:
        raise _malformed(f"no JSON object: {error}") from None
    if not isinstance(found, dict):
        raise _malformed("no JSON object: expected { at its beginning")
    row = found
    for value in found.values():
        if value.__class__ is not str:
            row = _flat(found)
            break
    if FAULT in row or NO_ROW in row:
        raise _no_row(row)
    if "\\u" in text:
        _refuse_halves(row)
    return row


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no figure")


_decode = JSONDecoder(
    object_pairs_hook=_pairs, parse_float=str, parse_int=str, parse_constant=_constant
).decode


def _flat(found: dict[str, object]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, text in _leaves(found, "", 0):
        if name in flat:
            raise _malformed(f"{shown(name)} is there twice")
        flat[name] = text
    return flat


def _leaves(value: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEPTH_MAX:
        raise _malformed("nested too deep")
    before = f"{name}." if depth else ""
    match value:
        case str():
            yield name, value
        case bool():
            yield name, "true" if value else "false"
        case dict():
            for inner, part in value.items():
                yield from _leaves(part, f"{before}{inner}", depth + 1)
        case list():
            for number, part in enumerate(value):
                yield from _leaves(part, f"{before}{number}", depth + 1)
        case _:
            # Nothing, which is as if the name were not there.
            return


def _no_row(found: dict[str, str]) -> UnreadError:
    """Give what the decoder said instead of a row."""
    reason = Reason.MALFORMED_LINE if FAULT in found else Reason.FILTERED
    said = found[FAULT if FAULT in found else NO_ROW]
    plain = said if said.isprintable() else ascii(said)
    return UnreadError(reason, plain[:_SAID_MAX] or "not said why")


def _refuse_halves(found: dict[str, str]) -> None:
    """Refuse halves of characters that escapes can write, and no text can hold."""
    try:
        "".join((*found, *found.values())).encode()
    except UnicodeEncodeError:
        raise UnreadError(Reason.BAD_ENCODING, "an escape stands for half a character") from None


def _malformed(what: str) -> UnreadError:
    return UnreadError(Reason.MALFORMED_LINE, what)
