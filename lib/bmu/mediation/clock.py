"""Times as switches write them, made instants: exact over every change of clocks."""

import re
from datetime import UTC, datetime

from bmu.mediation.directives import Directives, offset_s
from bmu.mediation.reject import Reason, UnreadError, shown
from bmu.mediation.transform import Clock, Instant
from bmu.period import to_us, zone_of

CACHED_HOURS_MAX = 20_000
CACHED_ZONES_MAX = 1_000
SECOND_US = 1_000_000

# Every "MM:SS" there is.
_IN_HOUR_US = {f"{n // 60:02}:{n % 60:02}": n * SECOND_US for n in range(3600)}
_HOUR = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:", re.ASCII)
_EPOCH = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,9}))?", re.ASCII)
_EPOCH_MS = re.compile(r"([0-9]{1,14})(?:\.([0-9]{1,6}))?", re.ASCII)
_EPOCH_US = re.compile(r"([0-9]{1,17})(?:\.([0-9]{1,3}))?", re.ASCII)
# How each is read, what it is worth, and what is expected.
_EPOCHS = {
    Clock.EPOCH: (_EPOCH.fullmatch, SECOND_US, "seconds"),
    Clock.EPOCH_MS: (_EPOCH_MS.fullmatch, 1_000, "thousandths of a second"),
    Clock.EPOCH_US: (_EPOCH_US.fullmatch, 1, "millionths of a second"),
}
_EXAMPLES = {SECOND_US: "1795254062.747", 1_000: "1795254062747", 1: "1795254062747000"}
# Fourteen characters, then minutes and seconds: as long as 2026-08-03 09:12:44.
_ENDS_LIKE_LOCAL = re.compile(r"(?:(?:%Y|%m|%d|%H|[^%]){7,13}):%M:%S|(?:%F|%D)[^%]%T", re.DOTALL)
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
    """Reads seconds since 1970-01-01 UTC, like ``1795254062.747``, or thousandths or millionths of them."""

    __slots__ = ("_expected", "_match", "_unit_us", "is_seconds")

    def __init__(self, clock: Clock = Clock.EPOCH) -> None:
        self._match, self._unit_us, self._expected = _EPOCHS[clock]
        self.is_seconds = clock is Clock.EPOCH

    def knows(self, text: str) -> bool:
        """Tell that a text is a time."""
        return self._match(text) is not None

    def at(self, text: str, _not_before: str) -> int:
        """
        Give the instant in microseconds since 1970-01-01 UTC; what is finer is cut.

        Errors:
            UnreadError: empty, or not such a text.
        """
        match = self._match(text)
        if match is None:
            raise _not_a_time(text, f"{self._expected} since 1970 like {_EXAMPLES[self._unit_us]}")
        decimals = (match[2] or "").ljust(6, "0")[:6]
        return int(match[1]) * self._unit_us + int(decimals) * self._unit_us // SECOND_US


class WrittenClock:
    """
    Reads times that are written by directives, in one time zone where none is written.

    Shapes:
        hours: where the hours begin that known texts like ``03.08.2026 09:`` stand for, as LocalClock.hours; None
            where times are not that long, or do not end with minutes and seconds.
    """

    __slots__ = ("_directives", "_known", "_local", "_zone", "_zones", "hours")

    def __init__(self, written: str, zone: str) -> None:
        self._directives = Directives(written)
        self._zone = zone
        self._local = LocalClock(zone)
        self._zones: dict[str, LocalClock | int] = {}
        self._known: dict[str, int | None] = {}
        self.hours = self._known if _ENDS_LIKE_LOCAL.fullmatch(written) else None

    def knows(self, text: str) -> bool:
        """Tell quickly that a text is a time; one that is not known may be one all the same."""
        return (
            self.hours is not None
            and self.hours.get(text[:14]) is not None
            and text[14:] in _IN_HOUR_US
        )

    def at(self, text: str, not_before: str) -> int:
        """
        Give the instant in microseconds since 1970-01-01 UTC.

        Errors:
            UnreadError: as LocalClock.at().
        """
        return self.within(text, not_before, "")

    def within(self, text: str, not_before: str, zone: str) -> int:
        """Do the same for a time that goes by this zone or offset, where that is not empty and the text has none."""
        if self.hours is not None and not zone:
            start_us, within_us = self.hours.get(text[:14]), _IN_HOUR_US.get(text[14:])
            if start_us is not None and within_us is not None:
                return start_us + within_us
        read = self._directives.read(text)
        if read is None:
            raise _not_a_time(text, f"one written {self._directives.written}")
        clock = self._clock(read.zone or zone)
        try:
            if isinstance(clock, LocalClock):
                start_us = clock.at(read.wall, not_before)
            else:
                start_us = _UTC.at(read.wall, "") - clock * SECOND_US
        except UnreadError as error:
            raise UnreadError(error.reason, f"{shown(text)}: {error.detail}") from None
        if self.hours is not None and not zone and len(text) == 19:
            self._learn(text, read.wall)
        return start_us + read.fraction_us

    def _learn(self, text: str, wall: str) -> None:
        """Remember where the hour begins that a text is in, unless clocks are changed in it."""
        if len(self._known) >= CACHED_HOURS_MAX:
            self._known.clear()
        if text[14:] == wall[14:]:
            self._known[text[:14]] = self._local.hours.get(wall[:14])

    def _clock(self, zone: str) -> LocalClock | int:
        """Give the clock of a zone, or by how many seconds those of an offset are ahead."""
        if not zone:
            return self._local
        known = self._zones.get(zone)
        if known is None:
            if len(self._zones) >= CACHED_ZONES_MAX:
                self._zones.clear()
            known = offset_s(zone)
            if known is None:
                known = _clock_of_zone(zone)
            self._zones[zone] = known
        return known


def clock_of(instant: Instant, zone: str) -> "AnyClock":
    """
    Give what reads times as an instant is written, at a source of that zone.

    Errors:
        ValueError: there is no such zone, or times can't be written so.
    """
    match instant.clock:
        case Clock.LOCAL:
            return LocalClock(instant.zone or zone)
        case Clock.WRITTEN:
            return WrittenClock(instant.written, instant.zone or zone)
        case _:
            return EpochClock(instant.clock)


AnyClock = LocalClock | EpochClock | WrittenClock

_UTC = LocalClock("UTC")


def _clock_of_zone(zone: str) -> LocalClock:
    try:
        return LocalClock(zone)
    except ValueError:
        raise UnreadError(
            Reason.BAD_TIME,
            f"{shown(zone)} is no time zone; expected one like Europe/London, or an offset like +0100",
        ) from None


def _not_a_time(text: str, expected: str = "one like 2026-08-03 09:12:44") -> UnreadError:
    if not text:
        return UnreadError(Reason.MISSING_FIELD, f"is empty; expected {expected}")
    return UnreadError(Reason.BAD_TIME, f"{shown(text)} is no time; expected {expected}")
