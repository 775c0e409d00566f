"""Reservations: sources make, extend and settle them; the staff sees them and may end what hangs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bmu.money import decimal_text
from bmuid.operations.accounts_document import ACCOUNT
from bmuid.operations.grammar import Choice, Instant, Integer
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, NOT_FOUND, source_asks, staff_changes, staff_reads
from bmuid.operations.single_events import (
    CLASS,
    EXTRAS,
    KEY,
    NO_SOURCE,
    NUMBER,
    QUANTITY,
    UID_TYPE,
    answer_of,
    as_engine,
    counter_of,
    event_of,
)
from bmuid.realtime import holding
from bmuid.realtime.answers import Outcome
from bmuid.realtime.holding import NoCredit, NotOpen, Reserved, Used
from bmuid.realtime.single import NoSource
from bmuid.store import reservations
from bmuid.store.reservations import EXPIRED, OPEN, SETTLED, Reservation
from bmuid.store.transaction import Transaction

SECONDS = 900
SECONDS_MAX = 86_400
LISTED = 50
LISTED_MAX = 1000

WANTED = Integer(1, 2**62)
FOR_SECONDS = Integer(1, SECONDS_MAX)
STEP = Integer(2, 2**31 - 1)
STATE = Choice((OPEN, SETTLED, EXPIRED))
ID = Integer(1, 2**63 - 1)

NO_CREDIT = Refused("NO_CREDIT", "neither allowances nor credit are left for even one unit of it")


@dataclass(frozen=True, slots=True)
class Reserve:
    """An event that begins, and how much it may use."""

    event: str = argument(KEY, "what the source calls the event, and no other event ever")
    class_: str = argument(CLASS, "the code of its usage class")
    uid: str = argument(NUMBER, "the usage identifier that uses it")
    started_at: datetime = argument(Instant(), "when it begins")
    quantity: int = argument(WANTED, "how much is wanted, in the base unit of its class")
    destination: str | None = argument(NUMBER, "where it goes to", optional=True)
    origin: str | None = argument(NUMBER, "where it comes from", optional=True)
    uid_type: str | None = argument(UID_TYPE, "what identifier it is; else phone", optional=True)
    seconds: int | None = argument(FOR_SECONDS, "how long it holds; else 900", optional=True)
    extras: Mapping[str, str] | None = argument(EXTRAS, "fields of its own", optional=True)


@dataclass(frozen=True, slots=True)
class Update:
    """How much an event that goes on may use in all."""

    event: str = argument(KEY, "what the source calls the event")
    step: int = argument(STEP, "2 after reserving, then one more each time")
    quantity: int = argument(WANTED, "how much is wanted in all, from its beginning")
    seconds: int | None = argument(FOR_SECONDS, "how long that holds; else 900", optional=True)


@dataclass(frozen=True, slots=True)
class Settle:
    """What an event that is over has used."""

    event: str = argument(KEY, "what the source calls the event")
    quantity: int = argument(
        QUANTITY, "how much it was in all; 0: nothing, and nothing is charged"
    )
    started_at: datetime | None = argument(
        Instant(), "when that began, if not as reserved", optional=True
    )
    extras: Mapping[str, str] | None = argument(
        EXTRAS, "fields of its own, if not as reserved", optional=True
    )


@dataclass(frozen=True, slots=True)
class List:
    """Which reservations."""

    account: str | None = argument(ACCOUNT, "only of this account", optional=True)
    state: str | None = argument(STATE, "only those that stand so", optional=True)
    before: int | None = argument(ID, "where the part before ended", optional=True)
    limit: int | None = argument(Integer(1, LISTED_MAX), "how many at most", optional=True)


@dataclass(frozen=True, slots=True)
class Show:
    """Which reservation."""

    id: int = argument(ID, "the reservation's id")


@dataclass(frozen=True, slots=True)
class Row:
    """A reservation; amount: what its quantity would cost, with tax."""

    id: str
    state: str
    account: str
    source: str
    event: str
    class_: str
    uid: str
    destination: str
    step: int
    wanted: int
    quantity: int
    amount: str
    currency: str
    started_at: datetime
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rows:
    """Reservations, the newest first; before: where the next part starts, None: there is none."""

    reservations: tuple[Row, ...]
    before: str | None


@dataclass(frozen=True, slots=True)
class OfBucket:
    """What is held in a bucket."""

    bucket_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A reservation, and what is held for it of which buckets."""

    reservation: Row
    held: tuple[OfBucket, ...]


def reserve(
    txn: Transaction, actor: Actor, arguments: Reserve, now: datetime
) -> Reserved | Refused:
    """Hold what an event may use."""
    until = holding.until(now, arguments.seconds or SECONDS)
    found = holding.reserve(txn, counter_of(actor), actor.name, event_of(arguments), until)
    return _answer(found)


def update(txn: Transaction, actor: Actor, arguments: Update, now: datetime) -> Reserved | Refused:
    """Hold what an event may use in all."""
    until = holding.until(now, arguments.seconds or SECONDS)
    event, step = (actor.name, arguments.event), (arguments.step, arguments.quantity)
    return _answer(holding.update(txn, counter_of(actor), event, step, until))


def settle(txn: Transaction, actor: Actor, arguments: Settle, now: datetime) -> Outcome | Refused:
    """Charge what an event has used, and give the rest back."""
    used = Used(arguments.quantity, arguments.started_at, arguments.extras)
    event = actor.name, arguments.event
    found = holding.settle(txn, counter_of(actor), event, used, now)
    match found:
        case NotOpen(why):
            return Refused("NOT_OPEN", why)
        case NoSource():
            return NO_SOURCE
        case _:
            return answer_of(found)


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Rows:
    """List reservations."""
    limit = arguments.limit or LISTED
    found = reservations.listed(
        txn, arguments.account, arguments.state, arguments.before, limit + 1
    )
    shown = tuple(map(_row, found[:limit]))
    return Rows(shown, shown[-1].id if len(found) > limit else None)


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Shown | Refused:
    """Show a reservation."""
    found = reservations.shown(txn, arguments.id)
    if found is None:
        return NOT_FOUND
    held = reservations.held(txn, found)
    return Shown(_row(found), tuple(OfBucket(one.bucket_id, one.quantity) for one in held))


def expire(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Shown | Refused:
    """Give back what a reservation holds."""
    found = holding.expire_one(txn, arguments.id)
    return NOT_FOUND if found is None else Shown(_row(found), ())


def _row(found: Reservation) -> Row:
    return Row(
        id=str(found.id),
        state=found.state,
        account=found.account,
        source=found.source,
        event=found.key,
        class_=found.usage_class,
        uid=found.uid,
        destination=found.destination,
        step=found.step,
        wanted=found.wanted,
        quantity=found.quantity,
        amount=decimal_text(found.money_e11),
        currency=found.currency,
        started_at=found.started_at,
        created_at=found.created_at,
        expires_at=found.expires_at,
        ended_at=found.ended_at,
    )


def _answer(found: Reserved | Outcome | NoCredit | NotOpen | NoSource) -> Reserved | Refused:
    match found:
        case Reserved():
            return found
        case Outcome(reason=reason, detail=detail):
            return Refused("UNRATED", f"{reason}: {detail}")
        case NoCredit():
            return NO_CREDIT
        case NotOpen(why):
            return Refused("NOT_OPEN", why)
        case NoSource():
            return NO_SOURCE


OPERATIONS = (
    source_asks(("usage_reserve", "Hold what an event may use"), Reserve, Reserved, reserve),
    source_asks(("usage_update", "Hold what an event may use in all"), Update, Reserved, update),
    source_asks(
        ("usage_settle", "Charge what an event used, and give the rest back"),
        Settle,
        Outcome,
        settle,
    ),
    staff_reads("reservation_list", "Reservations, the newest first", List, Rows, list_),
    staff_reads("reservation_show", "A reservation and what it holds", Show, Shown, show),
    as_engine(
        staff_changes(
            ("reservation_expire", "Give back what a reservation holds"),
            Show,
            Shown,
            expire,
            CLERKS,
        )
    ),
)
