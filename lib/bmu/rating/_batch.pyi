from collections.abc import Callable, Sequence

from bmu.rating.bucket import BucketState
from bmu.rating.group import Resolved
from bmu.rating.outcome import Rated, Unrated
from bmu.rating.owner import Owner, Terms
from bmu.rating.route import Memory
from bmu.usage import UDR

class Index:
    def __init__(self, places: dict[str, tuple[int, int]], /) -> None: ...

def rate_batch(
    udrs: list[UDR],
    owners: list[Owner],
    memory_of: Callable[[Terms, str], Memory | None],
    buckets_by_service: dict[int, Sequence[BucketState]],
    rate_one: Callable[[UDR, Owner], Rated | Unrated],
    rated: type[Rated],
    resolved: type[Resolved],
    /,
) -> list[Rated | Unrated]: ...
