"""What single events are rated by: the newest revision, whole in memory, or looked up where few ask."""

import gc
import time
from collections.abc import Sequence
from threading import Lock

from bmu.rating import Owners, Tariff, TaxService
from bmuid.intake.allowances import Allowances, allowances_of
from bmuid.intake.snapshot import Snapshot, Snapshots
from bmuid.store import owners, revisions, tariffs
from bmuid.store.transaction import Transaction

# Loading for longer than that holds up nobody: what is there is used until the newer one is loaded beside it.
WAIT_SECONDS_MAX = 0.1


class Newest:
    """
    All of the newest revision in memory, for where many events are rated.

    Shapes:
        is_stale: there is a newer revision, and somebody should call load, which takes long.
        tax_service: as `Snapshots` has it.
    """

    def __init__(self, tax_service: TaxService | None = None) -> None:
        self.is_stale = False
        self._snapshots = Snapshots(tax_service, kept_max=1)
        self._loads = Lock()
        self._held: Snapshot | None = None
        self._took_seconds = 0.0

    def __call__(
        self, txn: Transaction, newest: int, _uids: Sequence[tuple[str, str]]
    ) -> Snapshot:
        """Give what to rate events by; *newest*: the newest revision."""
        held = self._held
        if held is not None and held.tariff.revision == newest:
            return held
        if held is None or self._took_seconds <= WAIT_SECONDS_MAX:
            return self.load(txn)
        self.is_stale = True
        return held

    @property
    def held(self) -> Snapshot | None:
        """What is there to rate by, of whichever revision."""
        return self._held

    def load(self, txn: Transaction) -> Snapshot:
        """Load the newest revision; what is rated meanwhile is rated by the one before."""
        begun = time.perf_counter()
        with self._loads:
            loaded = self._snapshots.at(txn, revisions.newest(txn))
        self._held, self.is_stale = loaded, False
        # Millions of objects, and no cycle among them: looking through them again and again for some would hold up
        # every event for tens of milliseconds. What is no longer held goes all the same.
        gc.freeze()
        # Most changes are of owners, which is soon done; nobody knows beforehand that the next one is.
        self._took_seconds = max(self._took_seconds, time.perf_counter() - begun)
        return loaded


class LookedUp:
    """The newest tariff in memory, and of owners only those asked for: for where few events are rated."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tax_service: TaxService | None = None
        self._held: tuple[str, Tariff, Allowances] | None = None

    def ask(self, tax_service: TaxService | None) -> None:
        """Have a service asked for the taxes of each event from now on; none: the catalogue says them."""
        with self._lock:
            self._tax_service, self._held = tax_service, None

    def __call__(self, txn: Transaction, newest: int, uids: Sequence[tuple[str, str]]) -> Snapshot:
        """Give what to rate events of these usage identifiers by; *newest*: the newest revision."""
        # Of another database, or one that was led back to an earlier day, a revision of this number is another.
        name = revisions.name(txn, newest)
        with self._lock:
            held = self._held
            if held is None or held[0] != name:
                tariff = tariffs.at(txn, newest, self._tax_service)
                held = self._held = name, tariff, allowances_of(txn, tariff)
        _, tariff, allowances = held
        return Snapshot(tariff, Owners(owners.at(txn, newest, uids)), allowances)
