"""Usage rated again: given back what it drew, priced in event order, compared with what is charged now."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bmu.rating.balance import Entry, EntryKind, entries_of
from bmu.rating.bucket import BucketState
from bmu.rating.outcome import Rated, Unrated, UnratedReason
from bmu.rating.owner import Owner
from bmu.rating.owners import Owners
from bmu.rating.taxation import TaxPart
from bmu.usage import UDR

Rating = Callable[[list[UDR], list[Owner]], list[Rated | Unrated]]


# From the quantity to the currency, they stand together.
_FIGURES = slice(Rated._fields.index("quantity"), Rated._fields.index("currency") + 1)


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

    def of(self, rated: Rated) -> tuple[object, ...]:
        """Give what class, place and taxes a charge has, what each tax comes to, and what grew by it."""
        pattern, tax = rated.location_pattern_id, rated.tax_id
        taxes = rated.detail and rated.detail.taxes
        return (
            self.classes[rated.usage_class_id],
            None if pattern is None else self.places[pattern],
            None if tax is None else self.taxes[tax],
            taxes and (taxes.net_e11, tuple(map(self._part, taxes.parts))),
            rated.detail.grown if rated.detail else (),
        )

    def _part(self, part: TaxPart) -> tuple[object, ...]:
        return self.taxes[part.tax_id], *part[1:]


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
        if live[5]:
            for bucket_id, kind, quantity in live[5]:
                moved[bucket_id] = moved.get(bucket_id, 0) + quantity
                if kind is EntryKind.GRANT:
                    added[bucket_id] = added.get(bucket_id, 0) + quantity
    for state in states:
        state.balance -= moved.get(state.id, 0)
        state.granted -= added.get(state.id, 0)


def entries_made(rated: Rated) -> tuple[Entry, ...]:
    """Give what a charge moves buckets by."""
    detail = rated.detail
    if detail is None or detail.drawing is None:
        found = tuple(Entry(bucket_id, EntryKind.DRAW, -taken) for bucket_id, taken in rated.draws)
    else:
        found = entries_of(detail.drawing)
    if detail is None or not detail.grown:
        return found
    grants = (Entry(each.bucket_id, EntryKind.GRANT, each.granted) for each in detail.grown)
    return (*found, *(entry for entry in grants if entry.quantity))


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
    lives: Sequence[Live], owners: Sequence[Owner | Unrated], rates: Rating
) -> list[Again]:
    """
    Price events anew, in the order given.

    Shapes:
        lives: as `in_event_order` gives them; owners: parallel, as `owned` says.
        rates: prices events as `rate_batch` does, with the buckets as they are after `give_back`.
    """
    # Straight to the tuple: the constructor of a named tuple takes twice as long.
    make = tuple.__new__
    known = [owner for owner in owners if isinstance(owner, Owner)]
    if len(known) == len(lives):
        outcomes = rates([live[0] for live in lives], known)
        return [make(Again, each) for each in zip(lives, owners, outcomes, strict=True)]
    mine = [
        live.udr for live, owner in zip(lives, owners, strict=True) if isinstance(owner, Owner)
    ]
    found = iter(rates(mine, known))
    return [
        Again(live, owner, next(found)) if isinstance(owner, Owner) else Again(live, None, owner)
        for live, owner in zip(lives, owners, strict=True)
    ]


def differs(again: Again, labels: Labels) -> bool:
    """Tell whether the charge has to be replaced: who pays would see, pay or be left with something else."""
    return figures_differ(again) or (
        labels_matter(again)
        and isinstance(again.outcome, Rated)
        and labels.of(again.live.rated) != labels.of(again.outcome)
    )


def figures_differ(again: Again) -> bool:
    """Tell whether it has to be replaced whatever its labels are."""
    live, owner, new = again
    if owner is None or isinstance(new, Unrated):
        return True
    return (
        live.rated[_FIGURES] != new[_FIGURES]
        or owner.account_service_id != live.account_service_id
        or sorted(live.entries, key=_entry_order) != sorted(entries_made(new), key=_entry_order)
    )


def labels_matter(again: Again) -> bool:
    """Tell whether the figures alone do not say that all is as it was."""
    live, _, new = again
    old = live.rated
    return isinstance(new, Rated) and (
        old.usage_class_id != new.usage_class_id
        or old.location_pattern_id != new.location_pattern_id
        or old.tax_id != new.tax_id
        or old.detail != new.detail
    )


def _entry_order(entry: Entry) -> tuple[int, str, int]:
    return entry.bucket_id, entry.kind.value, entry.quantity


def charged(outcomes: Iterable[Rated | Unrated]) -> Sums:
    """Sum what has a price."""
    found = [outcome for outcome in outcomes if isinstance(outcome, Rated)]
    return Sums(sum(rated.amount_e11 for rated in found), sum(rated.tax_e11 for rated in found))
