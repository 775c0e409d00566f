from collections.abc import Sequence
from typing import Any

from bmuid.store.copying import Field

def encode(
    fields: tuple[Field, ...],
    sources: tuple[Sequence[object], ...],
    constants: tuple[bytes, ...],
    first: int,
    last: int,
    each: tuple[int, int],
    /,
) -> bytes: ...
def decode(forms: str, octets: bytes | memoryview, /) -> list[tuple[Any, ...]]: ...
