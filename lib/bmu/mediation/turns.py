"""The turns of a clock at which sessions that last are cut: hours, days and months of one time zone."""

from datetime import UTC, datetime, timedelta

from bmu.mediation.aggregation import Cut
from bmu.period import zone_of

# No zone of today is apart from UTC by anything that is no multiple of this.
STEP_US = 900_000_000
KNOWN_MAX = 20_000

_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
_PARTS = {Cut.MONTH: 2, Cut.DAY: 3, Cut.HOUR: 4}


class Turns:
    """Tells in which hour, day or month of a time zone an instant is."""

    __slots__ = ("_known", "_parts", "_zone")

    def __init__(self, cut: Cut, time_zone: str) -> None:
        self._parts = _PARTS[cut]
        self._zone = zone_of(time_zone)
        self._known: dict[int, tuple[int, ...]] = {}

    def of(self, at_us: int) -> tuple[int, ...]:
        """Give what is alike for all instants of one hour, day or month, and more for later ones."""
        step = at_us // STEP_US
        found = self._known.get(step)
        if found is None:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            local = (_BEGAN + timedelta(microseconds=step * STEP_US)).astimezone(self._zone)
            found = local.timetuple()[: self._parts]
            if self._parts == _PARTS[Cut.HOUR]:
                # Of an hour that clocks go through twice each time is one.
                found = (*found, local.fold)
            self._known[step] = found
        return found
