"""The columns of a sample that a profile is proposed for, and what is uncertain about them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bmu.mediation.proposal.column import Role, rank
from bmu.mediation.proposal.dialect import Sample


@dataclass(slots=True)
class Doubts:
    """
    What is to be looked at.

    Shapes:
        told: all of it; *gaps*: what of it was needed and could not be told at all.
    """

    told: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    def guess(self, doubt: str) -> None:
        """Tell of something that may be otherwise."""
        self.told.append(doubt)

    def gap(self, doubt: str) -> None:
        """Tell of something that somebody has to put in."""
        self.told.append(doubt)
        self.gaps.append(doubt)


class Columns:
    """
    The columns of a sample by name, and what they were taken for.

    Shapes:
        cells: of each column its text of every row; *texts*: those that are not empty.
    """

    def __init__(self, sample: Sample) -> None:
        count = len(sample.heading) or len(sample.rows[0])
        named = [" ".join(name.split()) for name in sample.heading] or [""] * count
        self.names = [_plain(name) or f"c{n}" for n, name in enumerate(named, 1)]
        self.cells = {name: [row[n] for row in sample.rows] for n, name in enumerate(self.names)}
        self.texts = {
            name: [text for text in texts if text.strip()] for name, texts in self.cells.items()
        }
        self.rows = len(sample.rows)
        self.said: dict[str, str] = {}

    def best(self, role: Role, fits: Sequence[str]) -> str | None:
        """Give the column whose name says the surest that it has a role, of those that it may be."""
        ranked = [(found, name) for name in fits if (found := rank(name, role)) is not None]
        ranked = [each for each in ranked if each[1] not in self.said]
        if not ranked:
            return None
        name = min(ranked, key=lambda each: each[0])[1]
        self.said[name] = role.value
        return name


def _plain(name: str) -> str:
    return "".join(char for char in name if char.isprintable() and char not in '{}"\\')
