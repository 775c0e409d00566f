from collections.abc import Sequence

from bmuid.store.copying import Field

def encode(
    fields: tuple[Field, ...],
    sources: tuple[Sequence[object], ...],
    constants: tuple[bytes, ...],
    first: int,
    last: int,
    /,
) -> bytes: ...
