"""A profile tried on lines: what each stage made of each, without anything else happening."""

from collections.abc import Sequence
from dataclasses import dataclass

from bmu.mediation.derive import Step
from bmu.mediation.mediator import Mediator
from bmu.mediation.number import SourceSettings
from bmu.mediation.profile import Profile
from bmu.mediation.record import named
from bmu.mediation.reject import Reject, UnreadError
from bmu.usage import UDR


@dataclass(frozen=True, slots=True)
class Tried:
    """
    What became of a line.

    Shapes:
        fields: those the row came with, by name, but for empty ones; none where the line is no row.
        derived: fields and what was made of them, in that order, as far as it went.
        type: the name of the record type; None: of none.
        same_as: the number of the line that is the same event, or none; *conflicts*: with other content.
    """

    line_no: int
    fields: dict[str, str]
    derived: tuple[tuple[str, str], ...]
    type: str | None
    outcome: UDR | Reject
    same_as: int | None
    conflicts: bool


class Trial:
    """
    Tries a profile on the lines of a file, and remembers the events for the length of it.

    Errors:
        ValueError: the profile reads local times, and the source's time zone does not exist.
    """

    def __init__(self, profile: Profile, source: SourceSettings, header: bytes = b"") -> None:
        self._mediator = Mediator(profile, source, header)
        self._events: dict[bytes, tuple[int, int]] = {}

    def line(self, line_no: int, line: bytes) -> Tried:
        """Try a line without its line end."""
        outcome = self._mediator.take(line_no, line)
        fields: dict[str, str] = {}
        derived: list[tuple[str, str]] = []
        type_ = None
        records = self._mediator.records
        try:
            row = records.one(line_no, line.removesuffix(b"\r"))
            fields = named(row, {name: records.means.places[name] for name in records.columns})
            if records.early.dropped_by(row) is None:
                type_ = self._derive(row, derived)
        except UnreadError:
            # The outcome says why.
            pass
        first = None
        if isinstance(outcome, UDR):
            first = self._events.setdefault(outcome.event_key, (line_no, outcome.content))
        return Tried(
            line_no,
            fields,
            tuple(derived),
            type_,
            outcome,
            None if first is None or first[0] == line_no else first[0],
            first is not None and isinstance(outcome, UDR) and first[1] != outcome.content,
        )

    def _derive(self, row: list[str], derived: list[tuple[str, str]]) -> str | None:
        """Make the derived fields one by one; give the name of the row's type."""
        records = self._mediator.records
        self._steps(records.steps, row, derived)
        for kind in records.kinds:
            if kind.holds is None or kind.holds(row):
                self._steps(kind.steps, row, derived)
                return kind.of.name
        return None

    def _steps(
        self, steps: Sequence[Step], row: list[str], derived: list[tuple[str, str]]
    ) -> None:
        for step in steps:
            if step.when is None or step.when(row):
                row[step.place] = step.make(row)
                derived.append((self._mediator.records.fields[step.place], row[step.place]))
