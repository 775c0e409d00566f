"""To which part of a file a line belongs, told at a glance: so that each worker mediates its own lines only."""

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bmu.mediation import Mediator
from bmu.mediation.mediator import MARK
from bmu.rating import PART_OF_NOBODY, Owners
from bmuid.intake.lines import LINE_OCTETS_MAX, Lines
from bmuid.intake.loops import Glanced, Home, Known, new_marked

if TYPE_CHECKING:
    from bmuid.intake._loops import Marked

__all__ = ["PART_OF_NOBODY", "Homes", "part_of"]


def part_of(account_id: int, parts: int) -> int:
    """Give the part that works an account's usage."""
    return account_id % parts


@dataclass(slots=True)
class Homes:
    """The parts of lines of one source, by the owners of one revision, in files of so many parts."""

    mediator: Mediator
    owners: Owners
    parts: int
    _marked: "Marked | None" = field(default_factory=new_marked)
    _known: Known = field(default_factory=Known)

    @property
    def made_for(self) -> tuple[Mediator, Owners, int]:
        """What the answers hang on."""
        return self.mediator, self.owners, self.parts

    def glance(self, lines: Lines, lines_max: int, first_line: int, part: int) -> Glanced:
        """
        Take lines that were read, at most so many, and give those that a part has to mediate, as Known.glance does.

        Shapes:
            first_line: the number of the first of them.
        """
        marked = None
        if self._marked is not None:
            marked = self.mediator.marks(lines.octets, lines.end, lines_max, LINE_OCTETS_MAX + 1)
        if self._marked is None or marked is None:
            some = lines.take(lines_max)
            return self._known.glance(
                some, self.mediator.uid_texts(some), first_line, partial(self._of, part), part
            )
        marks, taken = marked
        found = self._marked.glance(lines.octets, marks, first_line, partial(self._of, part), part)
        lines.passed(len(marks) // MARK.size, taken)
        return found

    def _of(self, part: int, some: list[bytes]) -> list[Home]:
        """Give homes; who of several owned it when the line's event began, the glance does not tell."""
        return self.owners.homes(self.mediator.uids_of(some), self.parts, part)
