"""Lines of text as rows of one field, ``line``, for a site's own plug-in to take apart."""

from collections.abc import Iterable, Iterator

from bmu.mediation.rows import (
    LINE_OCTETS_MAX,
    RowError,
    Settings,
    fault_line,
    line_of,
    unknown_settings,
)

FIELD = "line"


def decode(_settings: Settings, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Give each line as a row; one that is no UTF-8, or too long, is a fault."""
    rest, octet, passed = b"", 0, 0
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield _row(line, octet)
            octet += len(line) + passed + 1
            passed = 0
        # What a line is longer by is not held.
        passed += max(len(rest) - LINE_OCTETS_MAX - 1, 0)
        rest = rest[: LINE_OCTETS_MAX + 1]
    if rest:
        yield _row(rest, octet)


def faults(settings: Settings) -> Iterator[str]:
    """Find all that is wrong with the settings."""
    yield from unknown_settings(settings, ())


def _row(line: bytes, octet: int) -> bytes:
    try:
        return line_of({FIELD: line.removesuffix(b"\r").decode()})
    except UnicodeDecodeError as error:
        return fault_line("no UTF-8", octet + error.start, line)
    except RowError as error:
        return fault_line(str(error), octet, line)
