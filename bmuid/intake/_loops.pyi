from collections.abc import Callable

from bmu.mediation import Reject
from bmu.rating import Owner, Rated, Unrated
from bmu.usage import UDR
from bmuid.intake.loops import Glanced, HomesOf, Month, OfOneDay

class Marked:
    def glance(
        self, octets: bytearray, marks: bytes, first_line: int, homes_of: HomesOf, part: int, /
    ) -> Glanced: ...

def own(
    taken: list[UDR | Reject],
    owners: list[Owner | None],
    window: tuple[int, int],
    owner_of: Callable[[UDR], Owner | Unrated | None],
    /,
) -> tuple[list[UDR], list[Owner | Unrated], list[Reject]]: ...
def survey(
    udrs: list[UDR], owners: list[Owner | Unrated], granted: dict[int, Month], /
) -> tuple[set[int], int, int, list[int]]: ...
def by_account(udrs: list[UDR], owners: list[Owner], /) -> tuple[list[UDR], list[Owner]]: ...
def by_key(udrs: list[UDR], /) -> tuple[list[UDR], bool]: ...
def by_day(
    udrs: list[UDR], owners: list[Owner], outcomes: list[Rated | Unrated], /
) -> tuple[list[OfOneDay], list[tuple[UDR, Unrated]]]: ...
