"""The octets of a file as they are read on: a window over its blocks that holds what is needed and no more."""

from collections.abc import Iterable

from bmu.mediation.rows import FAULT_OCTETS_MAX

READ_OCTETS = 1 << 16


class Window:
    """
    Octets of a file from some place on.

    Shapes:
        octets: what is in the window.
        at: the place in it up to which everything is done with.
        start: the number of its first octet in the file.
    """

    __slots__ = ("_blocks", "at", "octets", "start")

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self.octets = b""
        self.at = 0
        self.start = 0

    @property
    def octet(self) -> int:
        """The number, in the file, of the octet that comes next."""
        return self.start + self.at

    @property
    def left(self) -> int:
        """How many octets are in the window that nothing is done with yet."""
        return len(self.octets) - self.at

    def widen(self) -> bool:
        """Read on, and let go of what is done with; say whether there was anything left to read."""
        kept, self.start = [self.octets[self.at :]], self.octet
        self.at = read = 0
        for block in self._blocks:
            kept.append(block)
            read += len(block)
            if read >= READ_OCTETS:
                break
        self.octets = b"".join(kept)
        return read > 0

    def holds(self, count: int) -> bool:
        """Say whether so many octets come next, and read on as far as that takes."""
        while self.left < count:
            if not self.widen():
                return False
        return True

    def skip(self, count: int) -> bytes:
        """Pass over so many octets, or to the end of the file, and give the first of them."""
        self.holds(min(count, FAULT_OCTETS_MAX))
        first = self.octets[self.at : self.at + min(count, FAULT_OCTETS_MAX)]
        while self.left < count:
            count -= self.left
            self.at = len(self.octets)
            if not self.widen():
                return first
        self.at += count
        return first

    def skip_all(self) -> tuple[bytes, int]:
        """Pass over the rest of the file; give the first octets of it, and how many there were."""
        self.holds(FAULT_OCTETS_MAX)
        first, count = self.octets[self.at : self.at + FAULT_OCTETS_MAX], 0
        while True:
            count += self.left
            self.at = len(self.octets)
            if not self.widen():
                return first, count
