"""Partial records into their sessions: a chunk of lines, or sessions that are due, one transaction each."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import attrgetter

from bmu.mediation import Profile, Reject
from bmu.mediation.aggregation import Aggregation
from bmu.mediation.assembled import assembled_line
from bmu.mediation.partial import Kind, Row
from bmu.mediation.partials import Partials
from bmu.mediation.reject import Reason
from bmu.mediation.session import NEW, Gathering, State, Why
from bmuid.intake import repeats
from bmuid.intake.chunk import ChunkFailedError, FileBlockedError, LinesLostError, next_chunk
from bmuid.intake.lines import LINE_OCTETS_MAX, Chunk
from bmuid.intake.ours import rejected
from bmuid.intake.profiles import Profiles
from bmuid.intake.repeats import Repeat
from bmuid.intake.spool import Spool
from bmuid.store import files, parts, usage_sessions, verdicts, wakeup
from bmuid.store.files import Source, Verdicts
from bmuid.store.limits import of_source
from bmuid.store.parts import Part
from bmuid.store.transaction import DatabaseError, Transaction, is_refused
from bmuid.store.usage_sessions import Due, Made, Stored, Waits
from bmuid.store.verdicts import Outcome, Verdict

CHUNK_LINES = 5000
DUE_AT_ONCE = 2000
READERS_MAX = 200

_EVENT_KEY = attrgetter("event_key")


@dataclass(slots=True)
class Sessions:
    """
    What who works sessions keeps from one step to the next.

    Shapes:
        days_back: so long after its last record is a session remembered, unless its source has a shorter window.
    """

    spool: Spool
    days_back: int
    chunk_lines: int = CHUNK_LINES
    profiles: Profiles = field(default_factory=Profiles)
    readers: dict[tuple[Source, bytes | None], "Reader"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads the records of one source, and takes them into sessions."""

    partials: Partials
    gathering: Gathering
    waits: Waits


@dataclass(frozen=True, slots=True)
class Taken:
    """Lines of a file that were taken; *done*: they were its last."""

    part: Part
    next_line: int
    found: Verdicts
    emissions: int
    done: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """Sessions of a source that were due: ended, forgotten, or to be looked at later."""

    source: str
    ended: int
    forgotten: int
    later: int


def take(txn: Transaction, sessions: Sessions, now: datetime) -> Taken | None:
    """
    Take the next lines of the oldest file of partial records that is free: each gets its verdict.

    Shapes:
        Result: None when there is nothing to do.

    Errors:
        FileBlockedError: the file is gone or cut, or its profile is not known.
        ChunkFailedError: a fault of the program, or of what the database holds.
        DatabaseError: the database is away or out of means, or the transaction lost a race.
    """
    part = parts.take_partial(txn)
    if part is None or not usage_sessions.alone(txn, part.source.id):
        return None
    try:
        return _take(txn, sessions, part, now)
    except (FileBlockedError, LinesLostError):
        raise
    except Exception as error:
        if isinstance(error, DatabaseError) and not is_refused(error):
            raise
        raise ChunkFailedError(part) from error


def _take(txn: Transaction, sessions: Sessions, part: Part, now: datetime) -> Taken:
    reader = _reader(txn, sessions, part)
    chunk = next_chunk(sessions.spool, part, sessions.chunk_lines)
    rows = reader.partials.rows(_cut(chunk), chunk.first_line)
    count = _until_node(rows)
    if count < len(rows):
        chunk, rows = next_chunk(sessions.spool, part, count), rows[:count]
    fresh = [each for each in rows if isinstance(each, Row)]
    said = [rejected(each, chunk) for each in rows if isinstance(each, Reject)]
    repeated = _repeated(txn, part.file_id, fresh)
    said += repeats.judge(txn, sessions.spool, sessions.profiles, (part.file_id, chunk), repeated)
    again = {each.udr.line_no for each in repeated}
    fresh = [row for row in fresh if row.line_no not in again]
    of_sessions = [row for row in fresh if row.kind is not Kind.NODE]
    made = _gather(txn, part.source, reader, of_sessions, now)
    # Its is the last line of the chunk.
    said += [_node(txn, part, chunk, row) for row in fresh if row.kind is Kind.NODE]
    verdicts.add(txn, part.file_id, said)
    found = _counted(of_sessions, said)
    parts.advance(txn, part, chunk.next_line, chunk.next_octet, found, None)
    done = chunk.next_line > part.lines
    if done:
        wakeup.tell(txn, wakeup.USAGE)
    return Taken(part, chunk.next_line, found, made, done)


def end(txn: Transaction, sessions: Sessions, code: str, now: datetime) -> Ended | None:
    """
    End the next sessions of a source that are due, and forget those that ended long ago.

    Shapes:
        Result: None when there is nothing to do.
    """
    source = files.source(txn, code)
    if source is None or not usage_sessions.alone(txn, source.id):
        return None
    found = usage_sessions.to_close(txn, source.id, DUE_AT_ONCE)
    found = found or usage_sessions.due(txn, source.id, now, DUE_AT_ONCE)
    if not found:
        return None
    ended = forgotten = later = 0
    for profile in dict.fromkeys((each.profile, each.profile_version) for each in found):
        of_profile = [each for each in found if (each.profile, each.profile_version) == profile]
        read_by = replace(source, profile=profile[0], profile_version=profile[1])
        counts = _end(txn, sessions, read_by, of_profile, now)
        ended, forgotten, later = (
            a + b for a, b in zip((ended, forgotten, later), counts, strict=True)
        )
    return Ended(code, ended, forgotten, later)


def _end(
    txn: Transaction, sessions: Sessions, source: Source, found: Sequence[Due], now: datetime
) -> tuple[int, int, int]:
    aggregation = _aggregation(sessions.profiles.of(txn, source))
    if aggregation is None:
        # Who loads the profile again has them ended.
        usage_sessions.later(txn, [(each.stored.id, now + timedelta(hours=1)) for each in found])
        return 0, 0, len(found)
    waits = _waits(txn, sessions, source, aggregation)
    gathering = Gathering(aggregation, source.time_zone)
    over: list[Stored] = []
    made: list[Made] = []
    old: list[int] = []
    later: list[tuple[int, datetime]] = []
    for each in found:
        stored = each.stored
        due_at = each.last_at + waits.of(stored.session.state)
        is_over = stored.session.state is State.FINISHED
        if (each.why is None and due_at > now) or (each.why is not None and is_over):
            later.append((stored.id, due_at))
        elif is_over:
            old.append(stored.id)
        else:
            session, told = gathering.over(stored.session, each.why or Why.TIMED_OUT)
            over.append(stored._replace(session=session))
            made += [Made(stored.id, one, assembled_line(stored.id, one)) for one in told]
    usage_sessions.ended(txn, over, now, waits)
    usage_sessions.emit(txn, source, made, now)
    usage_sessions.later(txn, later)
    forgotten = usage_sessions.forget(txn, old) if old else 0
    return len(over), forgotten, len(later)


def _aggregation(profile: Profile | None) -> Aggregation | None:
    return None if profile is None else profile.aggregation


def _waits(
    txn: Transaction, sessions: Sessions, source: Source, aggregation: Aggregation
) -> Waits:
    limits = of_source(txn, source.id)
    days = None if limits is None else limits.days_back
    return Waits(
        timedelta(seconds=aggregation.timeout_s),
        timedelta(seconds=aggregation.wait_s),
        # A record that comes later yet is of usage that began before the window, so it is not charged anew.
        timedelta(days=sessions.days_back if days is None else min(days, sessions.days_back)),
    )


def _reader(txn: Transaction, sessions: Sessions, part: Part) -> Reader:
    source = part.source
    found = sessions.readers.get((source, part.header))
    if found is not None:
        return found
    profile = sessions.profiles.of(txn, source)
    aggregation = _aggregation(profile)
    if profile is None or aggregation is None:
        raise FileBlockedError(
            part,
            f"it holds partial records, to be read by the profile {source.profile!r}, which this program does not"
            " know: start the program that has it, or one that is newer, and let the file be tried again",
        )
    if len(sessions.readers) >= READERS_MAX:
        sessions.readers.clear()
    reader = Reader(
        Partials(profile, aggregation, source.settings, part.header or b""),
        Gathering(aggregation, source.time_zone),
        _waits(txn, sessions, source, aggregation),
    )
    return sessions.readers.setdefault((source, part.header), reader)


def _cut(chunk: Chunk) -> list[bytes]:
    """Give the lines, those that are too long as empty ones: of what is cut nothing can be known."""
    return [line if len(line) <= LINE_OCTETS_MAX else b"" for line in chunk.lines]


def _until_node(rows: Sequence[Row | Reject]) -> int:
    """Count the lines up to the first record of a whole switch: its sessions end before what is behind it comes."""
    for count, row in enumerate(rows, 1):
        if isinstance(row, Row) and row.kind is Kind.NODE:
            return count
    return len(rows)


def _repeated(txn: Transaction, file_id: int, rows: list[Row]) -> list[Repeat]:
    ordered = sorted(rows, key=_EVENT_KEY)
    keys = [row.event_key for row in ordered]
    return repeats.claimed(txn, file_id, ordered, any_twice=len({*keys}) < len(keys))


def _node(txn: Transaction, part: Part, chunk: Chunk, row: Row) -> Verdict:
    """End the sessions of a switch, and give the verdict of the record that says so."""
    ended = usage_sessions.end_of_node(txn, part.source.id, row.node, row.at_us)
    said = f"it ends the sessions of {row.name} from before it, which were {ended}"
    return rejected(Reject(row.line_no, Reason.FILTERED, said), chunk)


def _gather(
    txn: Transaction, source: Source, reader: Reader, rows: Sequence[Row], now: datetime
) -> int:
    """Take records into their sessions; give how often usage was made, or records accounted for."""
    if not rows:
        return 0
    wanted = list(dict.fromkeys(row.session for row in rows))
    known = usage_sessions.load(txn, source.id, wanted)
    ids = iter(usage_sessions.new_ids(txn, len(wanted) - len(known)))
    made: list[Made] = []
    for row in rows:
        stored = known.get(row.session) or Stored(next(ids), row.session, row.node, row.name, NEW)
        session, told = reader.gathering.taken(stored.session, row)
        known[row.session] = stored._replace(session=session)
        made += [Made(stored.id, one, assembled_line(stored.id, one)) for one in told]
    usage_sessions.put(txn, source, list(known.values()), now, reader.waits)
    usage_sessions.emit(txn, source, made, now)
    return len(made)


def _counted(rows: Sequence[Row], said: Sequence[Verdict]) -> Verdicts:
    counts = [each.outcome for each in said]
    return Verdicts(
        new=len(rows),
        duplicate=counts.count(Outcome.DUPLICATE),
        suspended=counts.count(Outcome.SUSPENDED),
        rejected=counts.count(Outcome.REJECTED),
    )
