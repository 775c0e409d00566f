"""Suspended lines taken in again, from their kept octets, as the source and the catalogue are now."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bmu.mediation import Reject
from bmu.rating import Owner, Unrated, UnratedReason
from bmu.usage import UDR
from bmuid.intake import charging, pricing
from bmuid.intake.chunk import Bench, Missing
from bmuid.intake.events import event_of, udr_of
from bmuid.intake.late import final_billed
from bmuid.intake.limits import speak
from bmuid.intake.lost import charge_again, keeps_account, lost_in
from bmuid.intake.ours import in_time, window_of
from bmuid.intake.repeats import REPEATED
from bmuid.intake.snapshot import Snapshot
from bmuid.store import keys, reprocessing, revisions
from bmuid.store.keys import Earlier
from bmuid.store.limits import of_source
from bmuid.store.reprocessing import Batch, Failed, Job
from bmuid.store.transaction import Transaction

LINES_A_STEP = 5000
# Who asks for what an outside tax service had no answer for to be tried again.
TAX_RETRIES = "retry of taxes"
CONFLICT = UnratedReason.CONFLICT.value


@dataclass(frozen=True, slots=True)
class Retried:
    """A step of a job: how many lines were tried, how many of them are charged now; *done*: it has no more."""

    job_id: int
    tried: int = 0
    resolved: int = 0
    done: bool = False


def work(
    txn: Transaction, bench: Bench, lines_max: int = LINES_A_STEP
) -> Retried | Missing | None:
    """
    Take the next lines of the oldest job in again: one transaction, safe to run again.

    What has a price becomes usage with its charge, as on the day it came; anything else waits on, with
    the reason of now.

    Shapes:
        Result: None when there is nothing to do.
    """
    job = reprocessing.take(txn)
    if job is None:
        return None
    batch = reprocessing.next_batch(txn, job, lines_max)
    if batch is None:
        reprocessing.done(txn, job)
        return Retried(job.id, done=True)
    revision = revisions.newest(txn)
    snapshot = bench.snapshots.at(txn, revision)
    udrs, failed = _read(txn, bench, batch, job)
    lost = lost_in(txn, batch, job.wanted.uid)
    udrs += [each.udr for each in lost.values()]
    tried = len(udrs) + len(failed)
    owners = _owners(txn, bench, batch, job, udrs, snapshot)
    needs = bench.needs_of(udrs, owners, snapshot)
    missing = bench.missing(needs)
    if missing is not None:
        return missing
    # What was charged once has claimed its event.
    free, taken = _claimed(txn, batch, [udr for udr in udrs if udr.line_no not in lost])
    free |= set(lost)
    ours = [(udr, owner) for udr, owner in zip(udrs, owners, strict=True) if udr.line_no in free]
    failed += taken + [_failed(udr, why) for udr, why in ours if isinstance(why, Unrated)]
    known = [(udr, owner) for udr, owner in ours if isinstance(owner, Owner)]
    again = [each for each in known if keeps_account(*each, lost)]
    new = [each for each in known if not keeps_account(*each, lost)]
    usage = [udr for udr, _ in new], [owner for _, owner in new]
    unpriced = charging.charge(txn, batch.file_id, snapshot.tariff, needs, usage)
    unpriced += charge_again(txn, snapshot.tariff, needs, again, lost)
    failed += [_failed(udr, why) for udr, why in unpriced]
    resolved = _settle(txn, batch.file_id, known, failed)
    reprocessing.advance(txn, job, batch, tried, resolved)
    _end_in_vain(txn, bench, job)
    return Retried(job.id, tried, resolved)


def again_for_taxes(txn: Transaction, bench: Bench) -> bool:
    """Have tried again what an outside tax service had no answer for, now and then; False: nothing is to be tried."""
    if bench.snapshots.tax_service is None or _is_away(bench):
        return False
    return reprocessing.ask_again(txn, TAX_RETRIES, UnratedReason.TAX_SERVICE.value)


def _end_in_vain(txn: Transaction, bench: Bench, job: Job) -> None:
    """End a retry of taxes while the service is away: the rest would wait as these do."""
    if job.actor == TAX_RETRIES and _is_away(bench):
        reprocessing.done(txn, job)


def _is_away(bench: Bench) -> bool:
    service = bench.snapshots.tax_service
    return service is not None and service.is_away()


def _failed(udr: UDR, why: Unrated) -> Failed:
    return Failed(udr.line_no, why.reason.value, why.tried)


def own_key(key: bytes, file_id: int, line_no: int) -> bytes:
    """Give the event key of a line that is charged though its own is another's."""
    return hashlib.sha256(b"%b as new %d %d" % (key, file_id, line_no)).digest()[:16]


def _read(
    txn: Transaction, bench: Bench, batch: Batch, job: Job
) -> tuple[list[UDR], list[Failed]]:
    """Mediate the lines by their source's settings of now; give those that the job means."""
    taken: list[UDR | Reject] = []
    fresh = [line for line in batch.lines if line.lost is None]
    if batch.partial:
        # A record of a session is no usage by itself; what it says already names both lines.
        return [], [Failed(line.line_no, line.reason, None) for line in fresh]
    mediator = (
        None if batch.stream else bench.profiles.mediator_of(txn, batch.source, batch.header)
    )
    if mediator is not None:
        lines = [line.line for line in fresh]
        taken = mediator.take_some(lines, [line.line_no for line in fresh])
    elif batch.stream:
        source = batch.source
        taken = [udr_of(event_of(line.line), line.line_no, source) for line in fresh]
    else:
        said = f"source {batch.source.code} has the profile {batch.source.profile!r}, which is not known"
        return [], [Failed(line.line_no, line.reason, said) for line in fresh]
    uid = job.wanted.uid
    rejects = [each for each in taken if isinstance(each, Reject) and uid is None]
    udrs = [each for each in taken if isinstance(each, UDR) and uid in {None, each.uid}]
    if job.wanted.as_new:
        udrs = [
            udr._replace(event_key=own_key(udr.event_key, batch.file_id, udr.line_no))
            for udr in udrs
        ]
    return udrs, [Failed(each.line_no, each.reason.value, each.detail) for each in rejects]


def _owners(
    txn: Transaction,
    bench: Bench,
    batch: Batch,
    job: Job,
    udrs: list[UDR],
    snapshot: Snapshot,
) -> list[Owner | Unrated]:
    as_new = job.wanted.as_new
    limits = None if as_new else of_source(txn, batch.source.id)
    window = pricing.ALWAYS if as_new else window_of(batch.received_at, bench.days_back, limits)
    found = snapshot.owners.find_all(udrs)
    owners = [in_time(udr, owner, window) for udr, owner in zip(udrs, found, strict=True)]
    if not as_new:
        final_billed(txn, owners, batch.received_at)
    if limits is not None:
        speak(udrs, owners, limits)
    return owners


def _claimed(txn: Transaction, batch: Batch, udrs: list[UDR]) -> tuple[set[int], list[Failed]]:
    """Give the lines whose event is their own, as it was since they came; and why others' is not."""
    # Of several lines of one event the first may claim it.
    distinct = {udr.event_key: udr for udr in reversed(udrs)}
    earlier = keys.claim_each(txn, batch.file_id, list(distinct.values())) if udrs else {}
    free: set[int] = set()
    failed: list[Failed] = []
    reasons = {line.line_no: line.reason for line in batch.lines}
    for udr in udrs:
        ours = distinct[udr.event_key]
        now = Earlier(ours.content, batch.file_id, ours.line_no)
        first = earlier.get(udr.event_key, now)
        place = f"file {first.file_id} line {first.line_no}"
        if (first.file_id, first.line_no) == (batch.file_id, udr.line_no):
            free.add(udr.line_no)
        elif reasons[udr.line_no] == CONFLICT:
            # What it says already names both lines.
            failed.append(Failed(udr.line_no, CONFLICT, None))
        elif first.content == udr.content:
            failed.append(Failed(udr.line_no, REPEATED, f"the same as {place}"))
        else:
            failed.append(Failed(udr.line_no, CONFLICT, f"{place} is the same event, not alike"))
    return free, failed


def _settle(
    txn: Transaction,
    file_id: int,
    usage: Sequence[tuple[UDR, Owner]],
    failed: list[Failed],
) -> int:
    """Note what became of each line; give how many are charged now."""
    unpriced = {each.line_no for each in failed}
    charged = [(udr, owner) for udr, owner in usage if udr.line_no not in unpriced]
    oldest_us: dict[int, int] = {}
    for udr, owner in charged:
        before = oldest_us.get(owner.account_id, udr.started_us)
        oldest_us[owner.account_id] = min(before, udr.started_us)
    if charged:
        reprocessing.resolve(txn, file_id, [udr.line_no for udr, _ in charged])
    reprocessing.fail(txn, file_id, failed)
    reprocessing.reworked(txn, oldest_us)
    return len(charged)
