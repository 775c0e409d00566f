"""Times as switches write them, made instants: exact over every change of clocks."""

import re
from datetime import UTC, datetime

from bmu.mediation.reject import Reason, UnreadError, shown
from bmu.period import to_us, zone_of

CACHED_HOURS_MAX = 20_000
SECOND_US = 1_000_000

# Every "MM:SS" there is.
_IN_HOUR_US = {f"{n // 60:02}:{n % 60:02}": n * SECOND_US for n in range(3600)}
_HOUR = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:", re.ASCII)
_EPOCH = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,9}))?", re.ASCII)
_LEADING_SECONDS = re.compile(r"[0-9]{1,11}(?![0-9])", re.ASCII)


class LocalClock:
    """
    Reads ``2026-08-03 09:12:44`` in one time zone.

    Shapes:
        hours: the instants in microseconds at which known hours like ``2026-08-03 09:`` begin; None
            for an hour within which clocks are changed.
    """

    __slots__ = ("_name", "_zone", "hours")

    def __init__(self, zone: str) -> None:
        self._name = zone
        self._zone = zone_of(zone)
        self.hours: dict[str, int | None] = {}

    def knows(self, text: str) -> bool:
        """Tell quickly that a text is a time; one that is not known may be one all the same."""
        return self.hours.get(text[:14]) is not None and text[14:] in _IN_HOUR_US

    def at(self, text: str, not_before: str) -> int:
        """
        Give the instant in microseconds since 1970-01-01 UTC.

        Shapes:
            not_before: text that starts with seconds since 1970-01-01 UTC. Where clocks go back, the first
                instant not before that is meant. Other text says nothing; then it is the first of the two.

        Errors:
            UnreadError: not such a text, no such day or hour, or a time left out when clocks went forward.
        """
        within_us = _IN_HOUR_US.get(text[14:])
        if within_us is None:
            raise _not_a_time(text)
        hour = text[:14]
        try:
            start_us = self.hours[hour]
        except KeyError:
            start_us = self._remember(hour, text)
        if start_us is None:
            return self._in_odd_hour(text, not_before)
        return start_us + within_us

    def _remember(self, hour: str, text: str) -> int | None:
        """Keep where an hour begins; nothing where its offset is not one and the same."""
        if not _HOUR.fullmatch(hour):
            raise _not_a_time(text)
        try:
            first = datetime.fromisoformat(f"{hour}00:00").replace(tzinfo=self._zone)
            last = first.replace(minute=59, second=59)
            offsets = {
                each.replace(fold=fold).utcoffset() for each in (first, last) for fold in (0, 1)
            }
            start_us = to_us(first.astimezone(UTC)) if len(offsets) == 1 else None
        except (ValueError, OverflowError):
            raise _not_a_time(text) from None
        if len(self.hours) >= CACHED_HOURS_MAX:
            self.hours.clear()
        self.hours[hour] = start_us
        return start_us

    def _in_odd_hour(self, text: str, not_before: str) -> int:
        wall = datetime.fromisoformat(text)
        instants = [wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
        meant = [
            to_us(each)
            for each in instants
            if each.astimezone(self._zone).replace(tzinfo=None) == wall
        ]
        if not meant:
            raise UnreadError(
                Reason.BAD_TIME,
                f"{shown(text)} does not exist: clocks of {self._name} went forward over it",
            )
        leading = _LEADING_SECONDS.match(not_before)
        earliest_us = int(leading[0]) * SECOND_US if leading else meant[0]
        return next((us for us in meant if us >= earliest_us), meant[0])


class EpochClock:
    """Reads seconds since 1970-01-01 UTC, like ``1795254062.747``."""

    __slots__ = ()

    def knows(self, text: str) -> bool:
        """Tell that a text is a time."""
        return _EPOCH.fullmatch(text) is not None

    def at(self, text: str, _not_before: str) -> int:
        """
        Give the instant in microseconds since 1970-01-01 UTC; what is finer is cut.

        Errors:
            UnreadError: empty, or not such a text.
        """
        match = _EPOCH.fullmatch(text)
        if match is None:
            raise _not_a_time(text, "seconds since 1970 like 1795254062.747")
        return int(match[1]) * SECOND_US + int((match[2] or "").ljust(6, "0")[:6])


def _not_a_time(text: str, expected: str = "one like 2026-08-03 09:12:44") -> UnreadError:
    if not text:
        return UnreadError(Reason.MISSING_FIELD, f"is empty; expected {expected}")
    return UnreadError(Reason.BAD_TIME, f"{shown(text)} is no time; expected {expected}")
