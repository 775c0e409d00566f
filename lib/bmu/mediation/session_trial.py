"""A profile of partial records tried on lines: what session each record is of, and the usage that sessions come to."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bmu.mediation.aggregation import Aggregation
from bmu.mediation.assembled import assembled, assembled_line
from bmu.mediation.number import SourceSettings
from bmu.mediation.partial import Kind, Row
from bmu.mediation.partials import Partials
from bmu.mediation.profile import Profile
from bmu.mediation.reject import Reason, Reject
from bmu.mediation.session import NEW, Emission, Gathering, Session, State, Why
from bmu.mediation.trial import Trial, Tried


@dataclass(frozen=True, slots=True)
class TriedRecord:
    """
    What became of a line.

    Shapes:
        fields: those the record came with, by name, but for empty ones; none where the line is no row.
        same_as: the number of the line that is the same record, or none; *conflicts*: with other content.
            Only records that are not the same as another are taken into their session.
    """

    line_no: int
    fields: dict[str, str]
    outcome: Row | Reject
    same_as: int | None
    conflicts: bool


@dataclass(frozen=True, slots=True)
class TriedUsage:
    """
    What became of usage that a session came to.

    Shapes:
        session: what names it, for people.
        of: what the session came to; *usage*: what the profile made of that, or nothing where it only accounts for records.
    """

    session: str
    of: Emission
    usage: Tried | None


@dataclass(slots=True)
class _Held:
    """A session that there is."""

    name: str
    node: bytes
    now: Session = NEW
    made: list[Emission] = field(default_factory=list)


class SessionTrial:
    """
    Tries a profile on the lines of a file of partial records, and remembers their sessions for the length of it.

    Errors:
        ValueError: the profile reads local times, and the source's time zone does not exist.
    """

    def __init__(
        self, profile: Profile, aggregation: Aggregation, source: SourceSettings, header: bytes
    ) -> None:
        self._partials = Partials(profile, aggregation, source, header)
        self._gathering = Gathering(aggregation, source.time_zone)
        self._trial = Trial(assembled(profile), source)
        self._records: dict[bytes, tuple[int, int]] = {}
        self._sessions: dict[bytes, _Held] = {}

    def line(self, line_no: int, line: bytes) -> TriedRecord:
        """Try a line without its line end."""
        fields = self._partials.fields(line_no, line)
        [row] = self._partials.rows([line], line_no)
        if isinstance(row, Reject):
            return TriedRecord(line_no, fields, row, None, conflicts=False)
        first_no, content = self._records.setdefault(row.event_key, (line_no, row.content))
        if first_no != line_no:
            return TriedRecord(line_no, fields, row, first_no, conflicts=content != row.content)
        outcome = self._node(row) if row.kind is Kind.NODE else self._taken(row)
        return TriedRecord(line_no, fields, outcome, None, conflicts=False)

    def usage(self) -> Iterator[TriedUsage]:
        """End the sessions that are open yet, as if nothing more came of them, and give the usage of each, in order."""
        for session_id, held in enumerate(self._sessions.values(), 1):
            self._over(held, Why.TIMED_OUT)
            for each in held.made:
                line = assembled_line(session_id, each)
                tried = None if line is None else self._trial.line(each.number, line)
                yield TriedUsage(held.name, each, tried)

    def _taken(self, row: Row) -> Row:
        held = self._sessions.setdefault(row.session, _Held(row.name, row.node))
        held.now, told = self._gathering.taken(held.now, row)
        held.made += told
        return row

    def _node(self, row: Row) -> Reject:
        """End the sessions that a switch had when it began or ended."""
        ended = 0
        for held in self._sessions.values():
            is_open = held.now.state is not State.FINISHED
            if is_open and held.node == row.node and _is_before(held.now.until_us, row.at_us):
                self._over(held, Why.NODE)
                ended += 1
        said = f"it ends the sessions of {row.name} from before it, which were {ended}"
        return Reject(row.line_no, Reason.FILTERED, said)

    def _over(self, held: _Held, why: Why) -> None:
        held.now, told = self._gathering.over(held.now, why)
        held.made += told


def _is_before(until_us: int | None, at_us: int | None) -> bool:
    """Tell whether a session has no records from later than an instant, as far as is known."""
    return until_us is None or at_us is None or until_us <= at_us
