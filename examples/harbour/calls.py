"""A call, the line it was made from, the place it went to, and how long it took."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from harbour.chance import Chance

# Per thousand calls, at most so many seconds: roughly log-normal, median 95 s, mean 190 s.
LENGTHS = (
    (0, 2),
    (50, 14),
    (100, 22),
    (200, 36),
    (300, 52),
    (400, 71),
    (500, 95),
    (600, 127),
    (700, 174),
    (800, 250),
    (900, 415),
    (950, 630),
    (980, 1008),
    (990, 1379),
    (1000, 4100),
)
# How long it rings, in milliseconds: at least, and how much more it may be.
RINGING = {"ANSWERED": (1500, 18000), "NO ANSWER": (14000, 46000), "BUSY": (400, 3000)}
FAILING = (120, 1500)
SUMMER_TIME_ENDS_MS = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()) * 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A number in the hands of one account for a while; account "" is nobody's."""

    account: str
    name: str
    number: str
    held_from: date
    held_to: date
    business: bool
    switch: str


@dataclass(frozen=True, slots=True)
class Place:
    """A location of the catalogue, with (leading digits, how many more) of reserved numbers."""

    code: str
    ranges: tuple[tuple[str, int], ...]

    def number(self, chance: Chance) -> str:
        """One of its numbers in E.164 without "+" (or an extension)."""
        digits, more = chance.pick(self.ranges)
        return digits + (f"{chance.below(10**more):0{more}}" if more else "")


@dataclass(frozen=True, slots=True)
class Course:
    """How an attempt to call went; times in milliseconds since 1970 UTC."""

    start_ms: int
    answer_ms: int
    end_ms: int
    outcome: str

    @property
    def answered(self) -> bool:
        """Whether anybody took the call."""
        return self.outcome == "ANSWERED"


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt to call somebody; `kind` as in expected.toml."""

    line: Line
    place: Place
    called: str
    course: Course
    kind: str

    @property
    def dialled(self) -> str:
        """The called number as somebody in Britain dials it."""
        return self.called if self.place.code == "internal" else dialled(self.called)


def dialled(number: str) -> str:
    """A number in E.164 without "+" as somebody in Britain dials it."""
    return f"0{number[2:]}" if number.startswith("44") else f"00{number}"


def talk_seconds(chance: Chance) -> int:
    """How long people talk: at least two seconds, mostly a minute or two, at times an hour."""
    drawn = chance.below(1000)
    for (low, shortest), (high, longest) in pairwise(LENGTHS):
        if drawn < high:
            return shortest + (longest - shortest) * (drawn - low) // (high - low)
    raise AssertionError


def course(chance: Chance, start_ms: int, outcome: str, talk: int) -> Course:
    """What became of a call that began at start_ms; `talk` seconds count only if answered."""
    least, spread = RINGING.get(outcome, FAILING)
    answer_ms = start_ms + least + chance.below(spread)
    end_ms = answer_ms + talk * 1000 + chance.below(1000)
    return Course(start_ms, answer_ms, end_ms if outcome == "ANSWERED" else answer_ms, outcome)


def outside(line: Line, place: Place, called: str, went: Course) -> Call:
    """An ordinary call out of the house."""
    return Call(line, place, called, went, "rateable" if went.answered else "not_answered")


def planted(
    chance: Chance, kind: str, line: Line, place: Place
) -> Callable[[datetime, int], Call]:
    """Calls of one kind that are answered: give the instant and the seconds of talk."""

    def call(start: datetime, talk: int) -> Call:
        start_ms = int(start.timestamp()) * 1000 + chance.below(1000)
        went = course(chance, start_ms, "ANSWERED", talk)
        return Call(line, place, place.number(chance), went, kind)

    return call


def local(at_ms: int) -> datetime:
    """The wall clock in London from 2026-03-29 to 2027-03-28, as a naive datetime."""
    shift = timedelta(hours=1 if at_ms < SUMMER_TIME_ENDS_MS else 0)
    return datetime.fromtimestamp(at_ms // 1000, UTC).replace(tzinfo=None) + shift
