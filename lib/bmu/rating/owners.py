"""All usage identifiers with their owners in time, found at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bmu.rating.outcome import UnratedReason
from bmu.rating.owner import Owner, OwnerRow
from bmu.rating.packed import (
    PART_OF_NOBODY,
    SEVERAL,
    Home,
    Octets,
    PackedTerms,
    PlainPacked,
    Uid,
    home_of,
)
from bmu.rating.packing import pack
from bmu.usage import UDR

if TYPE_CHECKING:
    from bmu.rating._owners import Packed

__all__ = ["PART_OF_NOBODY", "SEVERAL", "Owners"]


def _built() -> "type[Packed] | type[PlainPacked]":
    """Give the compiled form, where there was a compiler; nothing but time hangs on it."""
    try:
        from bmu.rating._owners import Packed  # noqa: PLC0415
    except ImportError:
        return PlainPacked
    return Packed


_looking_into = _built()


class Owners:
    """
    All usage identifiers with their owners in time; fixed once made.

    Shapes:
        owners: one by one, or as they were packed, in octets that stay as they are.
        changed: identifiers whose owners are others than these, with all of theirs.

    Errors:
        ValueError: the octets are no packed owners.
    """

    __slots__ = ("_changed", "_octets", "_packed")

    def __init__(
        self,
        owners: Iterable[OwnerRow] | Octets,
        changed: Mapping[Uid, tuple[Owner, ...]] | None = None,
    ) -> None:
        packed = owners if isinstance(owners, bytes | bytearray | memoryview) else pack(owners)
        self._octets: Octets = packed
        self._packed = _looking_into(packed, PackedTerms(packed))
        self._changed = changed or {}

    def with_changes(self, uids: Iterable[Uid], rows: Iterable[OwnerRow]) -> "Owners":
        """Give the same, except that of these identifiers the rows are all owners there are."""
        found: dict[Uid, list[Owner]] = {uid: [] for uid in uids}
        for row in rows:
            owner = Owner(row.from_us, row.to_us, row.uid_id, row.account_id,
                          row.account_service_id, row.terms, row.bill_day)  # fmt: skip
            found[row.uid_type, row.value].append(owner)
        changed = {uid: tuple(owners) for uid, owners in found.items()}
        return Owners(self._octets, {**self._changed, **changed})

    @property
    def changes(self) -> int:
        """How many identifiers have changed since most were packed."""
        return len(self._changed)

    def __len__(self) -> int:
        gone = sum(1 for uid in self._changed if self._packed.all_of(*uid))
        return self._packed.uids - gone + sum(map(bool, self._changed.values()))

    def find(self, uid_type: str, value: str, started_us: int) -> Owner | UnratedReason:
        """Find who owned a usage identifier at an instant."""
        changed = self._changed.get((uid_type, value)) if self._changed else None
        if changed is None:
            return self._packed.find(uid_type, value, started_us)
        for owner in changed:
            if owner.from_us <= started_us < owner.to_us:
                return owner
        return UnratedReason.UID_NOT_IN_PERIOD if changed else UnratedReason.NO_UID

    def find_all(self, udrs: Sequence[UDR]) -> list[Owner | UnratedReason]:
        """Find who owned the identifier of each event when it began, as `find` does."""
        found = self._packed.find_all(list(udrs))
        if self._changed:
            for place, udr in enumerate(udrs):
                if (udr.uid_type, udr.uid) in self._changed:
                    found[place] = self.find(udr.uid_type, udr.uid, udr.started_us)
        return found

    def all_of(self, uid_type: str, value: str) -> Sequence[Owner]:
        """Give all that own a usage identifier at some time."""
        changed = self._changed.get((uid_type, value)) if self._changed else None
        return self._packed.all_of(uid_type, value) if changed is None else changed

    def homes(self, uids: Sequence[Uid | None], parts: int, part: int) -> list[Home]:
        """
        Tell which of so many parts works the usage of each identifier; of a part's own, who owns it, too.

        Shapes:
            uids: None is none.
            Result: the account's id modulo the parts; PART_OF_NOBODY where there is none, SEVERAL where it hangs
                on the instant. The owner, if the identifier is of *part* and has only one in all time.
        """
        found = self._packed.homes(list(uids), parts, part)
        if self._changed:
            for place, uid in enumerate(uids):
                if uid is not None and uid in self._changed:
                    found[place] = home_of(self._changed[uid], parts, part)
        return found
