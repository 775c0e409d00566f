"""Lines of partial records to rows of sessions: what names the session, what each record counts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from operator import itemgetter
from struct import Struct

from bmu.mediation.aggregation import Aggregation, Take
from bmu.mediation.assembled import SESSION_FIELDS
from bmu.mediation.derive import reader_of_instant
from bmu.mediation.number import SourceSettings
from bmu.mediation.partial import Figures, Kind, Row
from bmu.mediation.profile import Profile
from bmu.mediation.record import Records, named
from bmu.mediation.reject import Reason, Reject, UnreadError, shown

FIGURE_MAX = 2**64 - 1
FIGURE_DIGITS_MAX = 20
HIGH_MAX = 2**32 - 1
SEQUENCE_MAX = 2**32 - 1
ELAPSED_MAX = 2**32 - 1
NAME_CHARACTERS_MAX = 256
KNOWN_KEYS_MAX = 200_000
# No text in PostgreSQL can hold it.
NUL = "\0"

_CONTENT = Struct(">q")
# By this, records of one moment follow each other.
_RANKED = {kind: (kind, rank) for rank, kind in enumerate(Kind)}

Fields = Sequence[str]


class Partials:
    """
    Makes rows of one source's partial records; holds caches and no other state.

    Errors:
        ValueError: the profile reads local times, and the source's time zone does not exist.
    """

    __slots__ = (
        "_at",
        "_elapsed",
        "_fields",
        "_figures",
        "_keys",
        "_kind",
        "_kind_place",
        "_kinds",
        "_node",
        "_other",
        "_prefix",
        "_record",
        "_records",
        "_said",
        "_sequence",
        "_session",
        "_texts",
    )

    def __init__(
        self,
        profile: Profile,
        aggregation: Aggregation,
        source: SourceSettings,
        header: bytes = b"",
    ) -> None:
        figures = [
            each for each in aggregation.gathered if each.take not in {Take.FIRST, Take.LAST}
        ]
        counted = {each.field for each in figures} | {each.high for each in figures}
        derived = {each.field for each in profile.derived}
        asked = [
            each
            for each in profile.filters
            if all(c.field not in derived and c.field not in counted for c in each.conditions)
        ]
        kept = dict(profile.extras) | dict(source.extras)
        # What sessions come to is ours to say.
        extras = tuple(each for each in kept.items() if each[1] not in SESSION_FIELDS)
        plain = replace(profile, filters=tuple(asked), derived=(), types=())
        self._records = records = Records(plain, source, header, extras)
        self._fields = records.fields
        places = records.means.places
        self._prefix = f"{len(source.code)}:{source.code}/".encode()
        self._kind = aggregation.kind
        self._kind_place = places[aggregation.kind]
        self._kinds = _kinds(aggregation)
        self._other = None if aggregation.interims else _RANKED[Kind.INTERIM]
        self._session = _Named([places[name] for name in aggregation.session])
        self._node = _Named([places[name] for name in aggregation.node])
        self._keys: dict[tuple[str, ...], tuple[bytes, str]] = {}
        record = aggregation.record or (aggregation.sequence,)
        self._record = _Named([places[name] for name in record if name])
        said = [aggregation.kind, *(each.field for each in aggregation.gathered)]
        said += [each.high for each in figures if each.high]
        self._said = _Named([places[name] for name in said])
        self._figures = [
            (each.field, places[each.field], places[each.high] if each.high else -1)
            for each in figures
        ]
        self._texts = [(name, place) for name, place in places.items() if name not in counted]
        self._sequence = -1 if aggregation.sequence is None else places[aggregation.sequence]
        self._elapsed = aggregation.elapsed
        at = aggregation.at
        self._at = None if at is None else reader_of_instant(at, records.means)

    def rows(self, lines: Sequence[bytes], first_line_no: int) -> list[Row | Reject]:
        """Make a row of each line without its line end, or say why it is none."""
        records = [line.removesuffix(b"\r") for line in lines]
        line_nos = range(first_line_no, first_line_no + len(lines))
        found = self._records.many(records, line_nos)
        if found is None:
            return list(map(self._taken, line_nos, records))
        return list(map(self._made, line_nos, found))

    def fields(self, line_no: int, line: bytes) -> dict[str, str]:
        """Give the fields that a line came with by name, but for empty ones; none where it is no row."""
        try:
            fields = self._records.one(line_no, line.removesuffix(b"\r"))
        except UnreadError:
            return {}
        return named(fields, self._records.means.places)

    def _taken(self, line_no: int, record: bytes) -> Row | Reject:
        try:
            return self._made(line_no, self._records.one(line_no, record))
        except UnreadError as error:
            return Reject(line_no, error.reason, error.detail)

    def _made(self, line_no: int, fields: list[str]) -> Row | Reject:
        try:
            self._records.make(fields)
            return self._row(line_no, fields)
        except UnreadError as error:
            return Reject(line_no, error.reason, error.detail)

    def _row(self, line_no: int, fields: Fields) -> Row:
        if NUL in "".join(fields):
            raise UnreadError(Reason.BAD_FIELD, "a field holds the character NUL")
        kind, rank = self._kind_of(fields)
        node, name = self._node_of(fields)
        if kind is not Kind.NODE:
            key, name = self._session_of(fields)
        elif node:
            key = node
        else:
            wanted = " or ".join(self._fields[place] for place in self._node.places)
            raise UnreadError(Reason.MISSING_FIELD, f"{wanted} is empty; expected a value")
        event_key = sha256(self._prefix + key + _written(self._record.of(fields))).digest()[:16]
        content = _CONTENT.unpack_from(sha256(_written(self._said.of(fields))).digest())[0]
        at_us = None if self._at is None else self._at(fields)
        sequence = None
        if self._sequence >= 0 and fields[self._sequence]:
            sequence = self._figure(fields, self._sequence, SEQUENCE_MAX)
        figures = self._figures_of(fields)
        elapsed_s = None
        if self._elapsed is not None:
            elapsed_s = figures.get(self._elapsed, 0 if kind is Kind.START else None)
        return Row(
            line_no,
            event_key,
            content,
            kind,
            key,
            node,
            name,
            (at_us or 0, sequence or 0, rank, content),
            at_us,
            elapsed_s,
            sequence,
            figures,
            {name: text for name, place in self._texts if (text := fields[place])},
        )

    def _session_of(self, fields: Fields) -> tuple[bytes, str]:
        """Give what tells a session from all others, and its name for people."""
        texts = self._session.of(fields)
        if "" in texts:
            name = self._fields[self._session.places[texts.index("")]]
            raise UnreadError(Reason.MISSING_FIELD, f"{name} is empty; expected a value")
        return self._key_of(texts)

    def _node_of(self, fields: Fields) -> tuple[bytes, str]:
        """Give what tells a switch from all others, if that is known, and its name for people."""
        texts = self._node.of(fields)
        return self._key_of(texts) if any(texts) else (b"", "")

    def _key_of(self, texts: tuple[str, ...]) -> tuple[bytes, str]:
        found = self._keys.get(texts)
        if found is not None:
            return found
        key = sha256(self._prefix + _written(texts)).digest()[:16]
        name = " ".join(text for text in texts if text)[:NAME_CHARACTERS_MAX]
        if len(self._keys) >= KNOWN_KEYS_MAX:
            self._keys.clear()
        return self._keys.setdefault(texts, (key, name))

    def _kind_of(self, fields: Fields) -> tuple[Kind, int]:
        text = fields[self._kind_place]
        found = self._kinds.get(text, self._other)
        if found is None:
            raise UnreadError(
                Reason.FILTERED, f"{self._kind} is {shown(text)}: no record of a session"
            )
        return found

    def _figures_of(self, fields: Fields) -> Figures:
        figures = {}
        for name, place, high in self._figures:
            if fields[place] or (high >= 0 and fields[high]):
                figure = self._figure(fields, place, FIGURE_MAX) if fields[place] else 0
                if high >= 0 and fields[high]:
                    if figure > HIGH_MAX:
                        raise self._bad(fields, place, HIGH_MAX)
                    figure += self._figure(fields, high, HIGH_MAX) << 32
                figures[name] = figure
        return figures

    def _figure(self, fields: Fields, place: int, largest: int) -> int:
        text = fields[place]
        if text.isdecimal() and text.isascii() and len(text) <= FIGURE_DIGITS_MAX:
            figure = int(text)
            if figure <= largest:
                return figure
        raise self._bad(fields, place, largest)

    def _bad(self, fields: Fields, place: int, largest: int) -> UnreadError:
        name = self._fields[place]
        return UnreadError(
            Reason.BAD_QUANTITY,
            f"{name} is {shown(fields[place])}; expected a whole number up to {largest}",
        )


def _kinds(aggregation: Aggregation) -> dict[str, tuple[Kind, int]]:
    return {
        **dict.fromkeys(aggregation.starts, _RANKED[Kind.START]),
        **dict.fromkeys(aggregation.interims, _RANKED[Kind.INTERIM]),
        **dict.fromkeys(aggregation.stops, _RANKED[Kind.STOP]),
        **dict.fromkeys(aggregation.nodes, _RANKED[Kind.NODE]),
    }


class _Named:
    """
    Some fields of a row.

    Shapes:
        of: gives their texts.
    """

    __slots__ = ("of", "places")

    def __init__(self, places: Sequence[int]) -> None:
        self.places = tuple(places)
        self.of: Callable[[Fields], tuple[str, ...]] = (
            itemgetter(*places) if len(places) > 1 else self._few
        )

    def _few(self, fields: Fields) -> tuple[str, ...]:
        return tuple(fields[place] for place in self.places)


def _written(texts: Sequence[str]) -> bytes:
    """Write texts, of which none holds a NUL, so that no two lists of them are written alike."""
    return f"{len(texts)} {NUL.join(texts)}".encode()
