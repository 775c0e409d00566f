"""Owners packed, as packed.py looks into them: of rows, or of what PostgreSQL copies out."""

import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from zlib import crc32

from bmu.period import FOREVER_US
from bmu.rating.owner import OwnerRow, Terms
from bmu.rating.packed import HEAD, MARK, OFFSET, RECORD, SLOT, UNIT, Octets, key_of

SLOTS_MIN = 8
# Instants that PostgreSQL copies out count from 2000-01-01 UTC.
COPIED_EPOCH_US = 946_684_800_000_000
# Of such a row: how many fields; each stands behind its length in 4 octets, -1 for none.
COPIED_FIELDS = 11
_FIELDS = struct.Struct(">h")
_LENGTH = struct.Struct(">i")
_NUMBER = struct.Struct(">q")
_NUMBERS = struct.Struct(">iqiqiqih")


class Packer:
    """
    Packs owners one by one.

    Errors:
        struct.error: a number does not fit.
    """

    def __init__(self) -> None:
        self._records = bytearray(HEAD.size)
        self._newest: dict[bytes, int] = {}
        self._count = 0

    def add(
        self, key: bytes, terms: int, owner: tuple[int, int, int, int, int], bill_day: int
    ) -> None:
        """Add an owner of an identifier: its first five fields, the number of its terms, its bill day."""
        at = len(self._records)
        before = self._newest.get(key, 0)
        self._newest[key] = at // UNIT
        self._count += 1
        self._records += RECORD.pack(*owner, terms, before, len(key), bill_day)
        self._records += key
        self._records += bytes(-len(self._records) % UNIT)

    def packed(self) -> bytearray:
        """Give all but the terms, which have to follow."""
        octets, slots = self._records, SLOTS_MIN
        while slots < 2 * self._count:
            slots *= 2
        slots_at = len(octets)
        terms_at = slots_at + slots * SLOT.size
        HEAD.pack_into(octets, 0, MARK, len(self._newest), slots, slots_at, terms_at)
        octets += bytes(slots * SLOT.size)
        for key, newest in self._newest.items():
            hashed = crc32(key)
            place = hashed & (slots - 1)
            while SLOT.unpack_from(octets, slots_at + place * SLOT.size)[1]:
                place = (place + 1) & (slots - 1)
            SLOT.pack_into(octets, slots_at + place * SLOT.size, hashed, newest)
        return octets


class Kinds:
    """The different terms of many owners, numbered as they come."""

    def __init__(self) -> None:
        self._numbers: dict[Terms, int] = {}

    def number(self, terms: Terms) -> int:
        """Give the number of terms."""
        return self._numbers.setdefault(terms, len(self._numbers))

    def packed(self) -> bytes:
        """Give what follows the owners."""
        texts = [_text_of(terms) for terms in self._numbers]
        offset, offsets = OFFSET.size * (len(texts) + 2), [len(texts)]
        for text in texts:
            offsets.append(offset)
            offset += len(text)
        return b"".join([*map(OFFSET.pack, [*offsets, offset]), *texts])


def pack(rows: Iterable[OwnerRow]) -> bytearray:
    """Pack owners with their terms."""
    packer, kinds = Packer(), Kinds()
    for row in rows:
        owner = row.from_us, row.to_us, row.uid_id, row.account_id, row.account_service_id
        packer.add(key_of(row.uid_type, row.value), kinds.number(row.terms), owner, row.bill_day)
    return packer.packed() + kinds.packed()


def pack_copied_plainly(
    rows: Octets, number_of: Mapping[bytes, int], special: dict[int, int], /
) -> bytearray:
    """
    Pack what COPY BINARY gave, without what stands before and after the rows; the terms have to follow.

    Shapes:
        rows: each `type:value`, from and to (none: for ever) as timestamptz; uid_id, account_id, account_service_id
            as int8, bill_day as int2; then the plain terms, which are of no interest here: four texts.
        number_of: gives the number of plain terms, by the octets of these four fields.
        special: numbers of terms by service, where they are not the plain ones.

    Errors:
        ValueError: that is something else.
    """
    packer = Packer()
    for key, owner, bill_day, plain in _copied(rows):
        terms = special.get(owner[4])
        packer.add(key, number_of[plain] if terms is None else terms, owner, bill_day)
    return packer.packed()


def _copied(rows: Octets) -> Iterator[tuple[bytes, tuple[int, int, int, int, int], int, bytes]]:
    octets, at = memoryview(rows), 0

    def field(at: int) -> tuple[memoryview, int]:
        [length] = _LENGTH.unpack_from(octets, at)
        ends = at + _LENGTH.size + max(length, 0)
        return octets[at + _LENGTH.size : ends], ends

    try:
        while at < len(octets):
            if _FIELDS.unpack_from(octets, at)[0] != COPIED_FIELDS:
                raise ValueError("no rows of owners")
            key, at = field(at + _FIELDS.size)
            from_, at = field(at)
            to, at = field(at)
            _, uid_id, _, account_id, _, service_id, _, bill_day = _NUMBERS.unpack_from(octets, at)
            at += _NUMBERS.size
            begins = at
            for _ in range(4):
                _, at = field(at)
            if at > len(octets):
                raise ValueError("no rows of owners")
            owner = _instant(from_), _instant(to), uid_id, account_id, service_id
            yield bytes(key), owner, bill_day, bytes(octets[begins:at])
    except struct.error as error:
        raise ValueError("no rows of owners") from error


def _instant(field: memoryview) -> int:
    if not field:
        return FOREVER_US
    [us] = _NUMBER.unpack(field)
    return min(int(us) + COPIED_EPOCH_US, FOREVER_US)


def _text_of(terms: Terms) -> bytes:
    exemptions = [
        (each.certificate, each.tax, *map(_day_text, each[2:])) for each in terms.exemptions
    ]
    data = terms._replace(exemptions=()) if exemptions else terms
    return json.dumps([*data[:10], exemptions, terms.attributes], separators=(",", ":")).encode()


def _day_text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _built() -> Callable[[Octets, Mapping[bytes, int], dict[int, int]], bytes | bytearray]:
    """Give the compiled form, where there was a compiler; nothing but time hangs on it."""
    try:
        from bmu.rating._owners import pack_copied  # noqa: PLC0415
    except ImportError:
        return pack_copied_plainly
    return pack_copied


pack_copied = _built()
