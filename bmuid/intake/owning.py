"""The owners of a revision: packed once for all workers of a machine, and what has changed since beside them."""

import logging
from dataclasses import dataclass, field

from bmu.rating import Owners
from bmuid.intake.sharing import Sharing, own_sharing
from bmuid.store import owners, revisions
from bmuid.store.transaction import Transaction

log = logging.getLogger(__name__)

# Fewer octets are not worth a file.
SHARED_OCTETS_MIN = 1 << 20
# With more changes all are packed anew. Each costs about a tenth of a millisecond at its revision, and 500 octets.
CHANGES_MAX = 50_000


@dataclass(slots=True)
class SharedOwners:
    """
    Gives the owners of a revision; each time only what changed since the last time is read.

    Shapes:
        sharing: where processes share what is packed; none: each has its own.
        shared_min: so many octets are worth sharing. changes_max: so many are held beside them.
    """

    sharing: Sharing | None = field(default_factory=own_sharing)
    shared_min: int = SHARED_OCTETS_MIN
    changes_max: int = CHANGES_MAX
    _last: tuple[int, Owners] | None = None

    def at(self, txn: Transaction, revision: int) -> Owners:
        """Give the owners of a revision."""
        found = None
        if self._last is not None:
            found = self._with_changes(txn, *self._last, revision)
        if found is None:
            self._last = None
            found = self._packed(txn, revision)
        self._last = revision, found
        return found

    def _with_changes(
        self, txn: Transaction, before: int, held: Owners, revision: int
    ) -> Owners | None:
        """Give owners as of another revision, unless too many have changed."""
        room = self.changes_max - held.changes
        uids = owners.changed(txn, before, revision, room) if room > 0 else None
        if not uids:
            return held if uids is not None else None
        return held.with_changes(uids, owners.at(txn, revision, uids))

    def _packed(self, txn: Transaction, revision: int) -> Owners:
        if self.sharing is None:
            return Owners(b"".join(owners.packed(txn, revision)))
        with self.sharing.alone():
            self.sharing.sweep()
            found = self._shared(txn, revision, self.sharing)
            return self._made(txn, revision, self.sharing) if found is None else found

    def _shared(self, txn: Transaction, revision: int, sharing: Sharing) -> Owners | None:
        """Give what another process packed, of this revision or of one not far from it."""
        there = {int(name.split("-")[2]): name for name in sharing.names()}
        for near in sorted(there, key=lambda one: abs(one - revision)):
            if revisions.name(txn, near) != there[near]:
                continue
            octets = sharing.map(there[near])
            if octets is not None:
                found = self._with_changes(txn, near, Owners(octets), revision)
                if found is not None:
                    return found
        return None

    def _made(self, txn: Transaction, revision: int, sharing: Sharing) -> Owners:
        pieces = owners.packed(txn, revision)
        if sum(map(len, pieces)) >= self.shared_min:
            try:
                return Owners(sharing.put(revisions.name(txn, revision), pieces))
            except OSError as error:
                log.warning("owners are not shared between workers: %s", error)
        return Owners(b"".join(pieces))
