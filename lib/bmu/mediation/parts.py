"""Rows that are several events, split on arrival: each becomes as many lines as it has parts."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

from bmu.mediation.headed import PART, has_heading, head_of
from bmu.mediation.jsonline import FAULT, NO_ROW, object_of
from bmu.mediation.layout import JSONLine
from bmu.mediation.number import SourceSettings
from bmu.mediation.profile import Profile
from bmu.mediation.record import Records, named
from bmu.mediation.reject import Reason, UnreadError
from bmu.mediation.rows import FAULT_OCTETS_MAX, RowError, line_of

_UTC = SourceSettings("parts", "UTC", "", "", "")


def split_lines(profile: Profile, lines: Iterable[bytes]) -> Iterator[bytes]:
    """
    Write each row as many times as it has parts, a line each, with the name of its part in the field ``split``.

    What is no row, or can't be read, becomes one line that says so; each line has its verdict.

    Shapes:
        profile: one that splits rows.
        lines: all of the file, or of its decoder, without line ends.
    """
    rest = iter(lines)
    head = [*islice(rest, head_of(profile))]
    header = head[-1] if head and has_heading(profile) else b""
    plain = replace(profile, splitting=(), filters=(), derived=(), types=())
    records = Records(plain, _UTC, header)
    for line_no, line in enumerate(chain(head, rest), 1):
        record = line.removesuffix(b"\r")
        try:
            row = _row(records, line_no, record)
            made = [line_of({**row, PART: part}) for part in profile.splitting]
        except UnreadError as error:
            made = [
                _said(NO_ROW if error.reason is Reason.FILTERED else FAULT, error.detail, record)
            ]
        except RowError as error:
            made = [_said(FAULT, str(error), record)]
        yield from made


def _row(records: Records, line_no: int, record: bytes) -> dict[str, str]:
    """Give all fields of a row by name, those of an object as well that the profile does not name."""
    text = records.text(line_no, record)
    dropped_by = None
    if isinstance(records.profile.layout, JSONLine):
        row = object_of(text)
        row.pop(PART, None)
        if records.early.filters:
            dropped_by = records.early.dropped_by(records.split(text))
    else:
        fields = records.split(text)
        dropped_by = records.early.dropped_by(fields)
        row = named(fields, records.means.places)
    if dropped_by is not None:
        raise UnreadError(Reason.FILTERED, dropped_by.name)
    return row


def _said(what: str, why: str, record: bytes) -> bytes:
    return line_of({what: why, "octets": record[:FAULT_OCTETS_MAX].hex()})
