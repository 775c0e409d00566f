"""What the demo says while it works: a line a step, and a bar where there is a terminal to draw it on."""

import sys
from dataclasses import dataclass, field

NAME_WIDTH = 14
BAR_WIDTH = 30


@dataclass(slots=True)
class Teller:
    """Writes to standard output; once that is gone, says nothing more."""

    _bar: bool = False
    _gone: bool = False
    is_terminal: bool = field(default_factory=sys.stdout.isatty)

    def step(self, name: str, text: str) -> None:
        """Tell that a step is done; it takes the place of the bar before it."""
        self._write(("\r\033[K" if self._bar else "") + f"  {name:<{NAME_WIDTH}}{text}\n")
        self._bar = False

    def line(self, text: str = "") -> None:
        """Write a line as it is."""
        self._write(text + "\n")

    def progress(self, name: str, done: int, total: int, seconds: float) -> None:
        """Draw how far a step is after so many seconds; without a terminal, a line each time."""
        rate = int(done / seconds) if seconds > 0 else 0
        figures = f"{done:,} of {total:,}, {rate:,} a second"
        if not self.is_terminal:
            self._write(f"  {name:<{NAME_WIDTH}}{figures}\n")
            return
        part = min(done, total) * BAR_WIDTH // max(total, 1)
        bar = "#" * part + "-" * (BAR_WIDTH - part)
        self._write(f"\r\033[K  {name:<{NAME_WIDTH}}[{bar}] {figures}")
        self._bar = True

    def _write(self, text: str) -> None:
        if self._gone:
            return
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError:
            # The terminal was closed or the reader went away; the work, and its orderly end, go on.
            self._gone = True
