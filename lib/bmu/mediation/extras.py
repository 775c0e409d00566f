"""Fields of the company's own: which of a record usage keeps, as the settings of its source name them."""

import re
from collections.abc import Iterator
from dataclasses import replace

from bmu.mediation.layout import Delimited, JSONLine, Pairs
from bmu.mediation.profile import Profile
from bmu.usage import UDR

EXTRAS_MAX = 20
EXTRA_CHARACTERS_MAX = 256

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)

# By the name that usage has it by, the name of the record's field.
Extras = tuple[tuple[str, str], ...]


def is_own_name(name: str) -> bool:
    """Tell whether a field of the company's own may have this name: none that every usage record has."""
    return _NAME.fullmatch(name) is not None and name not in UDR._fields


def extras_of(text: str) -> Extras:
    """
    Read which fields are kept, as ``trunk=userfield,cost=accountcode``; of an empty text none.

    Errors:
        ValueError: something else, a name twice, or too many.
    """
    extras = []
    for each in text.split(",") if text else ():
        name, _, field = each.partition("=")
        if not is_own_name(name) or _FIELD.fullmatch(field) is None:
            raise ValueError(
                f"{each!r} is not a name of your own (small letters, digits and _; none that usage has by itself),"
                " =, and a field of the record"
            )
        extras.append((name, field))
    if len({name for name, _ in extras}) < len(extras) or len(extras) > EXTRAS_MAX:
        raise ValueError(f"a name is there twice, or there are more than {EXTRAS_MAX}")
    return tuple(extras)


def missing_fields(profile: Profile, extras: Extras) -> Iterator[str]:
    """Give the fields that records of a profile can't have."""
    if not _may_have_any(profile):
        derived = (*profile.derived, *(one for each in profile.types for one in each.derived))
        known = {*profile.fields, *(each.field for each in derived)}
        yield from (field for _, field in extras if field not in known)


def keeping(profile: Profile, read: Profile, extras: Extras) -> Profile:
    """Give the profile by which the records are read, with the further fields that are kept."""
    if not _may_have_any(profile):
        return read
    derived = (*read.derived, *(one for each in read.types for one in each.derived))
    known = {*read.fields, *(each.field for each in derived)}
    further = dict.fromkeys(field for _, field in extras if field not in known)
    return replace(read, fields=(*read.fields, *further)) if further else read


def _may_have_any(profile: Profile) -> bool:
    """Tell whether records name their fields themselves."""
    layout = profile.layout
    return isinstance(layout, Pairs | JSONLine) or (
        isinstance(layout, Delimited) and layout.heading
    )
