"""Usage rated again: given back what it drew, priced in event order, compared with what is charged now."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bmu.rating.balance import Entry, EntryKind, entries_of
from bmu.rating.bucket import BucketState
from bmu.rating.outcome import Rated, Unrated, UnratedReason
from bmu.rating.owner import Owner, Owners
from bmu.usage import UDR

Rating = Callable[[list[UDR], list[Owner]], list[Rated | Unrated]]


class Live(NamedTuple):
    """
    An event and the charge of it that counts.

    Shapes:
        udr: its usage class is the one its record named.
        entries: what it moved buckets by, which is not taken back.
    """

    udr: UDR
    udr_id: int
    version: int
    account_service_id: int
    rated: Rated
    entries: tuple[Entry, ...]


class Again(NamedTuple):
    """What an event is charged now, and what it would be; *owner*: none where it is no longer the account's."""

    live: Live
    owner: Owner | None
    outcome: Rated | Unrated


@dataclass(frozen=True, slots=True)
class Labels:
    """
    What ids of catalogue rows stand for: a row that was only written anew is the same to who pays.

    Shapes:
        classes: code by id; places: code of the location by the pattern's id; taxes: code and rate by id.
    """

    classes: Mapping[int, str]
    places: Mapping[int, str]
    taxes: Mapping[int, tuple[str, int]]

    def of(self, rated: Rated) -> tuple[str, str | None, tuple[str, int] | None]:
        """Give what class, place and tax a charge has."""
        pattern, tax = rated.location_pattern_id, rated.tax_id
        return (
            self.classes[rated.usage_class_id],
            None if pattern is None else self.places[pattern],
            None if tax is None else self.taxes[tax],
        )


class Sums(NamedTuple):
    """
    Charges of one account in one figure.

    Units:
        amount_e11, tax_e11: 10^-11 of the account's currency.
    """

    amount_e11: int
    tax_e11: int


def in_event_order(lives: Iterable[Live]) -> list[Live]:
    """Order events by when they began, those of one instant by their ids: the one order of rerating."""
    return sorted(lives, key=lambda live: (live.udr.started_us, live.udr_id))


def give_back(states: Iterable[BucketState], lives: Iterable[Live]) -> None:
    """Set working copies of buckets to what they were before these events moved them."""
    moved: dict[int, int] = {}
    added: dict[int, int] = {}
    for live in lives:
        for bucket_id, kind, quantity in live.entries:
            moved[bucket_id] = moved.get(bucket_id, 0) + quantity
            if kind is EntryKind.GRANT:
                added[bucket_id] = added.get(bucket_id, 0) + quantity
    for state in states:
        state.balance -= moved.get(state.id, 0)
        state.granted -= added.get(state.id, 0)


def entries_made(rated: Rated) -> tuple[Entry, ...]:
    """Give what a charge moves buckets by."""
    made = rated.detail.drawing if rated.detail else None
    if made is not None:
        return entries_of(made)
    return tuple(Entry(bucket_id, EntryKind.DRAW, -taken) for bucket_id, taken in rated.draws)


def owned(live: Live, account_id: int, owners: Owners) -> Owner | Unrated:
    """Give the owner that an event has now, if that is still of the account."""
    udr = live.udr
    owner = owners.find(udr.uid_type, udr.uid, udr.started_us)
    if isinstance(owner, UnratedReason):
        return Unrated(owner, f"{udr.uid_type} {udr.uid}")
    if owner.account_id != account_id:
        said = f"{udr.uid_type} {udr.uid} was another account's then"
        return Unrated(UnratedReason.UID_NOT_IN_PERIOD, said)
    return owner


def rate_again(
    lives: Sequence[Live],
    owners: Sequence[Owner | Unrated],
    rates: Rating,
) -> list[Again]:
    """
    Price events anew, in the order given.

    Shapes:
        lives: as `in_event_order` gives them; owners: parallel, as `owned` says.
        rates: prices events as `rate_batch` does, with the buckets as they are after `give_back`.
    """
    mine = [
        (live, owner)
        for live, owner in zip(lives, owners, strict=True)
        if isinstance(owner, Owner)
    ]
    udrs, theirs = [live.udr for live, _ in mine], [owner for _, owner in mine]
    outcomes = iter(rates(udrs, theirs))
    return [
        Again(live, owner, next(outcomes))
        if isinstance(owner, Owner)
        else Again(live, None, owner)
        for live, owner in zip(lives, owners, strict=True)
    ]


def differs(again: Again, labels: Labels) -> bool:
    """Tell whether the charge has to be replaced: who pays would see, pay or be left with something else."""
    live, owner, new = again
    if owner is None or isinstance(new, Unrated):
        return True
    old = live.rated
    return (
        owner.account_service_id != live.account_service_id
        or _figures(old) != _figures(new)
        or sorted(live.entries, key=_entry_order) != sorted(entries_made(new), key=_entry_order)
        or labels.of(old) != labels.of(new)
    )


def _figures(rated: Rated) -> tuple[object, ...]:
    return (
        rated.quantity,
        rated.rounded,
        rated.billable,
        rated.rated_e11,
        rated.amount_e11,
        rated.tax_e11,
        rated.currency,
    )


def _entry_order(entry: Entry) -> tuple[int, str, int]:
    return entry.bucket_id, entry.kind.value, entry.quantity


def charged(outcomes: Iterable[Rated | Unrated]) -> Sums:
    """Sum what has a price."""
    found = [outcome for outcome in outcomes if isinstance(outcome, Rated)]
    return Sums(sum(rated.amount_e11 for rated in found), sum(rated.tax_e11 for rated in found))
