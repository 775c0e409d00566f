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
    Role,
    are_ids,
    are_numbers,
    measure_of,
    rank,
)
from bmu.mediation.proposal.columns import Columns, Doubts
from bmu.mediation.proposal.dialect import Sample, sample_of
from bmu.mediation.proposal.times import MOMENTS, Times, doubt_unused, times_of
from bmu.mediation.reject import shown
from bmu.mediation.transform import Form, Instant

OCTETS_MAX = 1 << 18
DIRECTIONS_MAX = 6
# So many figures that follow each other are no chance.
COUNTED_ROWS = 3
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
        doubts: what is to be looked at; *gaps*: what of it could not be told at all, and must be put in by hand.
    """

    profile: Profile
    document: str
    doubts: tuple[str, ...]
    gaps: tuple[str, ...]


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
    found = Columns(sample)
    doubts = Doubts()
    profile = _profile(sample, found, code, doubts)
    if transcoded:
        profile = replace(profile, decoding=Decoding(Format.TEXT, (("encoding", "utf-16"),)))
    head = _comments(sample, found, doubts.told)
    return Proposal(
        profile,
        "".join(f"# {line}".rstrip() + "\n" for line in head) + "\n" + document_of(profile),
        tuple(doubts.told),
        tuple(doubts.gaps),
    )


def _profile(sample: Sample, found: Columns, code: str, doubts: Doubts) -> Profile:
    times = times_of(found, doubts)
    quantity, measure = _quantity(found, doubts)
    caller = _number(found, Role.CALLER, doubts)
    called = _number(found, Role.CALLED, doubts)
    identities = _identities(found, doubts, times, caller, called, quantity)
    doubt_unused(found, times, doubts)
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


def _is_used(name: str, found: Columns, identities: tuple[tuple[str, ...], ...]) -> bool:
    return name in found.said or any(name in names for names in identities)


def _quantity(found: Columns, doubts: Doubts) -> tuple[str, Measure]:
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
            name
            for name, way in fits.items()
            if way is Measure.CLOCK and name not in found.said and not _is_moment(name)
        ]
        field = clocks[0] if clocks else None
    if field is None:
        doubts.gap(
            "quantity: no column holds a duration that is known: name it, with its measure; until then each row is one"
        )
        return "", Measure.COUNT
    if billed is None:
        found.said[field] = Role.LASTED.value
        doubts.guess(
            f"quantity: {field} may count from the ringing on; where another column has the time talked, take that"
        )
    return field, fits[field]


def _number(found: Columns, role: Role, doubts: Doubts) -> str:
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
    doubt = f"{place}: no name of a column says {role.value}; {field} is a guess"
    (doubts.guess if left else doubts.gap)(doubt)
    return field


def _identities(
    found: Columns, doubts: Doubts, times: Times, caller: str, called: str, quantity: str
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
            doubts.guess(
                f"identities: {field} is taken for an id that never comes again; one row tells nothing"
            )
        return ((field,),)
    looking = next((name for name in found.names if _looks_unique(found, name)), None)
    if looking is not None:
        found.said[looking] = f"{Role.ID.value}, a guess by its texts"
        doubts.guess(
            f"identities: no column is named as an id; {looking} looks like one: it never repeats in the sample"
        )
        return ((looking,),)
    known = (times.field, *filter(None, (times.time_field, caller, called, quantity)))
    doubts.guess(
        f"identities: no column is an id; calls are told apart by {', '.join(known)}, so two alike count once"
    )
    return (tuple(dict.fromkeys(known)),)


def _is_moment(name: str) -> bool:
    return any(rank(name, role) is not None for role in MOMENTS)


def _looks_unique(found: Columns, name: str) -> bool:
    """Tell whether a column that was taken for nothing else may be an id, though no name says so."""
    texts = found.texts[name]
    if name in found.said or len(texts) < found.rows or len({*texts}) < max(found.rows, 2):
        return False
    if are_ids(texts):
        return True
    # Figures are of anything, but for those that count on.
    if found.rows < COUNTED_ROWS or not all(text.isdecimal() for text in texts):
        return False
    return [int(text) for text in texts] == [*range(int(texts[0]), int(texts[0]) + len(texts))]


def _doubt_direction(found: Columns, doubts: Doubts) -> None:
    """Tell of calls that may be another's to pay."""
    field = found.best(Role.DIRECTION, [name for name in found.names if name not in found.said])
    if field is not None:
        ways = map(shown, sorted({*found.texts[field]})[:DIRECTIONS_MAX])
        doubts.guess(
            f"filter: {field} says {', '.join(ways)}; whichever it says, who called is charged: drop the rows that are nobody's"
        )


def _filters(found: Columns, quantity: str, measure: Measure) -> Iterator[Filter]:
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


def _comments(sample: Sample, found: Columns, doubts: Sequence[str]) -> Iterator[str]:
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
