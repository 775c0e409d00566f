from collections.abc import Callable

from bmu.mediation.digest import Addresses
from bmu.mediation.plan import Hash, Plan, Take
from bmu.mediation.reject import Reject
from bmu.usage import UDR

def take_some(
    plan: Plan,
    lines: tuple[bytes, ...],
    line_nos: tuple[int, ...],
    take: Take,
    udr: type[UDR],
    sha256: Hash,
    sha256_at: Addresses,
    /,
) -> list[UDR | Reject]: ...
def uids_of(
    plan: Plan,
    texts: list[bytes],
    uid_of: Callable[[bytes], tuple[str, str] | None],
    /,
) -> list[tuple[str, str] | None]: ...
def marks(
    plan: Plan, octets: bytearray, end: int, lines_max: int, octets_max: int, is_told: bool, /
) -> tuple[bytes, int]: ...
