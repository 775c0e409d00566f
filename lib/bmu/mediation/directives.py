"""Times written by directives, as strptime has them, taken apart: what each is, whatever the language of the machine."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

WRITTEN_CHARACTERS_MAX = 100

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_DAYS = (
    "mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
)
_SHORT = {"T": "%H:%M:%S", "R": "%H:%M", "F": "%Y-%m-%d", "D": "%m/%d/%y"}
_DIRECTIVES: Mapping[str, str] = {
    "Y": "(?P<Y>[0-9]{4})",
    "y": "(?P<y>[0-9]{2})",
    "m": "(?P<m>[0-9]{1,2})",
    "d": "(?P<d>[0-9]{1,2})",
    "e": "(?P<d> ?[0-9]{1,2})",
    "H": "(?P<H>[0-9]{1,2})",
    "I": "(?P<I>[0-9]{1,2})",
    "M": "(?P<M>[0-9]{1,2})",
    "S": "(?P<S>[0-9]{1,2})",
    "f": "(?P<f>[0-9]{1,9})",
    "p": "(?P<p>[ap]\\.?m\\.?)",
    "b": f"(?P<b>{'|'.join((*_NAMES, *_MONTHS))})",
    "B": f"(?P<b>{'|'.join((*_NAMES, *_MONTHS))})",
    "a": f"(?:{_DAYS})",
    "A": f"(?:{_DAYS})",
    "z": "(?P<z>z|[+-][0-9]{2}:?[0-9]{2}(?::?[0-9]{2})?|[+-][0-9]{2})",
    "Z": "(?P<Z>[a-z][a-z0-9_+/-]{0,39})",
}
# What has to be said, one of each.
_NEEDED = (("a year, %Y or %y", "Yy"), ("a month, %m or %b", "mb"), ("a day, %d or %e", "d"))
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})?:?([0-9]{2})?", re.ASCII)


class Read(NamedTuple):
    """
    A time that was taken apart.

    Shapes:
        wall: as the clock on the wall shows it, ``2026-08-03 09:12:44``.
        fraction_us: what is left, in microseconds; what is finer is cut.
        zone: a name or an offset; empty: none is written.
    """

    wall: str
    fraction_us: int
    zone: str


class Directives:
    """Takes times apart that are written in one way."""

    __slots__ = ("_match", "written")

    def __init__(self, written: str) -> None:
        """
        Take up how times are written.

        Errors:
            ValueError: it has no year, month or day, something twice, or a directive that there isn't.
        """
        if len(written) > WRITTEN_CHARACTERS_MAX:
            raise ValueError(f"is longer than {WRITTEN_CHARACTERS_MAX} characters")
        pattern = "".join(_pieces(written))
        for what, names in _NEEDED:
            if not any(f"(?P<{name}>" in pattern for name in names):
                raise ValueError(f"has no directive for {what}")
        if ("(?P<I>" in pattern) is not ("(?P<p>" in pattern):
            raise ValueError("%I, an hour up to 12, needs %p, AM or PM, and the other way round")
        try:
            self._match = re.compile(pattern, re.ASCII | re.IGNORECASE).fullmatch
        except re.error as error:
            raise ValueError(f"says something twice: {error}") from error
        self.written = written

    def read(self, text: str) -> Read | None:
        """Take a time apart; nothing where it is written otherwise. Whether there is such a day is not looked at."""
        found = self._match(text)
        if found is None:
            return None
        parts = found.groupdict("")
        minute, second = parts.get("M", ""), parts.get("S", "")
        fraction = parts.get("f", "")
        wall = f"{_day(parts)} {_hour(parts)}:{minute or '0':0>2}:{second or '0':0>2}"
        zone = parts.get("z") or parts.get("Z") or ""
        return Read(wall, int(fraction.ljust(6, "0")[:6]) if fraction else 0, zone)


def offset_s(text: str) -> int | None:
    """Give the seconds by which clocks are ahead of UTC of an offset like ``+0130``, ``Z`` or ``-05:00``."""
    if text in {"Z", "z"}:
        return 0
    found = _OFFSET.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    ahead = hours * 3600 + minutes * 60 + seconds
    return -ahead if found[1] == "-" else ahead


def _pieces(written: str) -> Iterator[str]:
    """Give the pieces of the regular expression: each of a bounded length, so that it needs no way back."""
    at = 0
    while at < len(written):
        char = written[at]
        at += 1
        if char != "%":
            yield re.escape(char)
            continue
        name = written[at : at + 1]
        at += 1
        if name in _SHORT:
            yield from _pieces(_SHORT[name])
        elif name == "%":
            yield "%"
        elif name in _DIRECTIVES:
            yield _DIRECTIVES[name]
        else:
            known = ", ".join(f"%{each}" for each in (*_DIRECTIVES, *_SHORT))
            raise ValueError(f"%{name} is no directive; there are {known} and %%")


def _day(parts: Mapping[str, str]) -> str:
    year = parts.get("Y") or _full_year(parts["y"])
    name = parts.get("b", "").lower()[:3]
    month = _MONTHS.index(name) + 1 if name else int(parts["m"])
    return f"{year}-{month:02}-{int(parts['d']):02}"


def _full_year(two: str) -> str:
    """Give the year of two digits: from 1969 to 2068, as POSIX has it."""
    return f"{'19' if int(two) > 68 else '20'}{two}"


def _hour(parts: Mapping[str, str]) -> str:
    if not parts.get("I"):
        return f"{parts.get('H') or '0':0>2}"
    hour = int(parts["I"])
    if not 1 <= hour <= 12:
        return "99"
    return f"{hour % 12 + 12 * (parts['p'][0] in 'pP'):02}"
