"""Whose usage it is: who owned a usage identifier when the event began, and on what terms."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bmu.rating.outcome import UnratedReason
from bmu.rating.taxation import Exemption


class Terms(NamedTuple):
    """
    What of an owner decides prices; most owners share theirs with many.

    Shapes:
        account_rate_plan: of the account's package. own_rate_plan: of the account, or of the nearest above it
            where it inherits. invoicer_rate_plan: of the account that pays.
        country, state, category: the account's, for its taxes and for conditions.
        attributes: names as conditions spell them (account.segment, service.sim) with their texts, sorted.
    """

    package: str
    currency: str
    zone: str
    price_plan: str | None = None
    account_rate_plan: str | None = None
    own_rate_plan: str | None = None
    invoicer_rate_plan: str | None = None
    country: str | None = None
    state: str | None = None
    category: str | None = None
    exemptions: tuple[Exemption, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


class OwnerRow(NamedTuple):
    """
    One stored stretch of ownership.

    Units:
        from_us, to_us: microseconds since 1970-01-01 UTC, half-open; `bmu.period.FOREVER_US`
            where no end is known.
        bill_day: the account's.
    """

    uid_id: int
    uid_type: str
    value: str
    from_us: int
    to_us: int
    account_id: int
    account_service_id: int
    terms: Terms
    bill_day: int


class Owner(NamedTuple):
    """The account service that owns a usage identifier over [from_us, to_us)."""

    from_us: int
    to_us: int
    uid_id: int
    account_id: int
    account_service_id: int
    terms: Terms
    bill_day: int


_NOBODY: Mapping[str, Owner | list[Owner]] = {}


class Owners:
    """All usage identifiers with their owners in time; fixed once made."""

    __slots__ = ("_types",)

    def __init__(self, rows: Iterable[OwnerRow]) -> None:
        # What many have in common is held once: less memory to look into, too.
        shared: dict[Terms, Terms] = {}
        instants: dict[int, int] = {}
        # One owner stands alone, which spares a million lists of one.
        self._types: dict[str, dict[str, Owner | list[Owner]]] = {}
        for row in rows:
            owner = Owner(
                instants.setdefault(row.from_us, row.from_us),
                instants.setdefault(row.to_us, row.to_us),
                row.uid_id,
                row.account_id,
                row.account_service_id,
                shared.setdefault(row.terms, row.terms),
                row.bill_day,
            )
            self._add(row.uid_type, row.value, owner)

    def __len__(self) -> int:
        return sum(len(found) for found in self._types.values())

    def find(self, uid_type: str, value: str, started_us: int) -> Owner | UnratedReason:
        """Find who owned a usage identifier at an instant."""
        found = self._types.get(uid_type, _NOBODY).get(value)
        if found is None:
            return UnratedReason.NO_UID
        for owner in (found,) if isinstance(found, Owner) else found:
            if owner.from_us <= started_us < owner.to_us:
                return owner
        return UnratedReason.UID_NOT_IN_PERIOD

    def all_of(self, uid_type: str, value: str) -> Sequence[Owner]:
        """Give all that own a usage identifier at some time."""
        found = self._types.get(uid_type, _NOBODY).get(value, ())
        return (found,) if isinstance(found, Owner) else found

    def _add(self, uid_type: str, value: str, owner: Owner) -> None:
        found = self._types.setdefault(uid_type, {})
        before = found.get(value)
        if before is None:
            found[value] = owner
        elif isinstance(before, Owner):
            found[value] = [before, owner]
        else:
            before.append(owner)
