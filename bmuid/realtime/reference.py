"""What single events are rated by: the newest revision, in memory whole, or looked up where few ask."""

from collections.abc import Sequence
from threading import Lock

from bmu.rating import Owners, Tariff
from bmuid.intake.snapshot import Snapshot
from bmuid.store import owners, revisions, tariffs
from bmuid.store.transaction import Transaction


class LookedUp:
    """The newest tariff in memory, and of owners only those asked for: for where few events are rated."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tariff: Tariff | None = None

    def __call__(self, txn: Transaction, uids: Sequence[tuple[str, str]]) -> Snapshot:
        """Give what to rate events of these usage identifiers by."""
        revision = revisions.newest(txn)
        with self._lock:
            tariff = self._tariff
            if tariff is None or tariff.revision != revision:
                tariff = self._tariff = tariffs.at(txn, revision)
        return Snapshot(tariff, Owners(owners.at(txn, revision, uids)))
