"""To which part of a file a line belongs, told at a glance: so that each worker mediates its own lines only."""

from dataclasses import dataclass, field

from bmu.mediation import Mediator
from bmu.rating import PART_OF_NOBODY, Owners
from bmuid.intake.loops import LOOK_CLOSER, Glanced, Home, Known, new_known

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
    _known: Known = field(default_factory=new_known)

    @property
    def made_for(self) -> tuple[Mediator, Owners, int]:
        """What the answers hang on."""
        return self.mediator, self.owners, self.parts

    def glance(self, lines: list[bytes], part: int) -> Glanced:
        """Give the lines that a part has to mediate, as Known.glance does."""
        texts = self.mediator.uid_texts(lines)

        def homes_of(some: list[bytes | None]) -> list[Home]:
            # Who of several owns it when the line's event began, the glance does not tell.
            homes = self.owners.homes(self.mediator.uids_of(some), self.parts, part)
            return (
                [
                    (LOOK_CLOSER, None) if text is None else home
                    for text, home in zip(some, homes, strict=True)
                ]
                if None in some
                else homes
            )

        return self._known.glance(lines, texts, homes_of, part)
