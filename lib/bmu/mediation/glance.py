"""Whose line it may be, told from the octets of one field, without reading the rest of the line."""

import re
from collections.abc import Callable

from bmu.mediation.layout import Delimited, FixedWidth, JSONLine, Pairs, Quoting
from bmu.mediation.profile import Profile

Glance = Callable[[bytes], bytes | None]


def glance_of(profile: Profile) -> Glance | None:
    """
    Give what finds, in a line, the octets of the field with the usage identifier; None where no one field says it.

    It finds nothing where that can't be told quickly. Where it finds something, and the line is
    usage, the identifier was made of just these octets.
    """
    field = _field(profile)
    if field is None:
        return None
    layout = profile.layout
    if isinstance(layout, Pairs):
        return _in_pairs(layout, field)
    if isinstance(layout, JSONLine):
        return _in_json(field)
    return _at_place(layout, profile.fields.index(field))


def _at_place(layout: Delimited | FixedWidth, place: int) -> Glance:
    match layout:
        case FixedWidth():
            return _in_columns(layout, place)
        case Delimited(Quoting.ALL_BARE):
            return _in_bare(layout, place)
        case Delimited(Quoting.DOUBLED):
            return _in_csv(layout, place)
        case Delimited():
            return _in_plain(layout, place)


def _field(profile: Profile) -> str | None:
    """Give the one field that says it, as it stands in the line; None where there is no such field."""
    fields = {uid.field for uid in profile.uids}
    derived = {each.field for each in profile.derived}
    if len(profile.uids) != 1 or fields & derived or not fields <= {*profile.fields}:
        return None
    if any(each.uids is not None or each.derived for each in profile.types):
        return None
    if isinstance(profile.layout, Delimited) and not profile.layout.delimiter.isascii():
        return None
    return profile.uids[0].field


def _in_csv(layout: Delimited, place: int) -> Glance:
    """Up to that field, no quote may stand within a field."""
    delimiter = re.escape(layout.delimiter.encode())
    field = b'"[^"]*+"|[^"\\r%b]*+' % delimiter
    wanted = b'"([^"]*+)"|([^"\\r%b]*+)' % delimiter
    pattern = re.compile(
        b"(?:(?:%b)%b){%d}(?:%b)(?:%b|\\r?\\Z)" % (field, delimiter, place, wanted, delimiter)
    )

    def glance(line: bytes) -> bytes | None:
        found = pattern.match(line)
        return found[found.lastindex or 0] if found else None

    return glance


def _in_bare(layout: Delimited, place: int) -> Glance:
    between = b'"%b"' % layout.delimiter.encode()
    last = place + 1

    def glance(line: bytes) -> bytes | None:
        parts = line.removesuffix(b"\r")[1:-1].split(between, last)
        return parts[place] if len(parts) > place else None

    return glance


def _in_plain(layout: Delimited, place: int) -> Glance:
    """Where quotes and backslashes mean something, there may be none in the line."""
    delimiter, last = layout.delimiter.encode(), place + 1
    signs = b'"\\' if layout.quoting is Quoting.BACKSLASH else b""

    def glance(line: bytes) -> bytes | None:
        if any(sign in line for sign in signs):
            return None
        parts = line.removesuffix(b"\r").split(delimiter, last)
        return parts[place] if len(parts) > place else None

    return glance


def _in_columns(layout: FixedWidth, place: int) -> Glance:
    """Where each octet is a character."""
    column = layout.columns[place]
    cut = slice(column.first - 1, column.last)

    def glance(line: bytes) -> bytes | None:
        return line.removesuffix(b"\r")[cut].strip(b" \t") if line.isascii() else None

    return glance


def _in_pairs(layout: Pairs, field: str) -> Glance:
    """Where the name stands once, no value can pass for it."""
    name, separator = f"{field}=".encode(), layout.separator.encode()

    def glance(line: bytes) -> bytes | None:
        if line.count(name) != 1:
            return None
        return line.partition(name)[2].partition(separator)[0].strip(b" \t")

    return glance


def _in_json(field: str) -> Glance:
    """In an object that holds no other; within a value, the quotes of a name stand behind backslashes."""
    name = b'"%b":"' % field.encode()

    def glance(line: bytes) -> bytes | None:
        if line.count(name) != 1 or line.count(b"{") != 1:
            return None
        text = line.partition(name)[2].partition(b'"')[0]
        return None if b"\\" in text else text

    return glance
