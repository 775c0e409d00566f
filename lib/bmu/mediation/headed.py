"""A profile as the lines of one file are read by it: with the columns that its heading names, and its parts."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bmu.mediation import csvrows
from bmu.mediation.layout import Delimited, FixedWidth, JSONLine
from bmu.mediation.profile import Format, Profile
from bmu.mediation.reject import UnreadError, shown
from bmu.mediation.split import lines_of

PART = "split"
COLUMNS_MAX = 1_000
NAMED_MAX = 6

_BOM = b"\xef\xbb\xbf"


def head_of(profile: Profile) -> int:
    """Give how many lines at the head of a file are no rows; the last of them is the one that names columns."""
    layout = profile.layout
    if not isinstance(layout, Delimited | FixedWidth):
        return 0
    return layout.skipped + has_heading(profile)


def has_heading(profile: Profile) -> bool:
    """Tell whether the first line of a file that is not skipped names its columns."""
    return isinstance(profile.layout, Delimited) and profile.layout.heading


def heading_faults(profile: Profile, header: bytes) -> tuple[str, ...]:
    """Find what keeps the rows of a file from being read by the line that names its columns."""
    columns = columns_of(profile, header)
    if isinstance(columns, str):
        return (columns,)
    return tuple(_missing(profile.fields, Counter(columns)))


def names_faults(profile: Profile, blocks: Iterable[bytes]) -> tuple[str, ...]:
    """
    Find what keeps the rows of a file from being had by name, where its decoding takes the names from its first line.

    Shapes:
        blocks: of the file; no more is read than that line. Of none, nothing is found.
    """
    decoding = profile.decoding
    if decoding is None or decoding.format is not Format.CSV_BLOCK or decoding.plugin:
        return ()
    names = csvrows.names_in(dict(decoding.settings), blocks)
    return () if names is None else tuple(_missing(profile.fields, Counter(names)))


def headed(profile: Profile, header: bytes) -> Profile:
    """
    Give the profile by which the rows of a file are read as they come.

    Shapes:
        header: the line that names the columns; without faults where the profile has one.
    """
    layout = profile.layout
    if not isinstance(layout, Delimited) or not layout.heading:
        return profile
    columns = columns_of(profile, header)
    assert not isinstance(columns, str), columns
    widths = layout.widths or (len(columns),)
    plain = replace(layout, widths=widths, heading=False, skipped=layout.skipped + 1)
    return replace(profile, layout=plain, fields=columns)


def as_read(profile: Profile, header: bytes) -> Profile:
    """Give the profile by which lines are mediated: those of a profile that splits rows are objects with a part."""
    if not profile.splitting:
        return headed(profile, header)
    return replace(
        profile,
        layout=JSONLine(),
        encoding="utf-8",
        fields=(*profile.fields, PART),
        identities=_with_part(profile.identities),
        types=tuple(
            replace(each, identities=each.identities and _with_part(each.identities))
            for each in profile.types
        ),
        header=None,
        trailer=None,
    )


def columns_of(profile: Profile, header: bytes) -> tuple[str, ...] | str:
    """
    Give the columns of a file, those the profile names by its names; or say why they can't be told.

    Columns of one name can't be told apart: all but the first get another name.
    """
    layout = profile.layout
    assert isinstance(layout, Delimited), layout
    record = header.removesuffix(b"\r").removeprefix(_BOM)
    if not record:
        return "the file has no line that names its columns"
    try:
        text = record.decode(profile.encoding)
        # As many fields as it has are allowed.
        count = min(text.count(layout.delimiter) + 1, COLUMNS_MAX)
        wide = replace(layout, widths=tuple(range(1, count + 1)))
        row = lines_of(wide, ("",) * count).one(text)
    except (UnicodeDecodeError, UnreadError, csv.Error) as error:
        return f"the line that names the columns can't be read: {getattr(error, 'detail', error)}"
    known = {name.casefold(): name for name in profile.fields}
    names = [" ".join(name.split()) for name in row]
    named = [known.get(name.casefold(), name) for name in names]
    firsts = {name: place for place, name in reversed([*enumerate(named)])}
    return tuple(
        name
        if name and (firsts[name] == place or name in known.values())
        else f"{name}#{place + 1}"
        for place, name in enumerate(named)
    )


def _missing(fields: Sequence[str], counts: Counter[str]) -> Iterator[str]:
    """Say in one sentence what a profile misses; what the line has instead may be a customer's data."""
    missing = [field for field in fields if counts[field] == 0]
    if missing:
        yield f"the line that names the columns has none called {_named(missing)} (it has {counts.total()})"
    twice = [field for field in fields if counts[field] > 1]
    if twice:
        yield f"the line that names the columns has more than one called {_named(twice)}"


def _named(fields: Sequence[str]) -> str:
    names = ", ".join(map(shown, fields[:NAMED_MAX]))
    more = len(fields) - NAMED_MAX
    return f"{names} and {more} more" if more > 0 else names


def _with_part(identities: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """The parts of a row are different events."""
    return tuple((*names, PART) for names in identities)
