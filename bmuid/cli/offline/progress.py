"""How far the work is, for whoever watches a terminal."""

from typing import TextIO

_WIDTH = 40


class Progress:
    """A bar on a terminal; nothing where there is none."""

    def __init__(self, file: TextIO, size: int | None) -> None:
        self._file = file
        self._size = size if size and file.isatty() else None
        self._shown = -1

    def at(self, octets: int, events: int) -> None:
        """Show how much of the file was read; only when that looks different."""
        if self._size is None:
            return
        percent = min(100, 100 * octets // self._size)
        if percent != self._shown:
            self._shown = percent
            bar = "#" * (_WIDTH * percent // 100)
            self._file.write(f"\r[{bar:<{_WIDTH}}] {percent:3} %  {events} events")
            self._file.flush()

    def end(self) -> None:
        """Take the bar away."""
        if self._shown >= 0:
            self._file.write("\r" + " " * (_WIDTH + 40) + "\r")
