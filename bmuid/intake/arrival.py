"""The arrival of a file: taken out of its source's reach, measured, known; the same octets again change nothing."""

from dataclasses import dataclass, replace

from bmuid.intake.spool import Measure, Spool, Taken
from bmuid.store import files, wakeup
from bmuid.store.files import Arrived, Closed, Ready, Registered, Source, Verdicts
from bmuid.store.transaction import Transaction


def register(
    txn: Transaction,
    source: Source,
    taken: Taken,
    measure: Measure,
    parts: int,
    *,
    partial: bool = False,
) -> Registered | None:
    """
    Make the file's row, and wake the rating workers; or find the row it has already.

    Shapes:
        Result: None while no catalogue was loaded, so that nothing could be rated.
    """
    arrived = Arrived(measure.sha256, taken.name, measure.octets)
    registered = files.register(txn, source, arrived, Ready(measure.lines, partial=partial), parts)
    if registered is not None and registered.first:
        if not measure.lines:
            close(txn, registered.file_id)
            return replace(registered, state="DONE", verdicts=Verdicts())
        wakeup.tell(txn, wakeup.USAGE)
    return registered


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
        if files.is_done(txn, source, sha256)
    ]
