from collections.abc import Callable
from typing import Any

from bmu.rating import Rated
from bmu.rating.balance import Entry
from bmu.rating.rerate import Live
from bmu.usage import UDR

def lives(
    octets: bytes | memoryview,
    wanted: set[int],
    gone: set[tuple[Any, ...]],
    moved: dict[tuple[int, int], list[Entry]],
    uids: dict[int, tuple[str, ...]],
    classes: dict[int, str],
    live: type[Live],
    udr: type[UDR],
    rated: type[Rated],
    one: Callable[[tuple[Any, ...], tuple[Entry, ...]], Live],
    /,
) -> tuple[list[Live], list[tuple[int, int]]]: ...
