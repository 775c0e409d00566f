"""Whose line it may be, told from the octets of one field, without reading the rest of the line."""

import re
from collections.abc import Callable

from bmu.mediation.profile import Delimited, Pairs, Profile, Quoting

Glance = Callable[[bytes], bytes | None]


def glance_of(profile: Profile) -> Glance:
    """
    Give what finds, in a line, the octets of the field with the usage identifier.

    It finds nothing where that can't be told quickly. Where it finds something, and the line is
    usage, the identifier was made of just these octets.
    """
    if len(profile.uids) != 1:
        return lambda _line: None
    field = profile.uids[0].field
    match profile.layout:
        case Pairs() as layout:
            return _in_pairs(layout, field)
        case Delimited(Quoting.DOUBLED) as layout:
            return _in_csv(layout, profile.fields.index(field))
        case Delimited() as layout:
            return _in_bare(layout, profile.fields.index(field))


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


def _in_pairs(layout: Pairs, field: str) -> Glance:
    """Where the name stands once, no value can pass for it."""
    name, separator = f"{field}=".encode(), layout.separator.encode()

    def glance(line: bytes) -> bytes | None:
        if line.count(name) != 1:
            return None
        return line.partition(name)[2].partition(separator)[0].strip(b" \t")

    return glance
