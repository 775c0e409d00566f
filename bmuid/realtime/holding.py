"""Reserving: what an event may use is held for it, step by step, until it is settled or its time is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from bmu.money import decimal_text
from bmu.period import from_us, to_us
from bmu.rating import BucketState, Owner, Rated, Unrated, rate
from bmu.rating.sharing import copied, participation_of
from bmu.usage import UDR
from bmuid.intake import charging, firstuse, rolling
from bmuid.intake.drawable import Drawable
from bmuid.intake.events import Event, key_of, udr_of
from bmuid.intake.snapshot import Snapshot
from bmuid.realtime import affordable, answers, single, spending
from bmuid.realtime.affordable import Affordable
from bmuid.realtime.answers import Outcome
from bmuid.realtime.counter import Counter
from bmuid.realtime.single import Answered, NoSource
from bmuid.store import files, reservations, revisions
from bmuid.store.files import Source
from bmuid.store.limits import of_source
from bmuid.store.reservations import EXPIRED, OPEN, SETTLED, Held, New, Reservation
from bmuid.store.transaction import Transaction

RELEASED = Outcome(state="RELEASED")


class Used(NamedTuple):
    """
    What an event that is over has used.

    Shapes:
        began, extras: when that began, and fields of the company's own, where they are not as reserved.
    """

    quantity: int
    began: datetime | None = None
    extras: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class NoCredit:
    """Not even one unit can be paid for."""


@dataclass(frozen=True, slots=True)
class NotOpen:
    """There is no such reservation, or it is not open, or this is not its next step; *why* says which."""

    why: str


@dataclass(frozen=True, slots=True)
class Reserved:
    """
    What is held.

    Shapes:
        amount: what the quantity would cost, with tax.
    """

    state: str
    id: str
    account: str
    step: int
    wanted: int
    quantity: int
    amount: str
    currency: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Priced:
    """An event's owner, and what prices any quantity of it."""

    udr: UDR
    owner: Owner
    snapshot: Snapshot
    there: Drawable

    def most(
        self, wanted: int, left_e11: int | None, ours: Sequence[Held] = ()
    ) -> Affordable | Outcome | NoCredit:
        """Give the largest quantity that is affordable, what the event holds already included."""
        given = {one.bucket_id: one.quantity for one in ours}
        shelf = self.there.by_service.get(self.owner.account_service_id, ())
        limits = copied(self.there.limits.get(self.owner.account_service_id, ()))
        for state in shelf:
            room = participation_of(limits, state, self.udr.started_us)
            if room is not None:
                room.drawn -= given.get(state.id, 0)

        def price(quantity: int) -> Rated | Unrated:
            udr = self.udr._replace(quantity=quantity)
            held = _copied(shelf, given)
            return rate(udr, self.owner, self.snapshot.tariff, held, copied(limits))

        found = affordable.most(price, wanted, left_e11)
        if found is None:
            return NoCredit()
        return (
            answers.unpriced("UNRATED", self.udr, found) if isinstance(found, Unrated) else found
        )

    def holds(self, rated: Rated) -> list[Held]:
        """Give what buckets are to hold."""
        made = rated.detail.drawing if rated.detail else None
        # What a last tier would grant anew is there for whoever comes, so it needs no holding.
        drawn = (
            rated.draws
            if made is None
            else [(each.bucket_id, each.quantity - each.granted) for each in made.draws]
        )
        own, elsewhere = self.owner.account_id, self.there.elsewhere
        return [
            Held(elsewhere.get(bucket_id, own), bucket_id, quantity)
            for bucket_id, quantity in drawn
            if quantity > 0
        ]


def reserve(
    txn: Transaction, counter: Counter, source: str, event: Event, until: datetime
) -> Reserved | Outcome | NoCredit | NotOpen | NoSource:
    """
    Hold for an event as much of its quantity as its owner can pay for.

    The same again is answered as before. An event without a price is not kept: it is no usage yet.
    """
    settings = files.source(txn, source)
    if settings is None:
        return NoSource()
    before = reservations.of_event(txn, key_of(source, event.key))
    if before is not None:
        return _again(before, event)
    priced = _priced(txn, counter, event, settings, until)
    if isinstance(priced, Outcome):
        return priced
    left_e11 = spending.locked_left_e11(txn, priced.owner.account_id, until)
    found = priced.most(event.quantity, left_e11)
    if not isinstance(found, Affordable):
        return found
    new = _new(event, settings, priced, found, until)
    id_ = reservations.add(txn, new)
    made = reservations.of_event(txn, new.event_key)
    assert made is not None, "whoever made it, it is there"
    if id_ is None:
        return _again(made, event)
    reservations.draw(txn, id_, made.started_at, (0, ()), (1, priced.holds(found.rated)))
    return _reserved(made)


def update(
    txn: Transaction,
    counter: Counter,
    event: tuple[str, str],
    step: tuple[int, int],
    until: datetime,
) -> Reserved | Outcome | NoCredit | NotOpen | NoSource:
    """
    Hold for all of an event, from its beginning, as much as its owner can pay for, instead of what was held.

    Shapes:
        event: the source, and its key; step: the step's number, one more than the last, and the quantity wanted in all.
    """
    number, wanted = step
    held = reservations.of_event(txn, key_of(*event))
    if held is None or held.state != OPEN:
        return _not_open(held)
    if number == held.step and wanted == held.wanted:
        return _reserved(held)
    if number != held.step + 1:
        return NotOpen(f"step {number} does not follow step {held.step}")
    settings = files.source(txn, held.source)
    assert settings is not None, "sources stay"
    priced = _priced(txn, counter, _event_of(held, wanted), settings, until)
    if isinstance(priced, Outcome):
        return priced
    left_e11 = spending.locked_left_e11(txn, held.account_id, until)
    ours = reservations.held(txn, held)
    left_e11 = None if left_e11 is None else left_e11 + held.money_e11
    found = priced.most(wanted, left_e11, ours)
    if not isinstance(found, Affordable):
        return found
    changed = replace(
        held,
        step=number,
        wanted=wanted,
        quantity=found.quantity,
        money_e11=affordable.cost_e11(found.rated),
        expires_at=until,
    )
    holds = priced.holds(found.rated)
    reservations.draw(txn, held.id, held.started_at, (held.step, ours), (number, holds))
    reservations.change(txn, changed)
    return _reserved(changed)


def settle(
    txn: Transaction,
    counter: Counter,
    event: tuple[str, str],
    used: Used,
    now: datetime,
) -> Answered | NotOpen | NoSource:
    """
    Charge what was really used, and give the rest back; nothing used costs nothing.

    Usage is charged though its reservation has expired: it is a fact.

    Shapes:
        event: the source, and its key.
    """
    quantity, began, extras = used
    held = reservations.of_event(txn, key_of(*event))
    if held is None:
        return _not_open(held)
    if held.state == OPEN:
        _release(txn, held, SETTLED)
    if not quantity:
        return RELEASED
    told = _event_of(held, quantity)
    if began is not None:
        told = told._replace(started_us=to_us(began))
    if extras is not None:
        told = told._replace(extras=extras)
    answered = single.rate_all(txn, counter, held.source, [told], now)
    return answered if isinstance(answered, NoSource) else answered[0]


def expire(txn: Transaction, now: datetime, limit: int = 100) -> int:
    """Give back what reservations hold whose time is over; give how many there were."""
    over = reservations.overdue(txn, now, limit)
    for reservation in over:
        _release(txn, reservation, EXPIRED)
    return len(over)


def expire_one(txn: Transaction, id_: int) -> Reservation | None:
    """Give back what a reservation holds, if it is open, though its time is not over."""
    found = reservations.by_id(txn, id_)
    if found is not None and found.state == OPEN:
        _release(txn, found, EXPIRED)
    return reservations.by_id(txn, id_)


def until(now: datetime, seconds: int) -> datetime:
    """Give when the time of a reservation is over."""
    return now + timedelta(seconds=seconds)


def _priced(
    txn: Transaction, counter: Counter, event: Event, source: Source, until_: datetime
) -> _Priced | Outcome:
    udr = udr_of(event, 0, source)
    snapshot = counter.reference(txn, revisions.newest(txn), [(udr.uid_type, udr.uid)])
    allowed = of_source(txn, source.id)
    [owner] = counter.owners_of(snapshot.owners, [udr], to_us(until_), allowed)
    if isinstance(owner, Unrated):
        return answers.unpriced("UNRATED", udr, owner)
    needs = counter.provide(txn, snapshot, [udr], [owner])
    there = charging.drawable(txn, snapshot.tariff, needs, [owner])
    rolling.before(txn, there, udr, owner)
    # What is held counts as used: nobody else is to begin it then.
    firstuse.begin(txn, snapshot.tariff, there, udr, owner)
    rolling.carry_in(txn, there)
    rolling.let_lapse(txn, there)
    return _Priced(udr, owner, snapshot, there)


def _copied(shelf: Sequence[BucketState], given: dict[int, int]) -> list[BucketState]:
    """Give the buckets with what the event itself holds, for rating to lower."""
    return [replace(state, balance=state.balance + given.get(state.id, 0)) for state in shelf]


def _new(
    event: Event, source: Source, priced: _Priced, found: Affordable, until_: datetime
) -> New:
    owner = priced.owner
    return New(
        event_key=priced.udr.event_key,
        source_id=source.id,
        key=event.key,
        account_id=owner.account_id,
        account_service_id=owner.account_service_id,
        usage_class=event.usage_class,
        uid_type=event.uid_type,
        uid=event.uid,
        origin=event.origin,
        destination=event.destination,
        extras=event.extras,
        started_at=from_us(event.started_us),
        wanted=event.quantity,
        quantity=found.quantity,
        money_e11=affordable.cost_e11(found.rated),
        currency=found.rated.currency,
        expires_at=until_,
    )


def _event_of(held: Reservation, quantity: int) -> Event:
    return Event(
        key=held.key,
        uid_type=held.uid_type,
        uid=held.uid,
        usage_class=held.usage_class,
        started_us=to_us(held.started_at),
        quantity=quantity,
        origin=held.origin,
        destination=held.destination,
        extras=held.extras,
    )


def _again(held: Reservation, event: Event) -> Reserved | NotOpen:
    """Answer who reserves for an event that has a reservation."""
    if held.state != OPEN:
        return _not_open(held)
    if held.step > 1 or _event_of(held, held.wanted) != event:
        return NotOpen("another reservation has this key, or this one is some steps further")
    return _reserved(held)


def _not_open(held: Reservation | None) -> NotOpen:
    if held is None:
        return NotOpen("nothing is reserved for that event")
    return NotOpen(f"the reservation is {held.state.lower()}")


def _release(txn: Transaction, held: Reservation, state: str) -> None:
    given = reservations.held(txn, held)
    reservations.draw(txn, held.id, held.started_at, (held.step, given), (0, ()))
    reservations.end(txn, held.id, state)


def _reserved(held: Reservation) -> Reserved:
    return Reserved(
        state="RESERVED",
        id=str(held.id),
        account=held.account,
        step=held.step,
        wanted=held.wanted,
        quantity=held.quantity,
        amount=decimal_text(held.money_e11),
        currency=held.currency,
        expires_at=held.expires_at,
    )
