"""To which part of a file a line belongs, told at a glance: so that each worker mediates its own lines only."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bmu.mediation import Mediator
from bmu.rating import Owners

# Lines without an owner need a part too.
PART_OF_NOBODY = 0
# The glance is not enough: who looks closer, finds one and the same part.
LOOK_CLOSER = -1
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

    def of(self, lines: Iterable[bytes]) -> list[int]:
        """Give the part of each line, or LOOK_CLOSER."""
        texts = self.mediator.uid_texts(lines)
        known = self._known
        new = set(texts).difference(known)
        if new:
            if len(known) > KNOWN_MAX:
                known.clear()
                new = set(texts)
            known.update((text, self._part(text)) for text in new)
        return [known[text] for text in texts]

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
