"""Which accounts are tried together: those that draw from each other's allowances, or whose usage one of them pays for."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bmu.rating import BucketScope
from bmuid.intake.snapshot import Snapshot
from bmuid.store import owners, simulations
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Together:
    """Who has to do with whom."""

    _joined: Mapping[int, Iterable[int]]

    def group(self, account_id: int) -> list[int]:
        """Give all accounts that one's charges may hang on, itself among them, in order."""
        found, waiting = {account_id}, [account_id]
        while waiting:
            for other in self._joined.get(waiting.pop(), ()):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return sorted(found)


def together(txn: Transaction, snapshot: Snapshot) -> Together:
    """Read who draws from whose allowances, and who pays for whom, as far as that can matter."""
    joined: dict[int, set[int]] = defaultdict(set)
    pairs: list[tuple[int, int]] = []
    if any(row.scope is BucketScope.TREE for row in snapshot.tariff.bucket_types.values()):
        pairs += owners.parents(txn).items()
    for account_id, holders in snapshot.allowances.pools.holders.items():
        pairs += ((account_id, holder) for holder in holders)
    if simulations.adds_up_payers(txn):
        pairs += simulations.payers(txn).items()
    for one, other in pairs:
        joined[one].add(other)
        joined[other].add(one)
    return Together(joined)
