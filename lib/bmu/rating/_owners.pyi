from collections.abc import Mapping

from bmu.rating.outcome import UnratedReason
from bmu.rating.owner import Owner, Terms
from bmu.rating.packed import Home, Uid
from bmu.usage import UDR

class Packed:
    def __init__(
        self, octets: bytes | bytearray | memoryview, terms: Mapping[int, Terms], /
    ) -> None: ...
    @property
    def uids(self) -> int: ...
    def find(self, uid_type: str, value: str, started_us: int, /) -> Owner | UnratedReason: ...
    def find_all(self, udrs: list[UDR], /) -> list[Owner | UnratedReason]: ...
    def all_of(self, uid_type: str, value: str, /) -> tuple[Owner, ...]: ...
    def homes(self, uids: list[Uid | None], parts: int, part: int, /) -> list[Home]: ...

def pack_copied(
    rows: bytes | bytearray | memoryview,
    number_of: Mapping[bytes, int],
    special: dict[int, int],
    /,
) -> bytes: ...
