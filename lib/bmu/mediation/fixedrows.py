"""Files of blocks of the same length, without line ends: to lines of text, or of fields at places within."""

import re
from collections.abc import Callable, Iterable, Iterator

from bmu.mediation.rows import RowError, Settings, fault_line, line_of, unknown_settings
from bmu.mediation.textrows import encoding_faults

KNOWN = ("encoding", "fields", "octets")
BLOCK_OCTETS_MAX = 1 << 15
_FIELD = re.compile(r"\s*([^\s:]+):([0-9]{1,5})-([0-9]{1,5}):([a-z-]+)\s*", re.ASCII)


def faults(settings: Settings) -> Iterator[str]:
    """Find what is wrong with the settings."""
    yield from unknown_settings(settings, KNOWN)
    octets = settings.get("octets", "")
    if not re.fullmatch("[1-9][0-9]{0,4}", octets, re.ASCII) or int(octets) > BLOCK_OCTETS_MAX:
        yield f"decoding: octets is {octets!r}; expected the length of a block up to {BLOCK_OCTETS_MAX}"
        return
    yield from encoding_faults(settings.get("encoding", "ascii"))
    names = set()
    for text in settings["fields"].split(",") if "fields" in settings else ():
        found = _FIELD.fullmatch(text)
        if found is None or not 1 <= int(found[2]) <= int(found[3]) <= int(octets):
            yield f"decoding: fields: {text!r}; expected name:first-last:form, places from 1 to {octets}"
        elif found[4] not in _FORMS and found[4] != "text":
            yield f"decoding: fields: {text!r}: there is no form {found[4]!r}; there are text, {', '.join(_FORMS)}"
        elif found[1] in names:
            yield f"decoding: fields: {found[1]!r} is there twice"
        else:
            names.add(found[1])


def decode(settings: Settings, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Write each block of *octets* octets as a line of text, or with *fields* as a row of them.

    Shapes:
        fields: ``name:first-last:form`` between commas, places from 1. Forms: text (in the encoding, without
            blanks around it), number and number-le (binary, the most or the least significant octet first), bcd
            (digits, up to a filler), bcd-swapped (as in telephony: the low half of an octet first), packed
            (decimal with a sign, COMP-3), address (IPv4).
    """
    length, encoding = int(settings["octets"]), settings.get("encoding", "ascii")
    fields = [
        (found[1], int(found[2]) - 1, int(found[3]), found[4])
        for found in map(_FIELD.fullmatch, settings.get("fields", "").split(","))
        if found is not None
    ]
    octet = 0
    for block in _whole(length, blocks):
        try:
            _check_whole(block, length)
            yield _row(block, fields, encoding) if fields else _text(block, encoding)
        except RowError as error:
            yield fault_line(str(error), octet, block)
        octet += length


def _whole(length: int, blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        octets = rest + block
        end = len(octets) - len(octets) % length
        for start in range(0, end, length):
            yield octets[start : start + length]
        rest = octets[end:]
    if rest:
        yield rest


def _check_whole(block: bytes, length: int) -> None:
    if len(block) < length:
        raise RowError(f"{len(block)} octets are left; expected {length}")


def _text(block: bytes, encoding: str) -> bytes:
    line = _decoded(block, encoding).encode()
    if b"\n" in line:
        raise RowError("a line end within a block")
    return line


def _decoded(octets: bytes, encoding: str) -> str:
    try:
        return octets.decode(encoding)
    except UnicodeDecodeError:
        raise RowError(f"not {encoding}: {octets[:30].hex()}") from None


def _row(block: bytes, fields: list[tuple[str, int, int, str]], encoding: str) -> bytes:
    row: dict[str, object] = {}
    for name, start, end, form in fields:
        octets = block[start:end]
        row[name] = _decoded(octets, encoding).strip() if form == "text" else _FORMS[form](octets)
    return line_of(row)


def _bcd(octets: bytes) -> str:
    return _digits(octets.hex())


def _bcd_swapped(octets: bytes) -> str:
    written = octets.hex()
    return _digits("".join(written[at + 1] + written[at] for at in range(0, len(written), 2)))


def _digits(written: str) -> str:
    """Read the digits before the filler; 11 and 12 are keys of a telephone."""
    digits = written.rstrip("f")
    if not set(digits) <= set("0123456789bc"):
        raise RowError(f"{written!a} are no digits")
    return digits.replace("b", "*").replace("c", "#")


def _packed(octets: bytes) -> str:
    written = octets.hex()
    digits, sign = written[:-1], written[-1]
    if (not digits.isdecimal() and digits) or sign in "0123456789":
        raise RowError(f"{written!a} is no packed decimal")
    return ("-" if sign in "bd" else "") + (digits.lstrip("0") or "0")


def _address(octets: bytes) -> str:
    if len(octets) != 4:
        raise RowError(f"an address of {len(octets)} octets; expected 4")
    return ".".join(map(str, octets))


_FORMS: dict[str, Callable[[bytes], str]] = {
    "number": lambda octets: str(int.from_bytes(octets, "big")),
    "number-le": lambda octets: str(int.from_bytes(octets, "little")),
    "bcd": _bcd,
    "bcd-swapped": _bcd_swapped,
    "packed": _packed,
    "address": _address,
}
