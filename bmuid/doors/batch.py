"""
Batches of usage by HTTP: taken once under the source's own key, told of row by row.

A batch is answered when its file is durable in the spool. Its key is claimed in the database before, so a repetition
settles whatever was cut off: it finds the claim, and hands the same octets in again.
"""

import logging
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorThreads, IReactorTime
from twisted.internet.threads import deferToThreadPool

from bmu.mediation import Profile
from bmuid.config import BatchDoor, Spool
from bmuid.doors import signed
from bmuid.doors.desk import NotPerformedError
from bmuid.doors.limits import Allowance
from bmuid.doors.problem import ProblemError
from bmuid.intake import batches as bodies
from bmuid.intake.batches import Body, NoBatchError
from bmuid.intake.profiles import Profiles
from bmuid.intake.room import has_room
from bmuid.store import batches, files, source_keys
from bmuid.store.batches import Batch, Progress, Row
from bmuid.store.transaction import Transaction

log = logging.getLogger(__name__)

KEY = re.compile(r"[!-~]{1,255}", re.ASCII)
ROWS_TOLD = 1000
AWAY_SECONDS = 5
PRESSED_SECONDS = 30
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A request, read whole.

    Shapes:
        path: with its query, as it was sent; certified: the common name of the certificate shown; None: none was.
    """

    method: bytes
    path: bytes
    source: str
    fields: Mapping[str, str]
    certified: str | None
    body: bytes
    body_sha256: bytes

    @property
    def key(self) -> str:
        """What the source calls its batch by; empty: it did not say."""
        return self.fields.get("idempotency-key", "").removeprefix('"').removesuffix('"')


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    document: dict[str, object]


@dataclass(frozen=True, slots=True)
class _Known:
    """
    What the database knows before a batch is taken.

    Shapes:
        taken: its file has its row. octets_max: of a file of this source; None: no limit of its own.
    """

    profile: Profile | None
    batch: Batch | None
    taken: bool
    rows_waiting: int
    octets_max: int | None


@dataclass(frozen=True, slots=True)
class _Told:
    batch: Batch
    progress: Progress | None
    rows: tuple[Row, ...]


class Database(Protocol):
    """Where transactions run that may be done twice."""

    async def run_repeatable(
        self,
        work: Callable[Concatenate[Transaction, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """
        Call ``work(txn, ...)`` in a transaction and commit.

        Errors:
            NotPerformedError: the database was too busy or away.
        """


class Batches:
    """Takes batches, and tells of them; whoever asks has been read whole, but nobody knows yet who it is."""

    def __init__(
        self,
        config: tuple[BatchDoor, Spool],
        source_key: bytes,
        database: Database,
        reactor: object,
    ) -> None:
        self._config, self._spool = config
        self._source_key = source_key
        self._database = database
        self._clock = IReactorTime(reactor)
        self._threads = IReactorThreads(reactor)
        self._nonces = signed.Nonces()
        self._allowances: dict[str, Allowance] = {}

    def limit(self, config: BatchDoor) -> None:
        """Take so much from now on."""
        self._config = config
        self._allowances = {}

    async def take(self, asked: Asked) -> Reply:
        """
        Take a batch, or answer as the first time.

        Errors:
            ProblemError: it was not taken; the problem says what to do.
        """
        key_id = self._admit(asked)
        if not KEY.fullmatch(asked.key):
            raise ProblemError(
                400, "no_key", "the field Idempotency-Key must hold 1 to 255 visible ASCII characters, and be another for"
                " each batch",
            )  # fmt: skip
        known = await self._ask(_look, asked.source, asked.key, key_id)
        if known.batch is not None:
            return await self._again(asked, known.batch, taken=known.taken)
        _check_size(asked, known.octets_max)
        await self._has_room(asked.source, known.rows_waiting)
        body = await self._in_thread(_body, known.profile, asked, self._config.rows_max)
        wanted = Batch(
            tracking=secrets.token_hex(16),
            source=asked.source,
            key=asked.key,
            body_sha256=asked.body_sha256,
            sha256=body.sha256,
            rows=body.rows,
        )
        batch = await self._ask(batches.claim, wanted)
        _check_same(asked, batch)
        await self._keep(batch, body.octets)
        log.info(
            "batch taken",
            extra={"source": batch.source, "tracking": batch.tracking, "rows": batch.rows},
        )
        return _accepted(batch)

    async def tell(self, asked: Asked, tracking: str, after: int, limit: int) -> Reply:
        """
        Tell what became of a batch, row by row.

        Errors:
            ProblemError: there is none, or it can't be told now.
        """
        key_id = self._admit(asked)
        told = await self._ask(
            _told, asked.source, key_id, (tracking, after, min(limit, ROWS_TOLD))
        )
        return Reply(200, _document(told, after))

    def _admit(self, asked: Asked) -> str | None:
        """Give the id of the key that the request is signed with; None: the source's own certificate was shown."""
        written = asked.fields.get("authorization")
        now = self._clock.seconds()
        key_id = None
        if written is not None:
            shown = signed.authorization_of(written)
            parts = {
                "method": asked.method,
                "path": asked.path,
                "idempotency_key": asked.fields.get("idempotency-key", "").encode(),
                "body_sha256": asked.body_sha256,
            }
            signed.check(self._source_key, asked.source, shown, parts, now)
            if not self._nonces.take(shown.key, shown.nonce, now):
                raise signed.not_signed("this nonce was used: sign each request with another one")
            key_id = shown.key
        elif asked.certified != asked.source:
            raise signed.not_signed(
                f"show a certificate whose common name is {asked.source}, or the field Authorization: {signed.FORM}"
            )
        allowance = self._allowances.setdefault(
            asked.source, Allowance(self._config.requests_a_second, now)
        )
        if not allowance.take(now):
            detail = f"more than {self._config.requests_a_second} requests a second; send more rows in each"
            raise ProblemError(429, "too_many_requests", detail, retry_after_s=1)
        return key_id

    async def _again(self, asked: Asked, batch: Batch, *, taken: bool) -> Reply:
        """Answer as the first time; where that was cut off before the file was there, hand it in."""
        _check_same(asked, batch)
        if not taken:
            known = await self._ask(_look, asked.source, asked.key, None)
            body = await self._in_thread(_body, known.profile, asked, self._config.rows_max)
            if body.sha256 != batch.sha256:
                detail = f"how {asked.source} is read has changed since; send the rows again under another key"
                raise ProblemError(409, "changed", detail)
            await self._keep(batch, body.octets)
        return _accepted(batch)

    async def _keep(self, batch: Batch, octets: bytes) -> None:
        root = self._spool.directory
        try:
            await self._in_thread(bodies.keep, root, batch.source, batch.tracking, octets)
        except OSError as error:
            log.error("a batch can't be kept: %s", error)  # noqa: TRY400 - the cause is told
            raise pressed(
                "the batch can't be kept at the moment; send it again with the same key"
            ) from error

    async def _has_room(self, source: str, rows_waiting: int) -> None:
        root, config = self._spool.directory, self._config
        if not has_room(root, self._spool.room_octets_min):
            raise pressed("there is too little room at the moment")
        if rows_waiting >= config.rows_waiting_max:
            raise pressed(f"{rows_waiting} rows wait to be worked")
        waiting = await self._in_thread(bodies.files_waiting, root, source)
        if waiting >= config.files_waiting_max:
            raise pressed(f"{waiting} files of this source wait to be taken in")

    async def _ask(
        self, work: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        try:
            return await self._database.run_repeatable(work, *args, **kwargs)
        except NotPerformedError as error:
            raise ProblemError(
                503, "unavailable", f"{error.refused.text}; send the same with the same key", retry_after_s=AWAY_SECONDS
            ) from error  # fmt: skip

    def _in_thread(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Deferred[R]:
        pool = self._threads.getThreadPool()
        return deferToThreadPool(self._threads, pool, call, *args, **kwargs)


def pressed(detail: str) -> ProblemError:
    """Say that it is too much at the moment."""
    return ProblemError(503, "busy", detail, retry_after_s=PRESSED_SECONDS)


def _look(txn: Transaction, source: str, key: str, key_id: str | None) -> _Known:
    """Look up what is known of a source and its key; whoever signed must still be allowed to."""
    found = _source(txn, source, key_id)
    batch = batches.by_key(txn, source, key)
    return _Known(
        profile=Profiles().of(txn, found),
        batch=batch,
        taken=batch is not None and batches.progress(txn, batch) is not None,
        rows_waiting=batches.rows_waiting(txn),
        octets_max=batches.octets_max(txn, source),
    )


def _told(
    txn: Transaction, source: str, key_id: str | None, wanted: tuple[str, int, int]
) -> _Told:
    tracking, after, limit = wanted
    _source(txn, source, key_id)
    batch = batches.by_tracking(txn, source, tracking)
    if batch is None:
        raise ProblemError(404, "not_found", f"{source} has sent no batch {tracking}")
    progress = batches.progress(txn, batch)
    rows = batches.rows(txn, progress, after, limit) if progress else ()
    return _Told(batch, progress, rows)


def _source(txn: Transaction, source: str, key_id: str | None) -> files.Source:
    if key_id is not None and not source_keys.may_sign(txn, source, key_id):
        raise signed.not_signed("this key was taken back; ask for another one")
    found = files.source(txn, source)
    if found is None:
        raise ProblemError(404, "not_found", f"there is no source {source}")
    return found


def _body(profile: Profile | None, asked: Asked, rows_max: int) -> Body:
    """Make the file of a body. In a thread."""
    if profile is None:
        raise pressed(f"{asked.source} has a profile that is not known; tell who runs bmuid")
    media_type = asked.fields.get("content-type", "").partition(";")[0].strip().lower()
    wanted = bodies.media_types(profile)
    if media_type not in wanted:
        detail = f"the field Content-Type is {media_type!r}; {asked.source} is read as {' or '.join(wanted)}"
        raise ProblemError(415, "wrong_content_type", detail)
    if asked.fields.get("content-encoding", "identity") != "identity":
        raise ProblemError(415, "encoded", "send the body as it is, without Content-Encoding")
    try:
        return bodies.body_of(profile, media_type, asked.body, rows_max)
    except NoBatchError as error:
        raise ProblemError(422, "no_batch", str(error)) from error


def _check_size(asked: Asked, octets_max: int | None) -> None:
    if octets_max is not None and len(asked.body) > octets_max:
        detail = f"{asked.source} may send {octets_max} octets at a time, not {len(asked.body)}"
        raise ProblemError(413, "too_large", detail)


def _check_same(asked: Asked, batch: Batch) -> None:
    if asked.body_sha256 != batch.body_sha256:
        detail = "this Idempotency-Key was used for another body; give each batch a key of its own"
        raise ProblemError(422, "key_reused", detail)


def _accepted(batch: Batch) -> Reply:
    document: dict[str, object] = {
        "tracking": batch.tracking,
        "rows": batch.rows,
        "status": f"/usage/v1/{batch.source}/batches/{batch.tracking}",
    }
    return Reply(202, document)


def _document(told: _Told, after: int) -> dict[str, object]:
    batch, found = told.batch, told.progress
    document: dict[str, object] = {
        "tracking": batch.tracking,
        "source": batch.source,
        "key": batch.key,
        "received_at": batch.at.isoformat() if batch.at else None,
        "rows": found.lines if found and found.lines else batch.rows,
        "state": found.state if found else "WAITING",
        "verdicts": [
            {name: value for name, value in asdict(row).items() if value is not None}
            for row in told.rows
        ],
        "next": None,
    }
    if found is not None:
        document["counts"] = {
            name: getattr(found, name) for name in ("new", "duplicate", "suspended", "rejected")
        }
        last = after + len(told.rows)
        if told.rows and last < found.lines:
            document["next"] = f"/usage/v1/{batch.source}/batches/{batch.tracking}?after={last}"
        if found.held is not None:
            document["held"] = found.held
    return document
