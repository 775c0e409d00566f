from collections.abc import Callable, Sequence

from bmu.rating.bucket import BucketState
from bmu.rating.group import Resolved
from bmu.rating.moment import Moment
from bmu.rating.outcome import Rated, Unrated
from bmu.rating.owner import Owner, Terms
from bmu.rating.rate import Known
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
        /,
    ) -> None: ...

def rate_batch(
    udrs: list[UDR],
    owners: list[Owner],
    known_of: Callable[[Terms, str], Known | None],
    buckets_by_service: dict[int, Sequence[BucketState]],
    rate_one: Callable[[UDR, Owner], Rated | Unrated],
    rated: type[Rated],
    end_us: int,
    /,
) -> list[Rated | Unrated]: ...
