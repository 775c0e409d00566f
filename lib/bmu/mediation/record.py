"""Lines to rows: decoded, split, filtered, with all their derived fields; whatever is no row says why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bmu.mediation.derive import Means, Step, derive, steps_of
from bmu.mediation.extras import Extras, keeping
from bmu.mediation.headed import as_read, has_heading, heading_faults
from bmu.mediation.jsonline import object_of
from bmu.mediation.layout import Delimited, FixedWidth, JSONLine
from bmu.mediation.number import Numbers, SourceSettings
from bmu.mediation.profile import Bound, Condition, Filter, Profile, RecordType
from bmu.mediation.reject import Reason, UnreadError
from bmu.mediation.rows import FAULT_BEGINS
from bmu.mediation.sieve import Holds, Sieve, all_hold
from bmu.mediation.split import lines_of

HEAD = "line of the head"
HEADING = "line that names the columns"
COMMENT = "comment"
HEADER = "header row"
TRAILER = "trailer row"
UNREAD = "row that could not be read"


class Kind(NamedTuple):
    """The rows of one type: when a row is one, and what is derived for it besides."""

    holds: Holds | None
    steps: tuple[Step, ...]
    of: RecordType


class Records:
    """
    Reads the rows of one source; holds caches and no other state.

    Shapes:
        extras: the fields that are kept.
        profile: as the lines are read by it.
        columns: the fields a row comes with; *fields*: these and the derived ones.
        head: the lines with numbers up to this one are no rows.
        marks: octets that a line begins with which is none, and what it is.
        means: what is done with rows further.
    """

    def __init__(
        self, profile: Profile, source: SourceSettings, header: bytes, extras: Extras = ()
    ) -> None:
        faults = (
            heading_faults(profile, header)
            if has_heading(profile) and not profile.splitting
            else ()
        )
        self._broken = faults[0] if faults else None
        self.is_broken = bool(faults)
        plain = keeping(profile, profile if faults else as_read(profile, header), extras)
        self.profile = plain
        self.columns = plain.fields
        self.fields = tuple(dict.fromkeys((*plain.fields, *_derived_names(plain))))
        self.head = plain.layout.skipped if isinstance(plain.layout, Delimited | FixedWidth) else 0
        self._heading = (
            header.removesuffix(b"\r") if has_heading(plain) or has_heading(profile) else b""
        )
        self.marks = dict(_marks(plain, self._heading))
        self._begins = tuple(self.marks)
        # Delimited lines are filled up to all fields at once; others need room for what is derived.
        is_filled = isinstance(plain.layout, Delimited)
        self._blank = [""] * (0 if is_filled else len(self.fields) - len(self.columns))
        self._lines = lines_of(plain.layout, self.fields if is_filled else self.columns)
        places = {name: place for place, name in enumerate(self.fields)}
        self.means = Means(
            places, {each.code: each for each in plain.tables}, Numbers(source), source.time_zone
        )
        early, late = _filters(plain)
        self.early, self.late = Sieve(early, places), Sieve(late, places)
        self.steps = tuple(steps_of(plain.derived, self.means))
        self.kinds = tuple(
            Kind(
                all_hold(each.conditions, places), tuple(steps_of(each.derived, self.means)), each
            )
            for each in plain.types
        )
        self.is_plain = not (late or self.steps or self.kinds)

    def text(self, line_no: int, record: bytes) -> str:
        """
        Give the text of a line that is a row.

        Errors:
            UnreadError: it is none, or not in the encoding of the profile.
        """
        if self._broken is not None:
            raise UnreadError(Reason.MALFORMED_LINE, self._broken)
        if self.head and line_no <= self.head:
            raise UnreadError(Reason.FILTERED, HEADING if record == self._heading else HEAD)
        if self._is_marked(record):
            what = next(what for mark, what in self.marks.items() if record.startswith(mark))
            if what == UNREAD:
                # It says itself what it is.
                object_of(record.decode(self.profile.encoding, "replace"))
            if what != HEADING or record == self._heading:
                raise UnreadError(Reason.FILTERED, what)
        try:
            return record.decode(self.profile.encoding)
        except UnicodeDecodeError as error:
            raise UnreadError(
                Reason.BAD_ENCODING,
                f"octet {error.start + 1} (0x{record[error.start]:02X}) is not {self.profile.encoding}",
            ) from None

    def _is_marked(self, record: bytes) -> bool:
        """Tell whether a line begins as one that is no row."""
        return record.startswith(self._begins)

    def one(self, line_no: int, record: bytes) -> list[str]:
        """
        Give the fields a row comes with, and room for those that are derived.

        Errors:
            UnreadError: the line is no row, or none of the profile.
        """
        return self.split(self.text(line_no, record))

    def split(self, text: str) -> list[str]:
        """
        Do the same for the text of a row.

        Errors:
            UnreadError: it is not as the profile says.
        """
        fields = self._lines.one(text)
        return fields + self._blank if self._blank else fields

    def many(self, records: Sequence[bytes], line_nos: Sequence[int]) -> list[list[str]] | None:
        """Do the same at once; None when one of them has to be looked at alone."""
        if self._broken is not None or (self.head and min(line_nos, default=0) <= self.head):
            return None
        if self._begins and any(map(self._is_marked, records)):
            return None
        encoding = self.profile.encoding
        try:
            rows = self._lines.many([record.decode(encoding) for record in records])
        except UnicodeDecodeError:
            return None
        if self._blank and rows is not None:
            return [row + self._blank for row in rows]
        return rows

    def make(self, fields: list[str]) -> int:
        """
        Ask the filters, derive the fields that are derived, and tell of which type the row is; -1: of none.

        Errors:
            UnreadError: it is filtered, or a field can't be made.
        """
        dropped_by = self.early.dropped_by(fields)
        if dropped_by is not None:
            raise UnreadError(Reason.FILTERED, self.early.why(dropped_by, fields))
        if self.is_plain:
            return -1
        derive(self.steps, fields)
        found = -1
        for number, kind in enumerate(self.kinds):
            if kind.holds is None or kind.holds(fields):
                derive(kind.steps, fields)
                found = number
                break
        dropped_by = self.late.dropped_by(fields)
        if dropped_by is not None:
            raise UnreadError(Reason.FILTERED, self.late.why(dropped_by, fields))
        return found


def _derived_names(profile: Profile) -> Iterator[str]:
    for each in (*profile.derived, *(one for type_ in profile.types for one in type_.derived)):
        yield each.field


def _marks(profile: Profile, heading: bytes) -> Iterator[tuple[bytes, str]]:
    """Give what lines begin with that are no rows."""
    if heading:
        yield heading, HEADING
    if isinstance(profile.layout, Delimited | FixedWidth) and profile.layout.comment:
        yield profile.layout.comment.encode(profile.encoding), COMMENT
    if profile.decoding is not None and not isinstance(profile.layout, JSONLine):
        yield FAULT_BEGINS, UNREAD
    for bound, what in _bounds(profile):
        if bound.begins:
            yield bound.begins.encode(profile.encoding), what


def _bounds(profile: Profile) -> Iterator[tuple[Bound, str]]:
    if profile.header is not None:
        yield profile.header, HEADER
    if profile.trailer is not None:
        yield profile.trailer.row, TRAILER


def _filters(profile: Profile) -> tuple[list[Filter], list[Filter]]:
    """Part filters into those to be asked before anything is derived, and the others."""
    derived = set(_derived_names(profile))
    early = [Filter(what, each.conditions) for each, what in _bounds(profile) if each.conditions]
    late: list[Filter] = []
    for each in profile.filters:
        (late if _named(each.conditions) & derived else early).append(each)
    return early, late


def _named(conditions: Sequence[Condition]) -> set[str]:
    return {each.field for each in conditions}


def named(fields: Sequence[str], places: Mapping[str, int]) -> dict[str, str]:
    """Give the fields of a row by name; those that are empty are not there."""
    return {name: fields[place] for name, place in places.items() if fields[place]}
