"""Bad files of a switch, made up by a seed: what is in them, and what must become of each line."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import usage_world as world
from usage_world import AWAY, HOME, MONDAY_NOON, UNPRICED, call

STRANGER = 400
EVENTS_MAX = 9
# Usage of other years waits for a person.
YEARS = range(2010, 2030)


@dataclass(frozen=True, slots=True)
class Event:
    """A call as the switch knows it; *customer* may be nobody's number."""

    unique: str
    customer: int
    called: str
    seconds: int
    answered: datetime

    @property
    def record(self) -> bytes:
        """The record of it."""
        return call(self.unique, self.customer, self.called, self.seconds, self.answered).encode()


@dataclass(frozen=True, slots=True)
class Line:
    """A line as written, and the call it tells of; *reason*: why it tells of none."""

    octets: bytes
    event: Event | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file as handed in; *kind* says what is the matter with it."""

    kind: str
    lines: tuple[Line, ...]
    ends: bytes = b"\n"
    is_ended: bool = True

    @property
    def octets(self) -> bytes:
        """What is in it."""
        written = self.ends.join(line.octets for line in self.lines)
        return written + self.ends if self.is_ended and self.lines else written


@dataclass
class Truth:
    """
    What must be on the books, told from the lines alone and knowing nothing of how they are worked.

    Shapes:
        claimed: the record that came first, by the switch's id of the call.
        charged: customer, seconds, seconds paid for, pence times 10^9.
    """

    customers: int
    claimed: dict[str, bytes] = field(default_factory=dict)
    left: dict[int, int] = field(default_factory=dict)
    charged: list[tuple[int, int, int, int]] = field(default_factory=list)

    def verdicts(self, file: File) -> list[tuple[str, str]]:
        """Say what becomes of each line of a file that comes next."""
        return [self._verdict(line) for line in file.lines]

    def _verdict(self, line: Line) -> tuple[str, str]:
        event = line.event
        if event is None:
            return "REJECTED", line.reason
        first = self.claimed.get(event.unique)
        if first is not None:
            return ("DUPLICATE", "REPEATED") if first == line.octets else ("SUSPENDED", "CONFLICT")
        self.claimed[event.unique] = line.octets
        if event.answered.year not in YEARS:
            return "SUSPENDED", "OUT_OF_WINDOW"
        if event.customer > self.customers:
            return "SUSPENDED", "NO_UID"
        if event.called == UNPRICED:
            return "SUSPENDED", "NO_RATE"
        self._charge(event)
        return "NEW", ""

    def _charge(self, event: Event) -> None:
        left = self.left.setdefault(event.customer, world.ALLOWANCE)
        covered = min(left, event.seconds) if event.called == HOME else 0
        self.left[event.customer] = left - covered
        paid = event.seconds - covered
        amount = paid * world.PRICES[event.called[:2]] * 10**9 // 60
        self.charged.append((event.customer, event.seconds, paid, amount))


class Writer:
    """Writes files, each kind of bad one in its turn, from what it wrote before and what is new."""

    def __init__(self, seed: int, customers: int) -> None:
        self._random = random.Random(seed)
        self._customers = customers
        self._calls = 0
        self._written: list[File] = []
        self._whole = File("whole at last", ())

    def files(self, count: int) -> Iterator[File]:
        """Write that many, no two of the same octets unless that is what is the matter."""
        kinds: tuple[Callable[[], File], ...] = (
            self.sound,
            self.overlapping,
            self.grown,
            self.shuffled,
            self.cut,
            self.whole_at_last,
            self.conflicting,
            self.out_of_time,
            self.unreadable,
            self.binary,
            self.hundred_columns,
            self.of_another_encoding,
            self.with_other_line_ends,
            self.of_strangers,
            self.under_another_name,
        )
        for n in range(count):
            file = kinds[n % len(kinds)]()
            self._written.append(file)
            yield file

    def sound(self) -> File:
        """A file with nothing the matter."""
        return File("sound", self._fresh())

    def overlapping(self) -> File:
        """Some lines of an earlier file, among new ones; one of them twice."""
        before = [line for line in self._earlier().lines if self._random.random() < 0.6]
        lines = [*before, *self._fresh(), *before[:1]]
        self._random.shuffle(lines)
        return File("overlapping", tuple(lines))

    def grown(self) -> File:
        """An earlier file with more behind it."""
        earlier = self._earlier()
        return File("grown", (*earlier.lines, *self._fresh()), earlier.ends)

    def shuffled(self) -> File:
        """An earlier file out of order, with one line more so that it is another."""
        lines = [*self._earlier().lines, *self._fresh(1)]
        self._random.shuffle(lines)
        return File("shuffled", tuple(lines))

    def cut(self) -> File:
        """A file that ends within a record."""
        self._whole = File("whole at last", self._fresh())
        *lines, last = self._whole.lines
        part = last.octets[: self._random.randrange(1, 60)]
        return File("cut", (*lines, Line(part, reason="MALFORMED_LINE")), is_ended=False)

    def whole_at_last(self) -> File:
        """The file that came cut before."""
        return self._whole

    def conflicting(self) -> File:
        """Records of calls that were told of before, and now otherwise."""
        lines = list(self._fresh(2))
        for line in self._earlier().lines:
            if line.event is not None:
                event = line.event
                other = Event(
                    event.unique, event.customer, event.called, event.seconds + 1, event.answered
                )
                lines.append(Line(other.record, other))
        return File("conflicting", tuple(lines))

    def out_of_time(self) -> File:
        """Calls of another century, and of years to come."""
        when = self._random.choice(
            (datetime(2001, 5, 6, tzinfo=UTC), datetime(2090, 5, 6, tzinfo=UTC))
        )
        odd = [self._event(answered=when) for _ in range(2)]
        return File("out of time", (*(Line(e.record, e) for e in odd), *self._fresh()))

    def unreadable(self) -> File:
        """One record for each way of being unreadable, among good ones."""
        lines = [self._broken(how) for how in BROKEN]
        lines += self._fresh(3)
        self._random.shuffle(lines)
        return File("unreadable", tuple(lines))

    def binary(self) -> File:
        """Octets of something else in a text feed."""
        lines = [*self._fresh(2)]
        for _ in range(4):
            octets = self._random.randbytes(self._random.randrange(1, 300)).replace(b"\n", b"")
            # Octets that are no text, whatever else they are.
            lines.append(Line(b"\xff\x00" + octets, reason="BAD_ENCODING"))
        self._random.shuffle(lines)
        return File("binary", tuple(lines))

    def hundred_columns(self) -> File:
        """Lines of a hundred columns of nothing."""
        columns = [self._random.choice(("", "0", "x", '"y"', "-1")) for _ in range(100)]
        odd = Line(",".join(columns).encode(), reason="MALFORMED_LINE")
        return File("hundred columns", (odd, *self._fresh(), odd))

    def of_another_encoding(self) -> File:
        """A file saved as UTF-16: each line ends in the middle of a character."""
        text = "".join(f"{line.octets.decode()}\n" for line in self._fresh(3))
        # The mark ahead is no UTF-8; later pieces are, NULs and all, but no record.
        pieces = text.encode("utf-16").split(b"\n")
        reasons = ["BAD_ENCODING", *["MALFORMED_LINE"] * (len(pieces) - 1)]
        lines = [Line(piece, reason=why) for piece, why in zip(pieces, reasons, strict=True)]
        return File("of another encoding", tuple(lines), is_ended=False)

    def with_other_line_ends(self) -> File:
        """A file of another system: CR LF, empty lines, and no end of the last."""
        empty = Line(b"", reason="MALFORMED_LINE")
        earlier = [line for line in self._earlier().lines if line.event is not None]
        lines = (*self._fresh(2), empty, *earlier, *self._fresh(2))
        return File("with other line ends", lines, b"\r\n", is_ended=False)

    def of_strangers(self) -> File:
        """Calls of numbers that nobody holds, and to places without a price."""
        odd = [self._event(customer=STRANGER), self._event(called=UNPRICED)]
        return File("of strangers", (*(Line(e.record, e) for e in odd), *self._fresh(2)))

    def under_another_name(self) -> File:
        """The very octets of an earlier file."""
        return self._earlier()

    def _earlier(self) -> File:
        return self._random.choice(self._written) if self._written else self.sound()

    def _fresh(self, count: int = 0) -> tuple[Line, ...]:
        count = count or self._random.randrange(2, EVENTS_MAX)
        events = [self._event() for _ in range(count)]
        return tuple(Line(event.record, event) for event in events)

    def _event(
        self, customer: int = 0, called: str = "", answered: datetime | None = None
    ) -> Event:
        self._calls += 1
        return Event(
            unique=f"9.{self._calls}",
            customer=customer or self._random.randrange(1, self._customers + 1),
            called=called or self._random.choice((HOME, HOME, AWAY)),
            seconds=self._random.randrange(1, 90),
            answered=answered or MONDAY_NOON + timedelta(seconds=self._random.randrange(900_000)),
        )

    def _broken(self, how: str) -> Line:
        event = self._event()
        pieces = event.record.decode().split(",")
        place, text = BROKEN[how]
        pieces[place] = text
        return Line(",".join(pieces).encode(), reason=how.partition(":")[0])


# Which piece of a record between two commas (its ninth field holds two more) is written as what.
BROKEN = {
    "BAD_TIME:no such day": (11, '"2026-02-30 10:00:00"'),
    "BAD_TIME:no time": (12, '"yesterday"'),
    "BAD_QUANTITY:words": (15, "soon"),
    "BAD_QUANTITY:less than nothing": (15, "-5"),
    "MISSING_FIELD:nobody called": (1, '""'),
    "MISSING_FIELD:called nobody": (2, '""'),
    "MISSING_FIELD:no time": (12, '""'),
    "MALFORMED_LINE:a quote": (4, '"x"y"'),
    "FILTERED:busy": (16, '"BUSY"'),
    "FILTERED:no second": (15, "0"),
}
