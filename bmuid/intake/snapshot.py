"""The reference data of one revision: what a worker holds in memory to rate with."""

from dataclasses import dataclass, field

from bmu.rating import Owners, Tariff, TaxService
from bmuid.intake.allowances import PLAIN, Allowances, allowances_of
from bmuid.intake.owning import SharedOwners
from bmuid.store import tariffs
from bmuid.store.transaction import Transaction

SNAPSHOTS_MAX = 2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The tariff and the owners of usage identifiers as of one revision; neither ever changes."""

    tariff: Tariff
    owners: Owners
    allowances: Allowances = PLAIN

    def grants_as(self, before: Tariff | None) -> bool:
        """Tell whether what was granted by a tariff is what is granted now: of plain allowances no owner decides."""
        if before is None or self.allowances is not PLAIN:
            return before is self.tariff
        return before.known is self.tariff.known


@dataclass(slots=True)
class Snapshots:
    """
    The snapshots last asked for; files of one day tend to share a revision.

    Shapes:
        tax_service: is asked for the taxes of each event; none: the catalogue says them.
        kept_max: how many are kept.
    """

    tax_service: TaxService | None = None
    kept_max: int = SNAPSHOTS_MAX
    _kept: dict[int, Snapshot] = field(default_factory=dict)
    _owners: SharedOwners = field(default_factory=SharedOwners)

    def at(self, txn: Transaction, revision: int) -> Snapshot:
        """Give the snapshot of a revision, from memory if it is there."""
        found = self._kept.pop(revision, None)
        if found is None:
            tariff = self._renewed(txn, revision)
            # Room first: two large tariffs are more than one too many.
            while len(self._kept) >= self.kept_max:
                del self._kept[next(iter(self._kept))]
            tariff = tariff or tariffs.at(txn, revision, self.tax_service)
            owners = self._owners.at(txn, revision)
            found = Snapshot(tariff, owners, allowances_of(txn, tariff))
        self._kept[revision] = found
        return found

    def _renewed(self, txn: Transaction, revision: int) -> Tariff | None:
        """Give the tariff that was compiled last, if it holds at that revision, too: most change owners alone."""
        last = next(reversed(self._kept.values()), None)
        return None if last is None else tariffs.renewed(txn, last.tariff, revision)
