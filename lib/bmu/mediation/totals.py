"""A file held to its trailer: how many rows it has, and what their fields come to."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from bmu.mediation.figure import Figure, figure_of
from bmu.mediation.layout import Delimited, FixedWidth
from bmu.mediation.number import SourceSettings
from bmu.mediation.profile import Bound, Counted, Profile, Trailer
from bmu.mediation.record import HEADER, TRAILER, Records
from bmu.mediation.reject import Reason, UnreadError, shown
from bmu.mediation.split import Lines, lines_of

_UTC = SourceSettings("totals", "UTC", "", "", "")


class Totals:
    """
    Counts the lines of one file, in their order, to be held to what its trailer says.

    Shapes:
        profile: one with a trailer; the lines are those of the file, before rows are split into parts.
        rows: how many were counted: all lines but headings, comments, header and trailer.
    """

    def __init__(self, profile: Profile, header: bytes = b"") -> None:
        assert profile.trailer is not None
        self._trailer: Trailer = profile.trailer
        self._records = Records(_whole(profile), _UTC, header)
        self._own = _lines_of_bound(self._records.profile, profile.trailer.row)
        self._summed = [(each.of, each.field) for each in profile.trailer.sums]
        self._sums: list[Figure] = [0] * len(self._summed)
        self._found: list[dict[str, str]] = []
        self._after = 0
        self._bounds = 0
        self.rows = 0

    def add(self, line_no: int, line: bytes) -> None:
        """Count a line without its line end."""
        record = line.removesuffix(b"\r")
        what = self._what(line_no, record)
        if what in {HEADER, TRAILER}:
            self._bounds += 1
        if what == TRAILER:
            self._found.append(self._fields(record))
        elif what == "":
            self.rows += 1
            self._after += bool(self._found)
            self._add_fields(line_no, record)

    @property
    def has_ended(self) -> bool:
        """Whether a trailer was among the lines."""
        return bool(self._found)

    def faults(self) -> tuple[str, ...]:
        """Say, once all lines are counted, in what the file differs from its trailer."""
        return tuple(self._differences())

    def _what(self, line_no: int, record: bytes) -> str:
        """Tell what a line is that is no row; nothing of one that is, be it as it may."""
        try:
            text = self._records.text(line_no, record)
            sieve = self._records.early
            dropped = sieve.dropped_by(self._records.split(text)) if sieve.filters else None
        except UnreadError as error:
            return error.detail if error.reason is Reason.FILTERED else ""
        return "" if dropped is None else dropped.name

    def _fields(self, record: bytes) -> dict[str, str]:
        """Give the trailer's fields by name; none where it can't be read."""
        names = self._trailer.row.fields if self._trailer.row.begins else self._records.columns
        try:
            lines = self._own if self._trailer.row.begins else None
            text = record.decode(self._records.profile.encoding)
            row = self._records.split(text) if lines is None else lines.one(text)
        except (UnreadError, UnicodeDecodeError):
            return {}
        return dict(zip(names, row, strict=False))

    def _add_fields(self, line_no: int, record: bytes) -> None:
        if not self._summed:
            return
        try:
            row = self._records.one(line_no, record)
        except UnreadError:
            return
        places = self._records.means.places
        for number, (of, _) in enumerate(self._summed):
            self._sums[number] += figure_of(row[places[of]]) or 0

    def _differences(self) -> Iterator[str]:
        if not self._found:
            yield "the file ends without its trailer: it is cut off; have it sent again"
            return
        if len(self._found) > 1:
            yield f"the file has {len(self._found)} trailers: it is several files; hand each in by itself"
        if self._after:
            yield f"the file goes on behind its trailer, for {self._after} rows"
        said = self._found[-1]
        trailer = self._trailer
        if trailer.count is not None:
            all_ = self.rows + self._bounds if trailer.counted is Counted.ALL else self.rows
            yield from _compared("rows", trailer.count, said.get(trailer.count, ""), all_)
        for (of, field), total in zip(self._summed, self._sums, strict=True):
            yield from _compared(f"as the sum of {of}", field, said.get(field, ""), total)


def _whole(profile: Profile) -> Profile:
    """Give what of a profile tells rows from other lines, of rows that are not split yet."""
    return replace(profile, filters=(), derived=(), types=(), splitting=(), aggregation=None)


def _lines_of_bound(profile: Profile, bound: Bound) -> Lines | None:
    """Give what splits a trailer that has fields of its own."""
    layout = profile.layout
    if not bound.begins:
        return None
    if isinstance(layout, FixedWidth):
        return lines_of(replace(layout, columns=bound.columns, shortest=1), bound.fields)
    assert isinstance(layout, Delimited), layout
    widths = tuple(range(1, len(bound.fields) + 1))
    return lines_of(replace(layout, widths=widths), bound.fields)


def _compared(what: str, field: str, said: str, found: Figure) -> Iterator[str]:
    figure = figure_of(said)
    if figure is None:
        yield f"the trailer's {field} is {shown(said)}; expected a figure"
    elif figure != found:
        yield f"the trailer says {said} {what} ({field}), the file has {_written(found)}"


def _written(figure: Figure) -> str:
    if isinstance(figure, int):
        return str(figure)
    return f"{Decimal(figure.numerator) / Decimal(figure.denominator):f}"
