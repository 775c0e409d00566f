from collections.abc import Callable, Sequence

from bmu.rating.bucket import BucketState
from bmu.rating.group import Resolved
from bmu.rating.layout import Laid
from bmu.rating.moment import Moment
from bmu.rating.outcome import Rated, Unrated
from bmu.rating.owner import Owner, Terms
from bmu.rating.rate import Known
from bmu.rating.sharing import Participation
from bmu.rating.way import Choice
from bmu.usage import UDR

class Index:
    def __init__(self, places: dict[str, tuple[int, int]], /) -> None: ...

class Memory:
    def __init__(
        self,
        quarters: dict[int, Moment],
        index: Index | None,
        number: int,
        facts: tuple[int, int, int, str],
        resolved: type[Resolved],
        choice: type[Choice],
        laid_out: Callable[[Choice], Laid | None],
        is_moved: Callable[[int], bool] | None,
        /,
    ) -> None: ...

def rate_batch(
    udrs: list[UDR],
    owners: list[Owner],
    known_of: Callable[[Terms, str, str | None], Known | None],
    buckets_by_service: dict[int, Sequence[BucketState]],
    participations_by_service: dict[int, Sequence[Participation]],
    rate_one: Callable[[UDR, Owner], Rated | Unrated],
    rated: type[Rated],
    end_us: int,
    /,
) -> list[Rated | Unrated]: ...
