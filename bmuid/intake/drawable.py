"""What usage may draw from: buckets that are locked, and what would begin with its first use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bmu.rating import BucketState, Participation
from bmu.rating.bucket import ending
from bmuid.intake.allowances import Held
from bmuid.intake.chains import Rolling, whose_of
from bmuid.intake.pooling import Limited
from bmuid.intake.sizing import Growing
from bmuid.store.firstuses import Given, Key


@dataclass(slots=True, eq=False)
class Asleep:
    """
    An allowance that begins with its first use, and nobody has used yet.

    Shapes:
        last_us: when the last event begins that may draw.
        formers: what began with a use that may be none, where usage is rated again; all of it is there.
    """

    held: Held
    last_us: int
    formers: tuple[BucketState, ...] = ()


@dataclass(slots=True)
class Drawable:
    """
    Locked buckets, or such as were read, lowered as usage is rated.

    Shapes:
        by_service: those that each service draws from.
        elsewhere: the accounts of those that other accounts draw from, too.
        warned: those with thresholds, and what was warned of before.
        begun: what begins with its first use and has begun; asleep: what has not, by service.
        limits: by service, what it may draw from share plans, and when; limited: those that are kept.
        unused: what began with a use that was none in the end.
        growing: what grows with usage.
        rolling: what carries over.
        only_read: all of them, where they are not locked.
    """

    by_service: dict[int, tuple[BucketState, ...]]
    elsewhere: dict[int, int]
    warned: dict[int, tuple[BucketState, int]]
    begun: Mapping[Key, Given] = field(default_factory=dict)
    asleep: dict[int, list[Asleep]] = field(default_factory=dict)
    limits: Mapping[int, Sequence[Participation]] = field(default_factory=dict)
    limited: Sequence[Limited] = ()
    unused: list[BucketState] = field(default_factory=list)
    growing: Growing = field(default_factory=Growing)
    rolling: Rolling = field(default_factory=Rolling)
    only_read: Sequence[BucketState] = ()

    def note(self, states: Sequence[BucketState]) -> None:
        """Remember what is noted of buckets that not all draw from plainly."""
        self.elsewhere |= {
            state.id: state.account_id for state in states if state.for_tree or state.share_id
        }
        self.warned |= {state.id: (state, state.warned) for state in states}

    def enter(self, states: Sequence[BucketState]) -> None:
        """Put buckets that something will be carried into on the shelves of those who draw from what leaves it."""
        self.note(states)
        self.rolling.enter(states)
        shelved: dict[int, list[BucketState]] = {}
        for state in states:
            for service_id in self.rolling.services.get(whose_of(state), ()):
                shelved.setdefault(service_id, []).append(state)
        for service_id, new in shelved.items():
            shelf = (*self.by_service.get(service_id, ()), *new)
            self.by_service[service_id] = tuple(sorted(shelf, key=ending))

    def let_begin(self, begun: Asleep, held: Held, states: Sequence[BucketState]) -> None:
        """
        Put the buckets of an allowance that begins on the shelves of all services that may draw from them.

        Shapes:
            held: its periods are counted from its beginning.
        """
        self.note(states)
        services = [id_ for id_, asleep in self.asleep.items() if begun in asleep]
        if held.row.rollover:
            self.rolling.begin(held, states, services)
        for service_id in services:
            shelf = (*self.by_service.get(service_id, ()), *states)
            self.by_service[service_id] = tuple(sorted(shelf, key=ending))
            self.asleep[service_id].remove(begun)
            if not self.asleep[service_id]:
                del self.asleep[service_id]

    def sleep_again(self, service_id: int, begun: Asleep) -> None:
        """Take an allowance that may begin with another event than it did off a service's shelf."""
        formers = {state.id for state in begun.formers}
        self.rolling.rest(service_id, whose_of(begun.formers[0]))
        shelf = self.by_service.get(service_id, ())
        self.by_service[service_id] = tuple(one for one in shelf if one.id not in formers)
        self.asleep.setdefault(service_id, []).append(begun)
