"""What has to be there before usage can be priced: its days, and the buckets its services are due."""

from collections.abc import Mapping
from dataclasses import dataclass

from bmu.period import FOREVER_US
from bmu.rating import Owner, Tariff, Unrated, buckets_wanted
from bmu.usage import UDR
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
    months: Mapping[int, Month]
    days: frozenset[int]
    first_us: int
    last_us: int


def needs_of(
    events: list[UDR],
    owners: list[Owner | Unrated],
    tariff: Tariff,
    granted: dict[int, Month],
) -> Needs:
    """
    Tell what the usage of known owners needs.

    Shapes:
        granted: months whose buckets are known to be there, by service.
    """
    wanted: dict[tuple[int, str, int], Wanted] = {}
    months: dict[int, Month] = {}
    same: dict[Month, Month] = {}
    days, first_us, last_us, due = survey(events, owners, granted)
    for place in due:
        owner, started_us = owners[place], events[place].started_us
        assert isinstance(owner, Owner)
        service_id = owner.account_service_id
        month = months.get(service_id, NEVER)
        if not month[0] <= started_us < month[1]:
            months[service_id] = ALWAYS
            # All of a service's buckets run from and to the same instants.
            for grant in buckets_wanted(owner, tariff, started_us):
                month = grant.from_us, grant.to_us
                months[service_id] = same.setdefault(month, month)
                key = service_id, grant.code, grant.from_us
                wanted[key] = Wanted(owner.account_id, service_id, grant)
    days |= {each.grant.from_us // US_A_DAY for each in wanted.values()}
    return Needs(
        wanted=tuple(wanted.values()),
        months=months,
        days=frozenset(days),
        first_us=first_us,
        last_us=last_us,
    )
