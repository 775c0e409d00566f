"""The text of a line to the texts of its fields."""

import csv
from collections.abc import Iterable, Sequence

from bmu.mediation.jsonline import JSONLines
from bmu.mediation.layout import Delimited, FixedWidth, JSONLine, Layout, Pairs, Quoting
from bmu.mediation.reject import Reason, UnreadError, shown

BLANKS = " \t"


class CSVLines:
    """Splits lines in which a quoted field may hold the delimiter, and a quote that is doubled or behind a backslash."""

    __slots__ = ("_delimiter", "_escape", "_widths")

    def __init__(self, layout: Delimited, fields: Sequence[str]) -> None:
        self._delimiter = layout.delimiter
        self._escape = "\\" if layout.quoting is Quoting.BACKSLASH else None
        self._widths = _paddings(layout, fields)

    def one(self, text: str) -> list[str]:
        """
        Split a line; fields it may lack, and lacks, are empty.

        Errors:
            UnreadError: broken quotes, or another number of fields than the layout has.
        """
        try:
            row = self._rows((text,))[0]
        except csv.Error as error:
            raise UnreadError(Reason.MALFORMED_LINE, f"not whole: {error}") from None
        return _padded(row, self._widths)

    def many(self, texts: Sequence[str]) -> list[list[str]] | None:
        """Split lines at once; None when one of them has to be looked at alone."""
        try:
            rows = self._rows(texts)
        except csv.Error:
            return None
        # A line with an open quote has run into the next.
        if len(rows) != len(texts):
            return None
        try:
            return [row + self._widths[len(row)] for row in rows]
        except KeyError:
            return None

    def _rows(self, texts: Sequence[str]) -> list[list[str]]:
        return list(
            csv.reader(
                texts,
                delimiter=self._delimiter,
                doublequote=self._escape is None,
                escapechar=self._escape,
                strict=True,
            )
        )


class PlainLines:
    """Splits lines at each delimiter; nothing protects one."""

    __slots__ = ("_delimiter", "_widths")

    def __init__(self, layout: Delimited, fields: Sequence[str]) -> None:
        self._delimiter = layout.delimiter
        self._widths = _paddings(layout, fields)

    def one(self, text: str) -> list[str]:
        """
        Split a line; fields it may lack, and lacks, are empty.

        Errors:
            UnreadError: another number of fields than the layout has.
        """
        return _padded(text.split(self._delimiter), self._widths)

    def many(self, texts: Iterable[str]) -> list[list[str]] | None:
        """Split lines at once; None when one of them has to be looked at alone."""
        delimiter, widths = self._delimiter, self._widths
        try:
            return [row + widths[len(row)] for row in [text.split(delimiter) for text in texts]]
        except KeyError:
            return None


class ColumnLines:
    """Cuts lines into columns; one that lies behind the end of a line is empty."""

    __slots__ = ("_shortest", "_slices")

    def __init__(self, layout: FixedWidth) -> None:
        self._slices = [slice(column.first - 1, column.last) for column in layout.columns]
        self._shortest = layout.shortest

    def one(self, text: str) -> list[str]:
        """
        Cut a line, and take away the blanks around each value.

        Errors:
            UnreadError: it is too short.
        """
        if len(text) < self._shortest:
            raise UnreadError(
                Reason.MALFORMED_LINE,
                f"{len(text)} characters; expected {self._shortest} or more",
            )
        return [text[each].strip(BLANKS) for each in self._slices]

    def many(self, texts: Iterable[str]) -> list[list[str]] | None:
        """Cut lines at once; None when one of them has to be looked at alone."""
        try:
            return [self.one(text) for text in texts]
        except UnreadError:
            return None


class BareLines:
    """Splits lines in which every field is quoted and nothing within the quotes is escaped."""

    __slots__ = ("_between", "_widths")

    def __init__(self, layout: Delimited, fields: Sequence[str]) -> None:
        self._between = f'"{layout.delimiter}"'
        self._widths = _paddings(layout, fields)

    def one(self, text: str) -> list[str]:
        """
        Split a line; fields it may lack, and lacks, are empty.

        Errors:
            UnreadError: not quoted throughout, or another number of fields than the layout has.
        """
        if len(text) < 2 or text[0] != '"' or text[-1] != '"':
            raise UnreadError(
                Reason.MALFORMED_LINE,
                f"not whole: it ends with {shown(text[-1:])}, expected a quote",
            )
        return _padded(text[1:-1].split(self._between), self._widths)

    def many(self, texts: Iterable[str]) -> list[list[str]] | None:
        """Split lines at once; None when one of them has to be looked at alone."""
        try:
            return [self.one(text) for text in texts]
        except UnreadError:
            return None


class PairLines:
    """Splits lines of named pairs; a field that is not there is empty."""

    __slots__ = ("_empty", "_layout")

    def __init__(self, layout: Pairs, fields: Sequence[str]) -> None:
        self._layout = layout
        self._empty = dict.fromkeys(fields, "")

    def one(self, text: str) -> list[str]:
        """
        Split a line into the fields of the profile, in its order.

        A name that comes twice is refused, so that no value can pass for another.

        Errors:
            UnreadError: no pairs, a name that is not known, or one that comes twice.
        """
        layout = self._layout
        _, found, record = text.partition(layout.after)
        if not found and layout.after:
            raise UnreadError(Reason.MALFORMED_LINE, f"there is no {shown(layout.after)} in it")
        before, equals, _ = record.partition("=")
        if not equals:
            raise UnreadError(Reason.MALFORMED_LINE, f"{shown(record)}: expected name=value pairs")
        label, colon, _ = before.rpartition(": ")
        fields = self._empty | {layout.label: label}
        seen = {layout.label}
        for pair in record[len(label) + len(colon) :].split(layout.separator):
            name, equals, value = pair.strip(" \t").partition("=")
            if not equals or name not in fields or name in seen:
                raise UnreadError(Reason.MALFORMED_LINE, f"{shown(pair)}: unknown, or there twice")
            seen.add(name)
            fields[name] = value
        return list(fields.values())

    def many(self, texts: Iterable[str]) -> list[list[str]] | None:
        """Split lines at once; None when one of them has to be looked at alone."""
        try:
            return [self.one(text) for text in texts]
        except UnreadError:
            return None


Lines = CSVLines | BareLines | PlainLines | ColumnLines | PairLines | JSONLines


def lines_of(layout: Layout, fields: Sequence[str]) -> Lines:
    """Give what splits lines of that layout."""
    match layout:
        case Pairs():
            return PairLines(layout, fields)
        case FixedWidth():
            return ColumnLines(layout)
        case JSONLine():
            return JSONLines(fields)
        case Delimited(Quoting.ALL_BARE):
            return BareLines(layout, fields)
        case Delimited(Quoting.NONE):
            return PlainLines(layout, fields)
        case Delimited():
            return CSVLines(layout, fields)


def _paddings(layout: Delimited, fields: Sequence[str]) -> dict[int, list[str]]:
    """What makes a line of each allowed width as long as the fields."""
    return {width: [""] * (len(fields) - width) for width in layout.widths}


def _padded(row: list[str], paddings: dict[int, list[str]]) -> list[str]:
    padding = paddings.get(len(row))
    if padding is None:
        expected = " or ".join(str(width) for width in paddings)
        raise UnreadError(Reason.MALFORMED_LINE, f"{len(row)} fields; expected {expected}")
    return row + padding
