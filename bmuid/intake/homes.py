"""To which part of a file a line belongs, told at a glance: so that each worker mediates its own lines only."""

from dataclasses import dataclass, field

from bmu.mediation import Mediator
from bmu.rating import Owners
from bmuid.intake.loops import LOOK_CLOSER, Glanced, Home, Known, new_known

# Lines without an owner need a part too.
PART_OF_NOBODY = 0


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
        return self._known.glance(lines, texts, self._home, part)

    def _home(self, text: bytes | None) -> Home:
        if text is None:
            return LOOK_CLOSER, None
        uid = self.mediator.uid_of(text)
        owners = () if uid is None else self.owners.all_of(*uid)
        if not owners:
            return PART_OF_NOBODY, None
        # Who of several owns it when the line's event began, the glance does not tell.
        parts = {part_of(owner.account_id, self.parts) for owner in owners}
        part = parts.pop() if len(parts) == 1 else LOOK_CLOSER
        return part, owners[0] if len(owners) == 1 else None
