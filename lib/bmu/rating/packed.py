"""
Owners as octets: a million of them in a fifth of the memory, and shared by all processes that map the same file.

After the head come records, each an owner's numbers and whose they are, `type:value`. Then a table of hashed
identifiers (8 octets each: the hash, and where the newest record lies, in units of 8; 0: free), each in the first
free slot from the one that its hash names. At the end the terms as JSON, and before them where each begins.
_owners.c does the same where there was a compiler; tests/pure/rating/test_packed.py holds it to this.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from zlib import crc32

from bmu.rating.outcome import UnratedReason
from bmu.rating.owner import Owner, Terms
from bmu.rating.taxation import Exemption
from bmu.usage import UDR

Octets = bytes | bytearray | memoryview
# Type and value of a usage identifier.
Uid = tuple[str, str]
# The part that works its usage; who owns it, if that is told.
Home = tuple[int, Owner | None]

# A mark, how many identifiers and slots (a power of two), where the slots and the terms begin.
HEAD = struct.Struct("<8s4Q24x")
MARK = b"bmuown\0\1"
# from_us, to_us, uid_id, account_id, account_service_id; the number of the terms, the record before of the same
# identifier or 0, octets of the identifier, bill_day; the identifier follows.
RECORD = struct.Struct("<5q2IHBx")
SLOT = struct.Struct("<2I")
OFFSET = struct.Struct("<Q")
UNIT = 8
SLOTS_MIN = 8
# Terms that were read are kept, since most owners share theirs with many.
TERMS_MAX = 50_000

# In place of a part: the owners of an identifier are not all in one.
SEVERAL = -1
# Who has no owner needs a part too.
PART_OF_NOBODY = 0


def key_of(uid_type: str, value: str) -> bytes:
    """Write an identifier as records do; a text that can't be one, too, and it is found nowhere."""
    return f"{uid_type}:{value}".encode(errors="surrogatepass")


def home_of(owners: Sequence[Owner], parts: int, part: int) -> Home:
    """Tell the home of an identifier by all that own it at some time."""
    found = {owner.account_id % parts for owner in owners} or {PART_OF_NOBODY}
    at = found.pop() if len(found) == 1 else SEVERAL
    return at, owners[0] if len(owners) == 1 and at == part else None


class PackedTerms(dict[int, Terms]):
    """Terms by number: read when they are asked for, and kept while they are few."""

    def __init__(self, octets: Octets) -> None:
        super().__init__()
        self._octets = memoryview(octets)
        *_, self._at = HEAD.unpack_from(octets) if len(octets) >= HEAD.size else (0,)

    def __missing__(self, number: int) -> Terms:
        [count] = OFFSET.unpack_from(self._octets, self._at)
        assert 0 <= number < count, "records and terms are packed together"
        if len(self) >= TERMS_MAX:
            self.clear()
        place = self._at + OFFSET.size * (number + 1)
        [begins], [ends] = (OFFSET.unpack_from(self._octets, place + n) for n in (0, OFFSET.size))
        text = bytes(self._octets[self._at + begins : self._at + ends])
        found = self[number] = _terms_of(text)
        return found


class PlainPacked:
    """
    Packed owners, looked into.

    Errors:
        ValueError: that is something else.
    """

    __slots__ = ("_mask", "_octets", "_slots_at", "_terms", "uids")

    def __init__(self, octets: Octets, terms: Mapping[int, Terms], /) -> None:
        self._octets, self._terms = memoryview(octets), terms
        if len(octets) < HEAD.size:
            raise ValueError("no packed owners")
        mark, self.uids, slots, self._slots_at, _ = HEAD.unpack_from(octets)
        if mark != MARK or len(octets) < self._slots_at + slots * SLOT.size or self.uids >= slots:
            raise ValueError("no packed owners")
        self._mask = slots - 1

    def find(self, uid_type: str, value: str, started_us: int, /) -> Owner | UnratedReason:
        """Find who owned a usage identifier at an instant."""
        reason = UnratedReason.NO_UID
        for record in self._records(uid_type, value):
            if record[0] <= started_us < record[1]:
                return self._owner(record)
            reason = UnratedReason.UID_NOT_IN_PERIOD
        return reason

    def find_all(self, udrs: list[UDR], /) -> list[Owner | UnratedReason]:
        """Do as `Owners.find_all` does."""
        return [self.find(udr.uid_type, udr.uid, udr.started_us) for udr in udrs]

    def all_of(self, uid_type: str, value: str, /) -> tuple[Owner, ...]:
        """Give all that own a usage identifier at some time."""
        return tuple(map(self._owner, self._records(uid_type, value)))

    def homes(self, uids: list[Uid | None], parts: int, part: int, /) -> list[Home]:
        """Do as `Owners.homes` does."""
        return [home_of(self.all_of(*uid) if uid else (), parts, part) for uid in uids]

    def _records(self, uid_type: str, value: str) -> Iterator[tuple[int, ...]]:
        key = key_of(uid_type, value)
        octets, hashed = self._octets, crc32(key)
        place = hashed & self._mask
        while True:
            known, at = SLOT.unpack_from(octets, self._slots_at + place * SLOT.size)
            if not at:
                return
            if known == hashed and self._is_of(at, key):
                break
            place = (place + 1) & self._mask
        while at:
            record = RECORD.unpack_from(octets, at * UNIT)
            yield record
            at = record[6]

    def _is_of(self, at: int, key: bytes) -> bool:
        begins = at * UNIT + RECORD.size
        length = RECORD.unpack_from(self._octets, at * UNIT)[7]
        return self._octets[begins : begins + length] == key

    def _owner(self, record: tuple[int, ...]) -> Owner:
        from_us, to_us, uid_id, account_id, service_id, terms, _, _, bill_day = record
        return Owner(from_us, to_us, uid_id, account_id, service_id, self._terms[terms], bill_day)


def _terms_of(text: bytes) -> Terms:
    *plain, exempted, named = json.loads(text)
    return Terms(*plain)._replace(
        exemptions=tuple(Exemption(of, tax, _day(a), _day(z)) for of, tax, a, z in exempted),
        attributes=tuple((name, said) for name, said in named),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
