"""
The loops over all lines and events of a chunk: plain here, and compiled where there was a compiler.

The compiled forms (_loops.c) decide nothing else, and nothing needs them; tests/store/test_loops.py holds them
to these.
"""

from collections.abc import Callable
from operator import attrgetter, eq
from typing import TYPE_CHECKING

from bmu.mediation import Reject
from bmu.rating import Owner, Rated, Unrated
from bmu.usage import UDR
from bmuid.intake.lines import LINE_OCTETS_MAX
from bmuid.store.days import US_A_DAY

if TYPE_CHECKING:
    from bmuid.intake._loops import Marked

__all__ = [
    "LOOK_CLOSER",
    "Home",
    "Known",
    "Month",
    "by_account",
    "by_day",
    "by_key",
    "new_marked",
    "own",
    "survey",
]

# In place of a part, when a glance does not tell it.
LOOK_CLOSER = -1
# Half a million numbers and their owners take about 150 MiB; a number that was forgotten is found again in a microsecond.
KNOWN_MAX = 500_000

Month = tuple[int, int]
Home = tuple[int, Owner | None]
HomesOf = Callable[[list[bytes]], list[Home]]
Glanced = tuple[list[bytes], list[int], list[Owner | None], list[int], dict[int, bytes]]
OfOneDay = tuple[int, list[UDR], list[Owner], list[Rated]]


class Known:
    """
    The homes of texts, as far as they were asked for.

    A text is what a line's usage identifier is made of. Its home is the part that works its lines, or
    LOOK_CLOSER, and the owner of the identifier if it has only one in all time.
    """

    __slots__ = ("_homes",)

    def __init__(self) -> None:
        self._homes: dict[bytes, Home] = {}

    def glance(
        self,
        lines: list[bytes],
        texts: list[bytes | None],
        first_line: int,
        homes_of: HomesOf,
        part: int,
        /,
    ) -> Glanced:
        """
        Give the lines that a part has to look at: its own, and those whose part a glance does not tell.

        Shapes:
            texts: of the lines, None where a glance finds none; homes_of gives the homes of those that are
                not known, or are known to be of this part, but not whose they are.
            Result: the lines, empty where they are too long; their numbers; their owners, if that is
                one; the numbers of those whose part is not told; those that are too long, by number.
        """
        if len(self._homes) > KNOWN_MAX:
            self._homes.clear()
        known = self._homes.get
        asked = [
            text
            for text in dict.fromkeys(texts)
            if text is not None and known(text, (part, None)) == (part, None)
        ]
        if asked:
            self._homes.update(zip(asked, homes_of(asked), strict=True))
        mine: list[bytes] = []
        line_nos: list[int] = []
        owners: list[Owner | None] = []
        closer: list[int] = []
        cut: dict[int, bytes] = {}
        for line_no, (line, text) in enumerate(zip(lines, texts, strict=True), first_line):
            at, owner = (LOOK_CLOSER, None) if text is None else self._homes[text]
            if at not in (part, LOOK_CLOSER):
                continue
            if at == LOOK_CLOSER:
                closer.append(line_no)
            # Of a line that is too long nothing can be known.
            is_long = len(line) > LINE_OCTETS_MAX
            if is_long:
                cut[line_no] = line
            mine.append(b"" if is_long else line)
            line_nos.append(line_no)
            owners.append(owner)
        return mine, line_nos, owners, closer, cut


def own_plainly(
    taken: list[UDR | Reject],
    owners: list[Owner | None],
    window: tuple[int, int],
    owner_of: Callable[[UDR], Owner | Unrated | None],
    /,
) -> tuple[list[UDR], list[Owner | Unrated], list[Reject]]:
    """
    Give each event its owner.

    Shapes:
        taken, owners: parallel; None is for whoever is not the only one.
        window: when an event may have begun, first and last instant.
        owner_of: gives the owner where anything is odd; None leaves the event out.
        Result: events and their owners, parallel; what is no event.
    """
    oldest, newest = window
    udrs: list[UDR] = []
    found: list[Owner | Unrated] = []
    rejects: list[Reject] = []
    for each, only in zip(taken, owners, strict=True):
        if not isinstance(each, UDR):
            rejects.append(each)
            continue
        began = each.started_us
        owner: Owner | Unrated | None = only
        if only is None or not only.from_us <= began < only.to_us or not oldest <= began <= newest:
            owner = owner_of(each)
        if owner is not None:
            udrs.append(each)
            found.append(owner)
    return udrs, found, rejects


def survey_plainly(
    udrs: list[UDR], owners: list[Owner | Unrated], granted: dict[int, Month], /
) -> tuple[set[int], int, int, list[int]]:
    """
    Tell when the events of known owners began, and for which of them no bucket's month is known.

    Shapes:
        granted: months by service.
        Result: the days; the first and the last instant; the places of those events.
    """
    days: set[int] = set()
    starts: list[int] = []
    due: list[int] = []
    for place, (udr, owner) in enumerate(zip(udrs, owners, strict=True)):
        if isinstance(owner, Owner):
            began = udr.started_us
            starts.append(began)
            days.add(began // US_A_DAY)
            month = granted.get(owner.account_service_id)
            if month is None or not month[0] <= began < month[1]:
                due.append(place)
    return days, min(starts, default=0), max(starts, default=0), due


def by_account_plainly(udrs: list[UDR], owners: list[Owner], /) -> tuple[list[UDR], list[Owner]]:
    """Order events and owners by account; those of one account stay in their order."""
    accounts = [owner.account_id for owner in owners]
    order = sorted(range(len(accounts)), key=accounts.__getitem__)
    return [udrs[place] for place in order], [owners[place] for place in order]


def by_key_plainly(udrs: list[UDR], /) -> tuple[list[UDR], bool]:
    """Order events by event key, those of one key as they came; and tell whether any have the same."""
    ordered = sorted(udrs, key=attrgetter("event_key"))
    keys = [udr.event_key for udr in ordered]
    return ordered, any(map(eq, keys, keys[1:]))


def by_day_plainly(
    udrs: list[UDR], owners: list[Owner], outcomes: list[Rated | Unrated], /
) -> tuple[list[OfOneDay], list[tuple[UDR, Unrated]]]:
    """Give what has a price, day by day as they come; and what has none."""
    days: dict[int, OfOneDay] = {}
    lost: list[tuple[UDR, Unrated]] = []
    for udr, owner, outcome in zip(udrs, owners, outcomes, strict=True):
        if not isinstance(outcome, Rated):
            lost.append((udr, outcome))
            continue
        day = udr.started_us // US_A_DAY
        of_day = days.get(day)
        if of_day is None:
            of_day = days[day] = (day, [], [], [])
        of_day[1].append(udr)
        of_day[2].append(owner)
        of_day[3].append(outcome)
    return list(days.values()), lost


def new_marked() -> "Marked | None":
    """Give the compiled form of Known, which looks at lines where they lie in memory; None without a compiler."""
    try:
        from bmuid.intake._loops import Marked  # noqa: PLC0415
    except ImportError:
        return None
    return Marked()


try:
    from bmuid.intake._loops import by_account, by_day, by_key, own, survey
except ImportError:
    by_account, by_day, by_key = by_account_plainly, by_day_plainly, by_key_plainly
    own, survey = own_plainly, survey_plainly
