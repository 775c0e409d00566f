"""What single events are rated by: the newest revision, in memory whole, or looked up where few ask."""

from collections.abc import Sequence
from threading import Lock

from bmu.rating import Owners, Tariff
from bmuid.intake.allowances import Allowances, allowances_of
from bmuid.intake.snapshot import Snapshot
from bmuid.store import owners, revisions, tariffs
from bmuid.store.transaction import Transaction


class LookedUp:
    """The newest tariff in memory, and of owners only those asked for: for where few events are rated."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: tuple[Tariff, Allowances] | None = None

    def __call__(self, txn: Transaction, uids: Sequence[tuple[str, str]]) -> Snapshot:
        """Give what to rate events of these usage identifiers by."""
        revision = revisions.newest(txn)
        with self._lock:
            held = self._held
            if held is None or held[0].revision != revision:
                tariff = tariffs.at(txn, revision)
                held = self._held = tariff, allowances_of(txn, tariff)
        return Snapshot(held[0], Owners(owners.at(txn, revision, uids)), held[1])
