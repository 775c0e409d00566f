"""The arrival of a file: taken out of its source's reach, measured, made ready, known; the same octets again change nothing."""

from dataclasses import dataclass, replace

from bmuid.intake.spool import Spool
from bmuid.store import files, originals, wakeup
from bmuid.store.files import Arrived, Arriving, Closed, Ready, Registered, Source, Verdicts
from bmuid.store.transaction import Transaction


def known(txn: Transaction, source: Source, sha256: bytes) -> Registered | None:
    """Find the row that a file has already; its octets are in the spool again, whether they were before or not."""
    registered = files.known(txn, source, sha256)
    if registered is not None:
        originals.is_back(txn, source, sha256)
    return registered


def register(
    txn: Transaction, source: Source, arrived: Arrived, ready: Ready, parts: int
) -> Registered | None:
    """
    Make the file's row, and wake the rating workers; or find the row it has already.

    Shapes:
        parts: how many workers may share it at most.
        Result: None while no catalogue was loaded, so that nothing could be rated.
    """
    registered = files.register(txn, source, arrived, ready, files.parts_of_new(txn, parts))
    if registered is None or not registered.first:
        return registered
    if _begin(txn, registered.file_id, ready):
        return registered
    return replace(registered, state="DONE", verdicts=Verdicts())


def make_ready(
    txn: Transaction, arriving: Arriving, source: Source, ready: Ready, parts: int
) -> None:
    """Let a file that was released or is replayed be worked; one that somebody else saw to stays as it is."""
    if files.make_ready(txn, arriving.file_id, source, ready, files.parts_of_new(txn, parts)):
        _begin(txn, arriving.file_id, ready)


def _begin(txn: Transaction, file_id: int, ready: Ready) -> bool:
    """Wake who works the file; False: there is nothing to work, and it is done."""
    if ready.held is None and not ready.lines:
        close(txn, file_id)
        return False
    wakeup.tell(txn, wakeup.USAGE)
    return True


def close(txn: Transaction, file_id: int) -> Closed | None:
    """
    Close a file whose parts are all done, and tell who waits for that; None when it is closed already.

    Errors:
        FileDoesNotAddUpError: its verdicts are not as many as its lines.
    """
    closed = files.close(txn, file_id)
    if closed is not None:
        wakeup.tell(txn, wakeup.DONE)
    return closed


@dataclass(frozen=True, slots=True)
class Left:
    """A file in work/ that is done, so its last move is missing."""

    source: str
    sha256: bytes


def left_in_work(txn: Transaction, spool: Spool) -> list[Left]:
    """Give the files that a crash kept from their move to done/."""
    return [
        Left(source, sha256)
        for source in files.source_codes(txn)
        for sha256 in spool.in_work(source)
        if originals.is_done(txn, source, sha256)
    ]
