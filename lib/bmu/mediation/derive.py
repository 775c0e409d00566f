"""Derived fields, made quick: what each transform makes of the fields of a row."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from bmu.mediation.clock import SECOND_US, WrittenClock, clock_of
from bmu.mediation.formula import computer
from bmu.mediation.number import Numbers, as_it_stands
from bmu.mediation.profile import Derived, Table
from bmu.mediation.reject import UnreadError
from bmu.mediation.sieve import Holds, all_hold
from bmu.mediation.template import Make
from bmu.mediation.texts import text_maker
from bmu.mediation.transform import Form, Formula, Instant, Normalise, Time


class Step(NamedTuple):
    """One derived field: its place, what makes it, and when; always where there is no condition."""

    place: int
    make: Make
    when: Holds | None


class Means(NamedTuple):
    """
    What transforms are made with.

    Shapes:
        places: of all fields, derived ones as well.
        zone: the time zone of the source.
    """

    places: Mapping[str, int]
    tables: Mapping[str, Table]
    numbers: Numbers
    zone: str


def steps_of(derived: Sequence[Derived], means: Means) -> Iterator[Step]:
    """Give the steps that derive fields, in their order."""
    for each in derived:
        place = means.places[each.field]
        yield Step(place, make_of(each, means), all_hold(each.conditions, means.places))


def derive(steps: Sequence[Step], fields: list[str]) -> None:
    """
    Make the derived fields of a row.

    Errors:
        UnreadError: one can't be made.
    """
    for place, make, when in steps:
        if when is None or when(fields):
            fields[place] = make(fields)


def make_of(derived: Derived, means: Means) -> Make:
    """Give what makes the field; it raises UnreadError where it can't."""
    make = derived.make
    match make:
        case Formula():
            return computer(make, means.places)
        case Time(at):
            return _time(at, means)
        case Normalise():
            return _normalise(make, means)
        case _:
            return text_maker(make, means.places, means.tables)


def reader_of_instant(instant: Instant, means: Means) -> Callable[[Sequence[str]], int]:
    """Give what reads an instant of a row; it raises UnreadError, with the name of the field in front."""
    clock = clock_of(instant, means.zone)
    place = means.places[instant.field]
    hint = -1 if instant.not_before is None else means.places[instant.not_before]
    time_place = -1 if instant.time_field is None else means.places[instant.time_field]
    zone_place = -1 if instant.zone_field is None else means.places[instant.zone_field]

    def read(fields: Sequence[str]) -> int:
        text = fields[place]
        if time_place >= 0:
            text = f"{text} {fields[time_place]}"
        not_before = "" if hint < 0 else fields[hint]
        try:
            if isinstance(clock, WrittenClock) and zone_place >= 0:
                return clock.within(text, not_before, fields[zone_place])
            return clock.at(text, not_before)
        except UnreadError as error:
            raise UnreadError(error.reason, f"{instant.field}: {error.detail}") from None

    return read


def _time(at: Instant, means: Means) -> Make:
    read, place = reader_of_instant(at, means), means.places[at.field]

    def made(fields: Sequence[str]) -> str:
        return seconds_text(read(fields)) if fields[place] else ""

    return made


def seconds_text(us: int) -> str:
    """Write an instant as seconds since 1970-01-01 UTC, with as many decimals as it has."""
    seconds, rest = divmod(abs(us), SECOND_US)
    text = f"{seconds}.{rest:06}".rstrip("0") if rest else str(seconds)
    return f"-{text}" if us < 0 else text


def _normalise(normalise: Normalise, means: Means) -> Make:
    place = means.places[normalise.of]
    read = number_reader(normalise.form, means.numbers)

    def made(fields: Sequence[str]) -> str:
        text = fields[place]
        return read(text) if text else ""

    return made


def number_reader(form: Form, numbers: Numbers) -> Callable[[str], str]:
    """Give what reads an identifier of a form; it raises UnreadError for an empty text, and for what is none."""
    match form:
        case Form.NUMBER:
            return numbers.read
        case Form.CALLED:
            return numbers.read_called
        case Form.TEXT:
            return as_it_stands
