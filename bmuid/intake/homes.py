"""To which part of a file a line belongs, told at a glance: so that each worker mediates its own lines only."""

from dataclasses import dataclass, field

from bmu.mediation import Mediator
from bmu.rating import Owners
from bmuid.intake.loops import LOOK_CLOSER, glance

# Lines without an owner need a part too.
PART_OF_NOBODY = 0
KNOWN_MAX = 1_000_000


def part_of(account_id: int, parts: int) -> int:
    """Give the part that works an account's usage."""
    return account_id % parts


@dataclass(slots=True)
class Homes:
    """The parts of lines of one source, by the owners of one revision, in files of so many parts."""

    mediator: Mediator
    owners: Owners
    parts: int
    _known: dict[bytes | None, int] = field(default_factory=dict)

    @property
    def made_for(self) -> tuple[Mediator, Owners, int]:
        """What the answers hang on."""
        return self.mediator, self.owners, self.parts

    def glance(self, lines: list[bytes], part: int) -> tuple[list[bytes], list[int], list[int]]:
        """
        Give the lines that a part has to mediate.

        Shapes:
            Result: the lines, empty where they are cut; their places; the places of those that
                may be another part's, which who mediates them finds out.
        """
        texts = self.mediator.uid_texts(lines)
        return glance(lines, texts, self._known, self._remember, part)

    def _remember(self, text: bytes | None) -> int:
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        part = self._known[text] = self._part(text)
        return part

    def _part(self, text: bytes | None) -> int:
        if text is None:
            return LOOK_CLOSER
        uid = self.mediator.uid_of(text)
        accounts = frozenset() if uid is None else self.owners.accounts(*uid)
        if not accounts:
            return PART_OF_NOBODY
        # Who owns it when the line's event began, the glance does not tell.
        parts = {part_of(account_id, self.parts) for account_id in accounts}
        return parts.pop() if len(parts) == 1 else LOOK_CLOSER
