"""What has to be there before usage can be priced: its days, and the buckets its services are due."""

from collections.abc import Mapping
from dataclasses import dataclass

from bmu.period import FOREVER_US
from bmu.rating import Owner, Tariff, Unrated, buckets_wanted
from bmu.usage import UDR
from bmuid.intake.allowances import PLAIN, Allowances
from bmuid.intake.loops import Month, survey
from bmuid.store.buckets import Wanted
from bmuid.store.days import US_A_DAY

NEVER = (0, 0)
ALWAYS = (-FOREVER_US, FOREVER_US)


@dataclass(frozen=True, slots=True)
class Needs:
    """
    What must be there before usage can be priced.

    Shapes:
        wanted: the buckets that its services are due and may not have.
        months: of each service that is due some, from when to when.
        days: of the events and of the buckets' starts, counted from 1970-01-01 UTC.
        first_us, last_us: when the first and the last event began.
    """

    wanted: tuple[Wanted, ...]
    allowances: Allowances
    months: Mapping[int, Month]
    days: frozenset[int]
    first_us: int
    last_us: int

    def are_met_by(self, given: "Needs") -> bool:
        """Tell whether all allowances that this asks for were given with those."""
        return set(self.wanted) <= set(given.wanted)


def needs_of(
    events: list[UDR],
    owners: list[Owner | Unrated],
    tariff: Tariff,
    granted: dict[int, Month],
    allowances: Allowances = PLAIN,
) -> Needs:
    """
    Tell what the usage of known owners needs.

    Shapes:
        granted: months whose buckets are known to be there, by service.
    """
    wanted: dict[tuple[int, int, str, int], Wanted] = {}
    plain: dict[tuple[int, int], Wanted] = {}
    all_plain = not (allowances.own or allowances.shared)
    months: dict[int, Month] = {}
    same: dict[Month, Month] = {}
    days, first_us, last_us, due = survey(events, owners, granted)
    for place in due:
        owner, started_us = owners[place], events[place].started_us
        assert isinstance(owner, Owner)
        service_id = owner.account_service_id
        month = months.get(service_id, NEVER)
        if not month[0] <= started_us < month[1]:
            due_of = None if all_plain else allowances.due(owner, started_us)
            if due_of is not None:
                months[service_id] = due_of.from_us, due_of.to_us
                days |= due_of.days
                wanted.update((_key(each), each) for each in due_of.wanted)
                continue
            month = ALWAYS
            # All of a service's plain buckets run from and to the same instants, and are the same for all like it.
            for grant in buckets_wanted(owner, tariff, started_us):
                month = grant.from_us, grant.to_us
                plain[service_id, id(grant)] = Wanted(owner.account_id, service_id, grant)
            months[service_id] = same.setdefault(month, month)
    days |= {each.grant.from_us // US_A_DAY for each in wanted.values()}
    days |= {month[0] // US_A_DAY for month in same if month != ALWAYS}
    return Needs(
        wanted=(*wanted.values(), *plain.values()),
        allowances=allowances,
        months=months,
        days=frozenset(days),
        first_us=first_us,
        last_us=last_us,
    )


def _key(wanted: Wanted) -> tuple[int, int, str, int]:
    grant = wanted.grant
    return wanted.account_id, wanted.account_service_id or 0, grant.code, grant.from_us
