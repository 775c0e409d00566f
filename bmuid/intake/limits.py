"""What a source's limits mean for its files and its usage."""

from collections.abc import Sequence
from datetime import datetime

from bmu.period import DAY_US, MINUTE_US
from bmu.rating import Owner, Unrated, UnratedReason
from bmu.usage import UDR
from bmuid.store import limits as store
from bmuid.store.limits import Limits
from bmuid.store.transaction import Transaction


def narrowed(window: tuple[int, int], at_us: int, limits: Limits) -> tuple[int, int]:
    """Give when usage that arrives at an instant may have begun, within a window that holds for all sources."""
    oldest, newest = window
    if limits.days_back is not None:
        oldest = max(oldest, at_us - limits.days_back * DAY_US)
    if limits.minutes_ahead is not None:
        newest = min(newest, at_us + limits.minutes_ahead * MINUTE_US)
    return oldest, newest


def speak(udrs: Sequence[UDR], owners: list[Owner | Unrated], limits: Limits) -> None:
    """
    Put the reason NOT_ITS_SERVICE in place of owners for whom a source may not speak.

    Shapes:
        owners: of the events, parallel; changed.
    """
    if limits.uid_types:
        types = frozenset(limits.uid_types.split(","))
        for place, udr in enumerate(udrs):
            if udr.uid_type not in types:
                owners[place] = _not_its(f"usage of a {udr.uid_type}", limits.uid_types)
    if limits.services:
        services = frozenset(limits.services.split(","))
        for place, owner in enumerate(owners):
            if isinstance(owner, Owner) and owner.terms.package not in services:
                owners[place] = _not_its(f"a service of {owner.terms.package}", limits.services)


def _not_its(what: str, allowed: str) -> Unrated:
    return Unrated(
        UnratedReason.NOT_ITS_SERVICE, f"{what}; its source may speak for {allowed} only"
    )


def why_held(
    txn: Transaction, source: tuple[int, str], octets: int, lines: int, now: datetime
) -> str | None:
    """
    Say why a file that arrives is to be held, and what to do; None: it is within its source's limits.

    Shapes:
        source: id and code.
    """
    source_id, code = source
    limits = store.of_source(txn, source_id)
    if limits is None:
        return None
    if limits.octets_max is not None and octets > limits.octets_max:
        return (
            f"it has {octets} octets, and a file of {code} has at most {limits.octets_max}: look at what it is; then"
            " `bmadmin file release`, or have it handed in in pieces. `bmadmin source set --octets-max` says another limit"
        )
    if limits.lines_a_day_max is None:
        return None
    before = store.lines_of_day(txn, source_id, now)
    if before + lines <= limits.lines_a_day_max:
        return None
    return (
        f"with it {code} has handed in {before + lines} lines today, and may hand in {limits.lines_a_day_max} a day (UTC):"
        " look at what it is; then `bmadmin file release`. `bmadmin source set --lines-a-day-max` says another limit"
    )
