"""Allowances that begin with their first use: which event that is."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bmu.rating.bucket import BucketState, ending
from bmu.rating.outcome import Rated
from bmu.rating.owner import Owner
from bmu.rating.rate import rate
from bmu.rating.sharing import Participation, copied
from bmu.rating.tariff import Tariff
from bmu.usage import UDR

# The youngest of all: of what else is alike in the order of drawing, what is there comes first.
_FIRST_ID = 1 << 62


def drawn_first(
    udr: UDR,
    owner: Owner,
    tariff: Tariff,
    shelf: Iterable[BucketState],
    asleep: Sequence[BucketState],
    participations: Iterable[Participation] = (),
) -> tuple[int, ...]:
    """
    Tell from which buckets, were they there, an event would draw: it is the first use of those.

    An event that other buckets cover, that has no price, or that a bucket does not take, begins nothing.

    Shapes:
        shelf: what is there, participations likewise; neither is lowered.
        asleep: as each would be if it began with this event; their ids don't matter.
        Result: places in *asleep*.
    """
    tried = [replace(state, id=_FIRST_ID + place) for place, state in enumerate(asleep)]
    found = sorted([*map(replace, shelf), *tried], key=ending)
    outcome = rate(udr, owner, tariff, found, copied(participations))
    if not isinstance(outcome, Rated):
        return ()
    drawn = {bucket_id for bucket_id, _ in outcome.draws}
    made = outcome.detail.drawing if outcome.detail else None
    if made is not None:
        drawn |= {draw.bucket_id for draw in made.draws}
    return tuple(place for place, state in enumerate(tried) if state.id in drawn)
