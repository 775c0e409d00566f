"""The proposed profile: what each column is taken for, what that makes of a row, and all that is uncertain about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bmu.mediation.document import document_of
from bmu.mediation.layout import Delimited
from bmu.mediation.profile import (
    Condition,
    Decoding,
    Filter,
    Format,
    Identifier,
    Match,
    Measure,
    Profile,
)
from bmu.mediation.proposal.column import (
    DAYS,
    DAYS_AND_TIMES,
    Role,
    Written,
    are_numbers,
    measure_of,
    rank,
    written,
)
from bmu.mediation.proposal.dialect import Sample, sample_of
from bmu.mediation.reject import shown
from bmu.mediation.transform import Clock, Form, Instant

OCTETS_MAX = 1 << 18
DIRECTIONS_MAX = 6
_TIMES = (Role.ANSWERED, Role.BEGAN, Role.ENDED)
ANSWERED = (
    "ANSWERED",
    "ANSWER",
    "OK",
    "COMPLETED",
    "SUCCESS",
    "NORMAL_CLEARING",
    "CONNECTED",
    "200",
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """
    A proposed profile.

    Shapes:
        document: as people go on with it, the guesses in comments at its head.
        doubts: what could not be told, and must be put in by hand.
    """

    profile: Profile
    document: str
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """Where the time of a call stands: in a column, or its day in one and its hour in another."""

    field: str
    time_field: str | None
    written: Written


class _Columns:
    """The columns of a sample by name, with their texts that are not empty, and what they were taken for."""

    def __init__(self, sample: Sample) -> None:
        count = len(sample.heading) or len(sample.rows[0])
        named = [" ".join(name.split()) for name in sample.heading] or [""] * count
        self.names = [_plain(name) or f"c{n}" for n, name in enumerate(named, 1)]
        self.texts = {
            name: [row[n] for row in sample.rows if row[n].strip()]
            for n, name in enumerate(self.names)
        }
        self.rows = len(sample.rows)
        self.said: dict[str, str] = {}

    def best(self, role: Role, fits: "Sequence[str]") -> str | None:
        """Give the column whose name says the surest that it has a role, of those that it may be."""
        ranked = [(found, name) for name in fits if (found := rank(name, role)) is not None]
        ranked = [each for each in ranked if each[1] not in self.said]
        if not ranked:
            return None
        name = min(ranked, key=lambda each: each[0])[1]
        self.said[name] = role.value
        return name


def propose(octets: bytes, code: str) -> Proposal | str:
    """
    Propose a profile for a file of calls.

    Shapes:
        octets: its beginning, OCTETS_MAX are enough.
        Result: a profile without faults; or why none can be proposed.
    """
    transcoded = octets[:2] in {b"\xff\xfe", b"\xfe\xff"}
    if transcoded:
        octets = octets[: len(octets) // 2 * 2].decode("utf-16", "replace").encode()
    elif b"\0" in octets[:4096]:
        return "it is no text: look whether there is a ready profile for what wrote it"
    sample = sample_of(octets)
    if sample is None or not sample.rows:
        return "it has no rows of columns between , ; | or tabs: describe its layout by hand"
    found = _Columns(sample)
    doubts: list[str] = []
    profile = _profile(sample, found, code, doubts)
    if transcoded:
        profile = replace(profile, decoding=Decoding(Format.TEXT, (("encoding", "utf-16"),)))
    head = _comments(sample, found, doubts)
    return Proposal(
        profile,
        "".join(f"# {line}".rstrip() + "\n" for line in head) + "\n" + document_of(profile),
        tuple(doubts),
    )


def _profile(sample: Sample, found: _Columns, code: str, doubts: list[str]) -> Profile:
    times = _times(found, doubts)
    quantity, measure = _quantity(found, doubts)
    caller = _number(found, Role.CALLER, doubts)
    called = _number(found, Role.CALLED, doubts)
    identities = _identities(found, doubts, times, caller, called, quantity)
    _doubt_direction(found, doubts)
    filters = tuple(_filters(found, quantity, measure))
    clock = times.written
    return Profile(
        code=code,
        name=f"{code}: proposed from a sample, look it over",
        encoding=sample.encoding,
        layout=Delimited(
            sample.quoting,
            widths=() if sample.heading else (len(found.names),),
            delimiter=sample.delimiter,
            heading=bool(sample.heading),
            skipped=sample.skipped,
            comment=sample.comment,
        ),
        fields=tuple(
            name for name in found.names if not sample.heading or _is_used(name, found, identities)
        ),
        identities=identities,
        uids=(Identifier("phone", caller, Form.NUMBER),),
        usage_class="voice",
        started=Instant(
            times.field, clock.clock, written=clock.directives, time_field=times.time_field
        ),
        quantity=quantity,
        measure=measure,
        origin=caller,
        destination=called,
        filters=filters,
    )


def _is_used(name: str, found: _Columns, identities: tuple[tuple[str, ...], ...]) -> bool:
    return name in found.said or any(name in names for names in identities)


def _times(found: _Columns, doubts: list[str]) -> Times:
    """Find when a call began: when it was answered, if that is told."""
    ways = {name: way for name in found.names if (way := written(found.texts[name])) is not None}
    told = [name for name in ways if any(rank(name, role) is not None for role in _TIMES)]
    fits = told or [name for name in ways if len(found.texts[name]) == found.rows]
    ended = found.best(Role.ENDED, fits)
    field = found.best(Role.ANSWERED, fits) or found.best(Role.BEGAN, fits)
    if field is None:
        field = next((name for name in fits if name != ended and name not in found.said), None)
        if field is not None:
            found.said[field] = Role.BEGAN.value
    if field is not None:
        # What one column leaves open, another may tell.
        every = [text for name in told for text in found.texts[name]]
        way = (written(every) if ways[field].others else None) or ways[field]
        _doubt_ways(field, way, doubts)
        return Times(field, None, way)
    two = _day_and_time(found)
    if two is not None:
        _doubt_ways(two.field, two.written, doubts)
        return two
    doubts.append(
        "started: no column holds a time that is known: name it, and how it is written (clock, written)"
    )
    return Times(found.names[0], None, Written(Clock.LOCAL))


def _doubt_ways(field: str, way: Written, doubts: list[str]) -> None:
    if way.others:
        doubts.append(
            f"started.written: {field} may be {way.directives} or {' or '.join(way.others)}: no row tells"
        )


def _day_and_time(found: _Columns) -> Times | None:
    """Find a column of days and one of hours that are a time together."""
    for day in found.names:
        texts = found.texts[day]
        if not texts or (rank(day, Role.BEGAN) is None and written(texts, DAYS) is None):
            continue
        for time in found.names:
            others = found.texts[time]
            if time == day or len(others) != len(texts) or rank(time, Role.ENDED) is not None:
                continue
            joined = [f"{one} {other}" for one, other in zip(texts, others, strict=True)]
            way = written(joined, DAYS_AND_TIMES)
            if way is not None:
                found.said[day] = f"{Role.BEGAN.value}, the day"
                found.said[time] = f"{Role.BEGAN.value}, the hour"
                return Times(
                    day,
                    time,
                    replace(way, clock=Clock.WRITTEN, directives=way.directives or "%F %T"),
                )
    return None


def _quantity(found: _Columns, doubts: list[str]) -> tuple[str, Measure]:
    """Find how long a call is charged for."""
    fits = {
        name: way
        for name in found.names
        if (way := measure_of(name, found.texts[name])) is not None
    }
    billed = found.best(Role.BILLED, [*fits])
    lasted = found.best(Role.LASTED, [*fits])
    field = billed or lasted
    if field is None:
        clocks = [
            name for name, way in fits.items() if way is Measure.CLOCK and name not in found.said
        ]
        field = clocks[0] if clocks else None
    if field is None:
        doubts.append(
            "quantity: no column holds a duration that is known: name it, with its measure; until then each row is one"
        )
        return "", Measure.COUNT
    if billed is None:
        found.said[field] = Role.LASTED.value
        doubts.append(
            f"quantity: {field} may count from the ringing on; where another column has the time talked, take that"
        )
    return field, fits[field]


def _number(found: _Columns, role: Role, doubts: list[str]) -> str:
    """Find who called, or who was called."""
    fits = [name for name in found.names if name not in found.said]
    numbers = [name for name in fits if are_numbers(found.texts[name])]
    field = found.best(role, numbers) or found.best(role, fits)
    if field is not None:
        return field
    place = "uid and origin" if role is Role.CALLER else "destination"
    left = [
        name
        for name in numbers
        if measure_of(name, found.texts[name]) is None or max(map(len, found.texts[name])) > 6
    ]
    left = [name for name in left if rank(name, Role.ID) is None]
    field = left[0] if left else next(iter(fits), found.names[-1])
    found.said[field] = f"{role.value}, a guess by its texts"
    doubts.append(f"{place}: no name of a column says {role.value}; {field} is a guess")
    return field


def _identities(
    found: _Columns, doubts: list[str], times: Times, caller: str, called: str, quantity: str
) -> tuple[tuple[str, ...], ...]:
    """Find what tells a call from all others: an id that no two rows share, else all that is known of it."""
    unique = [
        name
        for name in found.names
        if len({*found.texts[name]}) == len(found.texts[name]) == found.rows
        and rank(name, Role.ID) is not None
    ]
    field = found.best(Role.ID, unique)
    if field is not None:
        if found.rows < 2:
            doubts.append(
                f"identities: {field} is taken for an id that never comes again; one row tells nothing"
            )
        return ((field,),)
    known = (times.field, *filter(None, (times.time_field, caller, called, quantity)))
    doubts.append(
        f"identities: no column is an id; calls are told apart by {', '.join(known)}, so two alike count once"
    )
    return (tuple(dict.fromkeys(known)),)


def _doubt_direction(found: _Columns, doubts: list[str]) -> None:
    """Tell of calls that may be another's to pay."""
    field = found.best(Role.DIRECTION, [name for name in found.names if name not in found.said])
    if field is not None:
        ways = map(shown, sorted({*found.texts[field]})[:DIRECTIONS_MAX])
        doubts.append(
            f"filter: {field} says {', '.join(ways)}; whichever it says, who called is charged: drop the rows that are nobody's"
        )


def _filters(found: _Columns, quantity: str, measure: Measure) -> Iterator[Filter]:
    """Drop calls that were not answered."""
    fits = [name for name in found.names if name not in found.said]
    result = found.best(Role.RESULT, fits)
    if result is not None:
        texts = {*found.texts[result]}
        answered = sorted(text for text in texts if text.upper() in ANSWERED)
        if answered:
            yield Filter("not answered", (Condition(result, Match.IS_NOT, tuple(answered)),))
        else:
            del found.said[result]
    if quantity:
        zeros = (
            ("0", "00:00:00", "0:00", "00:00", "0:00:00")
            if measure is Measure.CLOCK
            else ("0", "0.0", "0.000")
        )
        yield Filter("not answered", (Condition(quantity, Match.IS, zeros),))


def _comments(sample: Sample, found: _Columns, doubts: Sequence[str]) -> Iterator[str]:
    yield "Proposed from a sample. Look over what was guessed, mend it, then: bmuid profile try THIS SAMPLE"
    yield ""
    yield f"Guessed from {found.rows} rows:"
    yield from (f"- {note}" for note in sample.notes)
    yield from (f"- {name}: {said}" for name, said in found.said.items())
    others = [name for name in found.names if name not in found.said]
    if others:
        yield f"- not used: {', '.join(others)}"
    yield "Times without a zone are local ones of the source, numbers are dialled as the source says."
    if doubts:
        yield ""
        yield "To be looked at:"
        yield from (f"- {doubt}" for doubt in doubts)


def _plain(name: str) -> str:
    return "".join(char for char in name if char.isprintable() and char not in '{}"\\')
