"""Single events, one by one as they happen: quoted, or rated and charged at once; by sources and by the staff."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from bmu.mediation.extras import EXTRA_CHARACTERS_MAX, EXTRAS_MAX, is_own_name
from bmu.period import to_us
from bmu.rating import TaxService
from bmuid.intake.events import PHONE, Event
from bmuid.intake.ours import AHEAD_US_MAX
from bmuid.intake.pricing import ALWAYS
from bmuid.operations.accounts_load import NO_CATALOGUE
from bmuid.operations.grammar import ArgumentError, Instant, Integer, Pattern, Text
from bmuid.operations.registry import Actor, DatabaseRole, Operation, Refused, argument
from bmuid.operations.rows import CLERKS, source_asks, staff_changes, staff_reads
from bmuid.operations.sources import CODE
from bmuid.realtime import single
from bmuid.realtime.answers import Conflict, Outcome, Repeated
from bmuid.realtime.counter import EVER_US, Counter
from bmuid.realtime.reference import LookedUp
from bmuid.realtime.single import Answered, NoSource, OverLimit
from bmuid.store import revisions
from bmuid.store.transaction import Transaction

KEY = Text(128)
UID_TYPE = Pattern(r"[a-z0-9_]{1,32}", "a type of usage identifiers, like phone")
NUMBER = Text(64)
CLASS = Text(64)
QUANTITY = Integer(0, 2**62)


@dataclass(frozen=True, slots=True)
class OwnFields:
    """Fields of the company's own, which conditions ask for and prices may be made of."""

    described: str = 'texts by names of your own, like {"trunk": "7", "cost": "0.05"}'

    def parse(self, text: str) -> dict[str, str]:
        """Read a JSON object."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ArgumentError(f"must be {self.described}") from error
        if (
            not isinstance(found, dict)
            or len(found) > EXTRAS_MAX
            or not all(is_own_name(name) and _is_kept(value) for name, value in found.items())
        ):
            raise ArgumentError(f"must be {self.described}")
        return found


def _is_kept(value: object) -> bool:
    return (
        isinstance(value, str) and 0 < len(value) <= EXTRA_CHARACTERS_MAX and value.isprintable()
    )


EXTRAS = OwnFields()

CONFLICT = Refused(
    "CONFLICT", "another event has this key; an event that is not the same needs a key of its own"
)
NO_SOURCE = Refused("NO_SOURCE", "there is no source of that code: bmadmin source add makes one")
BAD_UID_TYPE = Refused("NOT_PERMITTED", "this source may not tell of usage of such identifiers")

_looked_up = LookedUp()


@dataclass(frozen=True, slots=True)
class Told:
    """An event, as its source tells of it."""

    event: str = argument(KEY, "what the source calls the event, and no other event ever")
    class_: str = argument(CLASS, "the code of its usage class")
    uid: str = argument(NUMBER, "the usage identifier that used it")
    started_at: datetime = argument(Instant(), "when it began")
    quantity: int = argument(QUANTITY, "how much it was, in the base unit of its class")
    destination: str | None = argument(NUMBER, "where it went to", optional=True)
    origin: str | None = argument(NUMBER, "where it came from; a number that calls", optional=True)
    uid_type: str | None = argument(UID_TYPE, "what identifier it is; else phone", optional=True)
    extras: Mapping[str, str] | None = argument(EXTRAS, "fields of its own", optional=True)


@dataclass(frozen=True, slots=True)
class ToldOf:
    """An event, as a clerk tells of it in a source's name."""

    source: str = argument(CODE, "the source's code")
    event: str = argument(KEY, "what the source calls the event, and no other event ever")
    class_: str = argument(CLASS, "the code of its usage class")
    uid: str = argument(NUMBER, "the usage identifier that used it")
    started_at: datetime = argument(Instant(), "when it began")
    quantity: int = argument(QUANTITY, "how much it was, in the base unit of its class")
    destination: str | None = argument(NUMBER, "where it went to", optional=True)
    origin: str | None = argument(NUMBER, "where it came from; a number that calls", optional=True)
    uid_type: str | None = argument(UID_TYPE, "what identifier it is; else phone", optional=True)
    extras: Mapping[str, str] | None = argument(EXTRAS, "fields of its own", optional=True)


def ask(tax_service: TaxService | None) -> None:
    """Have a service asked for the taxes of the staff's events from now on; none: the catalogue says them."""
    _looked_up.ask(tax_service)


def counter_of(actor: Actor) -> Counter:
    """Give where an actor's events are rated; those of the staff may have begun whenever, but are not still to come."""
    return actor.counter or Counter(_looked_up, lambda now_us: (EVER_US, now_us + AHEAD_US_MAX))


def quote(txn: Transaction, actor: Actor, arguments: Told, now: datetime) -> Outcome | Refused:
    """Say what an event of the source would cost."""
    return _quote(txn, actor, actor.name, arguments, now)


def quote_of(
    txn: Transaction, actor: Actor, arguments: ToldOf, now: datetime
) -> Outcome | Refused:
    """Say what an event of a source would cost."""
    return _quote(txn, actor, arguments.source, arguments, now)


def rate(txn: Transaction, actor: Actor, arguments: Told, now: datetime) -> Outcome | Refused:
    """Rate and charge an event of the source."""
    [answer] = rate_waiting(txn, [(actor, arguments)], now)
    return answer


def rate_of(txn: Transaction, actor: Actor, arguments: ToldOf, now: datetime) -> Outcome | Refused:
    """Rate and charge an event of a source."""
    counter, events = counter_of(actor), [event_of(arguments)]
    found = single.rate_within_limit(txn, counter, arguments.source, events, now)
    if isinstance(found, NoSource):
        return _missing(txn)
    return answer_of(found[0])


def rate_waiting(
    txn: Transaction, asked: Sequence[tuple[Actor, Told]], now: datetime
) -> list[Outcome | Refused]:
    """Rate and charge events of sources, those of each together."""
    answers: list[Outcome | Refused] = [NO_SOURCE] * len(asked)
    for source in dict.fromkeys(actor.name for actor, _ in asked):
        places = [place for place, (actor, _) in enumerate(asked) if actor.name == source]
        events = [event_of(asked[place][1]) for place in places]
        counter = counter_of(asked[places[0]][0])
        found = single.rate_within_limit(txn, counter, source, events, now)
        if isinstance(found, NoSource):
            missing = _missing(txn)
            answers = [missing if i in places else each for i, each in enumerate(answers)]
            continue
        for place, answer in zip(places, found, strict=True):
            answers[place] = answer_of(answer)
    return answers


class Telling(Protocol):
    """What is told of any event."""

    @property
    def event(self) -> str:
        """What its source calls it."""

    @property
    def class_(self) -> str:
        """The code of its usage class."""

    @property
    def uid(self) -> str:
        """Whose it is."""

    @property
    def started_at(self) -> datetime:
        """When it began."""

    @property
    def quantity(self) -> int:
        """How much it was, or may be."""

    @property
    def destination(self) -> str | None:
        """Where it went to."""

    @property
    def origin(self) -> str | None:
        """Where it came from."""

    @property
    def uid_type(self) -> str | None:
        """What identifier it is."""

    @property
    def extras(self) -> Mapping[str, str] | None:
        """Fields of its own."""


def event_of(told: Telling) -> Event:
    """Give the event that was told of."""
    return Event(
        key=told.event,
        uid_type=told.uid_type or PHONE,
        uid=told.uid,
        usage_class=told.class_,
        started_us=to_us(told.started_at),
        quantity=told.quantity,
        origin=told.origin or "",
        destination=told.destination or "",
        extras=told.extras,
    )


def answer_of(answered: Answered) -> Outcome | Refused:
    """Give what a source is answered: when it asks again, the same again."""
    match answered:
        case Repeated(outcome):
            return outcome
        case Conflict():
            return CONFLICT
        case OverLimit(lines_a_day_max):
            return Refused(
                "LIMIT_REACHED",
                f"the source has told of {lines_a_day_max} today, as many as it may a day (UTC)",
            )
        case Outcome():
            return answered


def _quote(
    txn: Transaction, actor: Actor, source: str, told: Telling, now: datetime
) -> Outcome | Refused:
    if not revisions.newest(txn):
        return NO_CATALOGUE
    # What an event would cost may be asked before it begins.
    counter = actor.counter or Counter(_looked_up, lambda _now: ALWAYS)
    found = single.quote(txn, counter, source, event_of(told), now)
    return NO_SOURCE if isinstance(found, NoSource) else found


def _missing(txn: Transaction) -> Refused:
    return NO_SOURCE if revisions.newest(txn) else NO_CATALOGUE


def as_engine(operation: Operation) -> Operation:
    """Let an operation of the staff run with the rights of the engine: it rates, which the admin door's role may not."""
    return replace(operation, database_role=DatabaseRole.ENGINE)


OPERATIONS = (
    as_engine(staff_reads("usage_quote", "What an event would cost", ToldOf, Outcome, quote_of)),
    as_engine(
        staff_changes(
            ("usage_rate", "Rate and charge an event, once"), ToldOf, Outcome, rate_of, CLERKS
        )
    ),
    source_asks(("usage_quote", "What an event would cost"), Told, Outcome, quote),
    replace(
        source_asks(("usage_rate", "Rate and charge an event, once"), Told, Outcome, rate),
        run_all=rate_waiting,
        event_of=event_of,
    ),
)
