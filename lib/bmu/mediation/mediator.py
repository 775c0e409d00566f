"""Lines of a source to UDRs: split, filter, map, transform, validate, as its profile says."""

import struct
from collections.abc import Iterable, Sequence
from hashlib import sha256

from bmu.mediation.check import faults
from bmu.mediation.derive import number_reader
from bmu.mediation.digest import addresses
from bmu.mediation.glance import glance_of
from bmu.mediation.number import SourceSettings
from bmu.mediation.plan import built, plan_of
from bmu.mediation.profile import Profile
from bmu.mediation.reading import Reading, Shared, for_type
from bmu.mediation.record import Records, named
from bmu.mediation.reject import Reject, UnreadError
from bmu.usage import UDR

LINES_AT_ONCE = 200

# In octets: where a line begins and ends, and where its text does, or twice NOT_TOLD.
MARK = struct.Struct("=4I")
NOT_TOLD = 0xFFFFFFFF

compiled = built()
_sha256_at = addresses()


class Mediator:
    """
    Makes UDRs of one source's lines; holds caches and no other state.

    Shapes:
        source: its extras name fields that records of the profile can have.
        records: how its lines become rows.
        header: the line that names the columns of a file, where the profile says that there is one.

    Errors:
        ValueError: the profile reads local times, and the source's time zone does not exist.
    """

    __slots__ = ("_glance", "_plan", "_profile", "_readings", "records")

    def __init__(self, profile: Profile, source: SourceSettings, header: bytes = b"") -> None:
        assert faults(profile) == (), faults(profile)
        extras = tuple((dict(profile.extras) | dict(source.extras)).items())
        self.records = records = Records(profile, source, header, extras)
        self._profile = records.profile
        self._glance = glance_of(records.profile)
        # Each text stands behind its length, so that no two lists of texts are written alike.
        prefix = f"{len(source.code)}:{source.code}".encode()
        shared = Shared(records.means, extras, prefix, {})
        types = [for_type(records.profile, each.of) for each in records.kinds]
        # The last one is of rows of no type.
        self._readings = [Reading(each, shared) for each in (*types, records.profile)]
        clocks = [each.clock for each in self._readings]
        self._plan = plan_of(records, source, extras, clocks, prefix)

    def take(self, line_no: int, line: bytes) -> UDR | Reject:
        """Make a UDR of a line without its line end, or say why it is none; any octets are a line."""
        try:
            record = line.removesuffix(b"\r")
            return self._udr(line_no, record, self.records.one(line_no, record))
        except UnreadError as error:
            return Reject(line_no, error.reason, error.detail)

    def take_many(self, lines: Sequence[bytes], first_line_no: int) -> list[UDR | Reject]:
        """Do the same for lines that follow each other, with the same results, in less time."""
        return self.take_some(lines, range(first_line_no, first_line_no + len(lines)))

    def take_some(self, lines: Sequence[bytes], line_nos: Sequence[int]) -> list[UDR | Reject]:
        """Do the same for some lines of a file, whose numbers are given beside them."""
        if compiled is not None and self._plan is not None:
            head = self.records.head
            if not head or min(line_nos, default=head + 1) > head:
                return compiled.take_some(
                    self._plan, tuple(lines), tuple(line_nos), self.take, UDR, sha256, _sha256_at
                )
        taken: list[UDR | Reject] = []
        for start in range(0, len(lines), LINES_AT_ONCE):
            end = start + LINES_AT_ONCE
            taken += self._take_block(lines[start:end], line_nos[start:end])
        return taken

    def row(self, line_no: int, line: bytes) -> dict[str, str] | Reject:
        """Give the fields of a line's row by name, derived ones as well; those that are empty are not there."""
        try:
            fields = self.records.one(line_no, line.removesuffix(b"\r"))
            self.records.make(fields)
        except UnreadError as error:
            return Reject(line_no, error.reason, error.detail)
        return named(fields, self.records.means.places)

    def uid_texts(self, lines: Iterable[bytes]) -> list[bytes | None]:
        """
        Find, without mediating them, the octets that the lines' usage identifiers are made of.

        Shapes:
            Result: None where that can't be told quickly. What is given stands for uid_of() of it,
                if take() makes a UDR of the line; of other lines nothing is promised.
        """
        return [None for _ in lines] if self._glance is None else list(map(self._glance, lines))

    def marks(
        self, octets: bytearray, end: int, lines_max: int, octets_max: int
    ) -> tuple[bytes, int] | None:
        """
        Find at once where lines stand in octets, and in them the texts that uid_texts() would give.

        Shapes:
            end: of the octets to look at; what stands behind the last line end there is no line yet.
            lines_max: no more lines than that. octets_max: what is longer is looked at as if it were cut there.
            Result: of each line a MARK, and where the last of them ended, its line end included; None where
                there is no compiled form for such lines.
        """
        if compiled is None or self._plan is None:
            return None
        is_told = self._glance is not None
        return compiled.marks(self._plan, octets, end, lines_max, octets_max, is_told)

    def uids_of(self, texts: list[bytes]) -> list[tuple[str, str] | None]:
        """Do the same as uid_of() for many."""
        if compiled is not None and self._plan is not None:
            return compiled.uids_of(self._plan, texts, self.uid_of)
        return list(map(self.uid_of, texts))

    def uid_of(self, text: bytes) -> tuple[str, str] | None:
        """Give type and value of the identifier that octets of uid_texts() stand for, if they do."""
        uid = self._profile.uids[0]
        try:
            written = text.decode(self._profile.encoding)
            return uid.uid_type, number_reader(uid.form, self.records.means.numbers)(written)
        except (UnicodeDecodeError, UnreadError):
            return None

    def _take_block(self, lines: Sequence[bytes], line_nos: Sequence[int]) -> list[UDR | Reject]:
        records = [line.removesuffix(b"\r") for line in lines]
        rows = self.records.many(records, line_nos)
        if rows is None:
            return list(map(self.take, line_nos, lines))
        taken: list[UDR | Reject] = []
        for line_no, record, fields in zip(line_nos, records, rows, strict=True):
            try:
                taken.append(self._udr(line_no, record, fields))
            except UnreadError as error:
                taken.append(Reject(line_no, error.reason, error.detail))
        return taken

    def _udr(self, line_no: int, record: bytes, fields: list[str]) -> UDR:
        return self._readings[self.records.make(fields)].udr(line_no, record, fields)
