"""Who calls whom and when: three months of the demo company's customers."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from harbour.calls import Call, Line, Place, course, outside, planted, talk_seconds
from harbour.chance import Chance
from harbour.customers import ALWAYS
from harbour.places import FOREIGN, GROUPS, NO_RATE, UK_LANDLINE

FIRST, LAST = date(2026, 8, 1), date(2026, 10, 31)
BANK_HOLIDAY = date(2026, 8, 31)
CLOCKS_GO_BACK = datetime(2026, 10, 25, tzinfo=UTC)
ORDINARY = {"asterisk": 6520, "freeswitch": 4350}
INTERNAL = 340
UNKNOWN = {"asterisk": 36, "freeswitch": 19}
UNRATED = {"asterisk": 11, "freeswitch": 6}

LIVELY = {"A1001": 5, "A1002": 6, "A1003": 2}  # weight in the draw of callers
TALKATIVE = {"A1001": 140, "A1002": 130}  # per cent of the usual length
WORK_HOURS = (0,) * 8 + (3, 9, 11, 11, 7, 6, 10, 10, 9, 5, 2, 1, 1) + (0,) * 3
HOME_HOURS = (0,) * 7 + (1, 2, 3, 5, 5, 4, 3, 3, 4, 5, 7, 10, 12, 11, 7, 3, 1)
MONTH_PERCENT = {8: 75, 9: 100, 10: 88}
OUTCOMES = (("ANSWERED", 83), ("NO ANSWER", 10), ("BUSY", 5), ("FAILED", 2))
OUTCOMES_INSIDE = (("ANSWERED", 75), ("NO ANSWER", 20), ("BUSY", 5))
# Minutes after midnight UTC of the night in which 02:00 becomes 01:00 (at 60).
THAT_NIGHT = {"asterisk": (-25, 20, 52, 70, 95, 130), "freeswitch": (20, 52, 70)}
# 18:48, 18:55 and 07:53 in London while it is summer.
BEFORE_A_BOUNDARY = ((17, 48), (17, 55), (6, 53))


def moment(chance: Chance, line: Line) -> int:
    """A plausible instant for a call of this line, in milliseconds since 1970 UTC."""
    first, last = max(FIRST, line.held_from), min(LAST, line.held_to - timedelta(days=1))
    while True:
        day = first + timedelta(days=chance.below((last - first).days + 1))
        quiet = line.business and (day.weekday() >= 5 or day == BANK_HOLIDAY)
        if chance.below(100) < MONTH_PERCENT[day.month] * (6 if quiet else 100) // 100:
            break
    hour = chance.weighted(tuple(enumerate(WORK_HOURS if line.business else HOME_HOURS)))
    second = hour * 3600 + chance.below(3600)
    # Nobody calls before seven, so on that Sunday the clocks have gone back already.
    shift = 3600 if day < CLOCKS_GO_BACK.date() else 0
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    return (midnight + second - shift) * 1000 + chance.below(1000)


def instant(chance: Chance, line: Line) -> datetime:
    """The same to the second, as a datetime."""
    return datetime.fromtimestamp(moment(chance, line) // 1000, UTC)


class Favourites:
    """Whom a line calls: one of the first nine it ever called in two calls of three."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[Place, str]]] = defaultdict(list)

    def next_of(self, chance: Chance, line: Line) -> tuple[Place, str]:
        """Where the line's next call goes, and to which number."""
        known = self._known[line.number]
        if len(known) >= 6 and chance.percent(66):
            return known[chance.below(min(len(known), 9))]
        group = "lively" if line.account == "A1001" else "business" if line.business else "home"
        place = chance.weighted(GROUPS[group]) or chance.pick(FOREIGN)
        known.append((place, place.number(chance)))
        return known[-1]


def ordinary(chance: Chance, lines: list[Line], count: int) -> list[Call]:
    """`count` calls as these lines make them in three months, answered or not."""
    weights = tuple(
        (line, LIVELY.get(line.account, 3 if line.business else 1) * 10) for line in lines
    )
    favourites = Favourites()
    calls = []
    for _ in range(count):
        line = chance.weighted(weights)
        place, number = favourites.next_of(chance, line)
        outcome = chance.weighted(OUTCOMES)
        talk = talk_seconds(chance) * TALKATIVE.get(line.account, 100) // 100
        went = course(chance, moment(chance, line), outcome, talk)
        calls.append(outside(line, place, number, went))
    return calls


def from_strangers(chance: Chance, lines: list[Line], switch: str) -> list[Call]:
    """Answered calls of numbers that nobody holds, three of them of a customer to be (A1039)."""
    taken = {line.number for line in lines}
    calls: list[Call] = []
    while len(calls) < UNKNOWN[switch]:
        number = UK_LANDLINE.number(chance)
        if number not in taken:
            nobody = Line("", "", number, FIRST, ALWAYS, chance.percent(50), switch)
            call = planted(chance, "unknown_owner", nobody, UK_LANDLINE)
            calls.append(call(instant(chance, nobody), talk_seconds(chance)))
    early = next(line for line in lines if line.account == "A1039")
    if early.switch == switch:
        call = planted(chance, "unknown_owner", early, UK_LANDLINE)
        days = [datetime(2026, 9, day, 10, 4 + day, tzinfo=UTC) for day in (8, 17, 29)]
        calls += [call(day, 40 + day.day) for day in days]
    return calls


def without_rate(chance: Chance, lines: list[Line], switch: str) -> list[Call]:
    """Answered calls to a place that no plan has a rate for."""
    firms = [line for line in lines if line.business and line.account != "A1001"]
    calls = []
    for _ in range(UNRATED[switch]):
        line = chance.pick(firms)
        call = planted(chance, "no_rate", line, NO_RATE)
        calls.append(call(instant(chance, line), talk_seconds(chance)))
    return calls


def around_boundaries(chance: Chance, lines: list[Line], switch: str) -> list[Call]:
    """Calls across 08:00 and 19:00 (A1001 to A1003), and while the clocks go back."""
    calls = []
    for line in (each for each in lines if each.account <= "A1003"):
        for week in range(0, 12, 2):
            day = datetime(2026, 8, 4, tzinfo=UTC) + timedelta(days=7 * week + chance.below(3))
            hour, minute = chance.pick(BEFORE_A_BOUNDARY)
            start = day + timedelta(hours=hour, minutes=minute, seconds=chance.below(60))
            call = planted(chance, "rateable", line, UK_LANDLINE)
            calls.append(call(start, 780 + chance.below(900)))
    homes = [line for line in lines if not line.business]
    for minute in THAT_NIGHT[switch]:
        call = planted(chance, "rateable", chance.pick(homes), UK_LANDLINE)
        calls.append(call(CLOCKS_GO_BACK + timedelta(minutes=minute), 1100 + chance.below(300)))
    return calls


def between_extensions(chance: Chance, lines: list[Line]) -> list[Call]:
    """Calls within a firm's own exchange, which cost nothing and are no usage."""
    firms = [line for line in lines if line.business]
    calls = []
    for _ in range(INTERNAL):
        line = chance.pick(firms)
        caller = chance.below(9)
        called = (caller + 1 + chance.below(8)) % 9
        extension = replace(line, number=str(201 + caller))
        inside = Place("internal", ((str(201 + called), 0),))
        outcome = chance.weighted(OUTCOMES_INSIDE)
        talk = talk_seconds(chance) // 3 + 2
        went = course(chance, moment(chance, line), outcome, talk)
        calls.append(Call(extension, inside, str(201 + called), went, "internal"))
    return calls


def calls_of(chance: Chance, lines: list[Line], switch: str) -> list[Call]:
    """All calls that one switch carried, in the order in which they began."""
    own = [line for line in lines if line.switch == switch]
    calls = ordinary(chance, own, ORDINARY[switch])
    calls += from_strangers(chance, lines, switch)
    calls += without_rate(chance, own, switch)
    settled = [line for line in own if line.held_from == FIRST and line.held_to > LAST]
    calls += around_boundaries(chance, settled, switch)
    if switch == "asterisk":
        calls += between_extensions(chance, own)
    return sorted(calls, key=lambda call: (call.course.start_ms, call.line.number, call.called))
