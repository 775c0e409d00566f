from collections.abc import Callable

from bmu.mediation import Reject
from bmu.rating import Owner, Rated, Unrated
from bmu.usage import UDR
from bmuid.intake.loops import Month, OfOneDay

def glance(
    lines: list[bytes],
    texts: list[bytes | None],
    known: dict[bytes | None, int],
    home_of: Callable[[bytes | None], int],
    part: int,
    /,
) -> tuple[list[bytes], list[int], list[int]]: ...
def own(
    taken: list[UDR | Reject],
    owners: dict[str, dict[str, Owner | list[Owner]]],
    window: tuple[int, int],
    shared: set[int],
    owner_of: Callable[[UDR], Owner | Unrated | None],
    /,
) -> tuple[list[UDR], list[Owner | Unrated], list[Reject]]: ...
def survey(
    udrs: list[UDR], owners: list[Owner | Unrated], granted: dict[int, Month], /
) -> tuple[set[int], int, int, list[int]]: ...
def by_account(udrs: list[UDR], owners: list[Owner], /) -> tuple[list[UDR], list[Owner]]: ...
def by_day(
    udrs: list[UDR], owners: list[Owner], outcomes: list[Rated | Unrated], /
) -> tuple[list[OfOneDay], list[tuple[UDR, Unrated]]]: ...
