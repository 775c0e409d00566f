def prepare(
    kinds: tuple[tuple[int, int, tuple[tuple[int, bytes], ...]], ...],
    structures: tuple[tuple[tuple[int, int, bytes], ...], ...],
    records: int,
    /,
) -> object: ...
def lines(
    prepared: object, octets: bytes, at: int, end: int, stand: int, /
) -> tuple[list[bytes], int]: ...
