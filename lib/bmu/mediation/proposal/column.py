"""What a column of a sample seems to hold: told by its name, in English or as switches have it, and by its texts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from bmu.mediation.clock import LocalClock
from bmu.mediation.directives import Directives
from bmu.mediation.profile import Measure
from bmu.mediation.reject import UnreadError
from bmu.mediation.transform import Clock


class Role(Enum):
    """What a column may be of a call."""

    ID = "what tells a call from others"
    CALLER = "who called"
    CALLED = "who was called"
    ANSWERED = "when it was answered"
    BEGAN = "when it began"
    ENDED = "when it ended"
    BILLED = "how long it is charged for"
    LASTED = "how long it lasted"
    RESULT = "what became of it"
    DIRECTION = "which way it went"


# Words of a name, the surest first; a name is cut where letters and digits, or small and capital letters, meet.
WORDS: Mapping[Role, tuple[str, ...]] = {
    Role.ID: (
        *(
            "uuid",
            "uniqueid",
            "unique id",
            "call id",
            "callid",
            "cdr id",
            "record id",
            "session id",
        ),
        *("global call id", "correlation id", "reference", "icid", "sequence", "id"),
    ),
    Role.CALLER: (
        *(
            "calling number",
            "calling party number",
            "calling party",
            "calling",
            "caller id number",
        ),
        *(
            "caller number",
            "caller",
            "a number",
            "anumber",
            "source number",
            "orig number",
            "from",
        ),
        *(
            "originating number",
            "originator",
            "originating",
            "ani",
            "cli",
            "src",
            "source",
            "a party",
        ),
    ),
    Role.CALLED: (
        *("final called party number", "called number", "called party number", "called party"),
        *("called", "callee", "destination number", "dialed number", "dialled number", "b number"),
        *(
            "bnumber",
            "dialed",
            "dialled",
            "dnis",
            "destination",
            "terminating number",
            "to",
            "dst",
        ),
        *("dest", "recipient", "b party", "terminating"),
    ),
    Role.ANSWERED: (
        *(
            "answer time",
            "answered",
            "answer stamp",
            "answer",
            "connect time",
            "connect",
            "connected",
        ),
        *("date time connect", "pick up"),
    ),
    Role.BEGAN: (
        *(
            "start time",
            "start stamp",
            "start",
            "started",
            "setup time",
            "setup",
            "begin",
            "began",
        ),
        *(
            "date time",
            "datetime",
            "timestamp",
            "call date",
            "calldate",
            "origination",
            "date",
            "time",
        ),
    ),
    Role.ENDED: (
        *("end time", "end stamp", "end", "ended", "disconnect", "release", "hangup time", "stop"),
    ),
    Role.BILLED: (
        *("billsec", "bill sec", "billable seconds", "billable", "billed", "charged", "talk time"),
        *("talk", "conversation", "chargeable"),
    ),
    Role.LASTED: ("duration", "dur", "seconds", "secs", "length", "call length", "sec", "minutes"),
    Role.RESULT: (
        *("disposition", "call status", "status", "result", "answer indicator", "hangup cause"),
        *("release cause", "cause", "outcome"),
    ),
    Role.DIRECTION: ("direction", "call direction", "dir", "in out", "inbound outbound", "flow"),
}
FORMATS = (
    *(
        "%Y-%m-%dT%H:%M:%S.%f%z",
        "%Y-%m-%dT%H:%M:%S%z",
        "%Y-%m-%dT%H:%M:%S.%f",
        "%Y-%m-%dT%H:%M:%S",
    ),
    *(
        "%Y-%m-%d %H:%M:%S.%f%z",
        "%Y-%m-%d %H:%M:%S%z",
        "%Y-%m-%d %H:%M:%S %z",
        "%Y-%m-%d %H:%M:%S.%f",
    ),
    *(
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y/%m/%d %H:%M:%S",
        "%Y/%m/%d %H:%M",
        "%Y.%m.%d %H:%M:%S",
    ),
    *(
        "%d.%m.%Y %H:%M:%S",
        "%d.%m.%Y %H:%M",
        "%d/%m/%Y %H:%M:%S",
        "%m/%d/%Y %H:%M:%S",
        "%d/%m/%Y %H:%M",
    ),
    *("%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p"),
    *(
        "%d/%m/%Y %I:%M %p",
        "%d-%m-%Y %H:%M:%S",
        "%m-%d-%Y %H:%M:%S",
        "%d-%m-%Y %H:%M",
        "%d/%m/%y %H:%M:%S",
    ),
    *(
        "%m/%d/%y %H:%M:%S",
        "%d/%m/%y %H:%M",
        "%m/%d/%y %H:%M",
        "%d %b %Y %H:%M:%S",
        "%d-%b-%Y %H:%M:%S",
    ),
    *(
        "%b %d %Y %H:%M:%S",
        "%a %b %d %H:%M:%S %Y",
        "%d %B %Y %H:%M:%S",
        "%Y%m%d%H%M%S",
        "%Y%m%d %H%M%S",
    ),
    *(
        "%Y%m%d %H:%M:%S",
        "%Y%m%dT%H%M%S",
        "%Y%m%d%H%M%S%z",
        "%H:%M:%S %d/%m/%Y",
        "%d.%m.%y %H:%M:%S",
    ),
)
DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d", "%d-%m-%Y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%Y", "%d %b %Y")  # fmt: skip
_TIMES = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S.%f", "%H%M%S")
DAYS_AND_TIMES = tuple(f"{day} {time}" for day in DAYS for time in _TIMES)

_CUT = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_NUMBER = re.compile(
    r"\+?[0-9*#][0-9 ()*#./-]{1,30}|sips?:.+|tel:.+|anonymous|unknown", re.IGNORECASE
)
_ID = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9._:@/+=-]{3,}")
_EPOCHS = {10: Clock.EPOCH, 13: Clock.EPOCH_MS, 16: Clock.EPOCH_US}
_LENGTH = re.compile(r"(?:[0-9]{1,4}:)?[0-9]{1,3}:[0-9]{2}(?:\.[0-9]+)?")
_FIGURE = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Written:
    """
    How the times of a column are written.

    Shapes:
        directives: of WRITTEN; *others*: those that would do as well, of which they were chosen.
    """

    clock: Clock
    directives: str = ""
    others: tuple[str, ...] = ()


def words_of(name: str) -> str:
    """Give the words of a column's name in small letters: ``callingPartyNumber`` and ``CALLING-PARTY_NUMBER`` alike."""
    return " ".join(_CUT.findall(name)).lower()


def rank(name: str, role: Role) -> int | None:
    """Tell how surely a name says what a column is, 0 the surest; nothing where it does not."""
    words = f" {words_of(name)} "
    for place, wanted in enumerate(WORDS[role]):
        if words.strip() == wanted or words.replace(" ", "") == wanted.replace(" ", ""):
            return place
    for place, wanted in enumerate(WORDS[role]):
        if f" {wanted} " in words:
            return 100 + place
    return None


def written(texts: Sequence[str], formats: Sequence[str] = FORMATS) -> Written | None:
    """Tell how all of these texts are times; nothing where they are none."""
    if not texts:
        return None
    # From 2001 to 2033, so that telephone numbers are not taken for times.
    if all(text.isdecimal() and text[0] == "1" and len(text) in _EPOCHS for text in texts):
        lengths = {len(text) for text in texts}
        return Written(_EPOCHS[lengths.pop()]) if len(lengths) == 1 else None
    if all(re.fullmatch(r"1[0-9]{9}\.[0-9]{1,9}", text) for text in texts):
        return Written(Clock.EPOCH)
    fits = [each for each in formats if _all_read(each, texts)]
    if not fits:
        return None
    # Of two ways only those that are read as other days are really two.
    others = tuple(each for each in fits[1:] if _walls(each, texts) != _walls(fits[0], texts))
    if fits[0] == "%Y-%m-%d %H:%M:%S":
        return Written(Clock.LOCAL)
    return Written(Clock.WRITTEN, fits[0], others)


def are_hours(texts: Sequence[str]) -> bool:
    """Tell whether all of these texts are times of a day."""
    return written([f"2026-08-03 {text}" for text in texts], DAYS_AND_TIMES) is not None


def _all_read(directives: str, texts: Sequence[str]) -> bool:
    clock, read = LocalClock("UTC"), Directives(directives).read
    for text in texts:
        found = read(text)
        try:
            if found is None or clock.at(found.wall, "") < 0:
                return False
        except UnreadError:
            return False
    return True


def _walls(directives: str, texts: Sequence[str]) -> list[str]:
    read = Directives(directives).read
    return [found.wall for text in texts if (found := read(text)) is not None]


def measure_of(name: str, texts: Sequence[str]) -> Measure | None:
    """Tell in what these texts count a time; nothing where they do not."""
    if texts and all(_LENGTH.fullmatch(text) for text in texts):
        return Measure.CLOCK
    if not texts or not all(_FIGURE.fullmatch(text) for text in texts):
        return None
    words = words_of(name).split()
    if {"ms", "msec", "millis", "milliseconds", "msecs"} & {*words}:
        return Measure.MS
    return Measure.MIN if {"min", "mins", "minutes"} & {*words} else Measure.S


def are_numbers(texts: Sequence[str]) -> bool:
    """Tell whether most of these texts may be telephone numbers."""
    return bool(texts) and sum(_NUMBER.fullmatch(text) is not None for text in texts) * 2 > len(
        texts
    )


def are_ids(texts: Sequence[str]) -> bool:
    """Tell whether all of these texts are letters and figures as an id has them: neither words, numbers nor times."""
    return (
        bool(texts)
        and all(_ID.fullmatch(text) for text in texts)
        and not are_numbers(texts)
        and written(texts, (*FORMATS, *DAYS)) is None
    )
