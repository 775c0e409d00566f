"""Usage priced in its order, with all that hangs on usage before it: what begins with an event, what grows by it."""

from collections.abc import Sequence
from operator import itemgetter
from threading import Lock

from bmu.rating import Owner, Rated, Tariff, Unrated, rate_batch
from bmu.usage import UDR
from bmuid.intake import firstuse, rolling
from bmuid.intake.allowances import Allowances
from bmuid.intake.drawable import Drawable
from bmuid.intake.loops import by_account
from bmuid.store.copying import at
from bmuid.store.transaction import Transaction

# Compiled rating lays prices out in memory as it goes, and asks plain functions on the way, so that another thread may
# come between: of a process, one rates at a time.
one_at_a_time = Lock()
_ACCOUNT = itemgetter(at(Owner, "account_id"))


def in_turn(
    allowances: Allowances, udrs: list[UDR], owners: list[Owner]
) -> tuple[list[UDR], list[Owner]]:
    """
    Put events and owners, which are in the order of arrival, in that in which they are rated: account by account.

    Accounts that may draw from the same allowances are taken as one, so that who comes first has them.
    """
    together = allowances.sharing(dict.fromkeys(map(_ACCOUNT, owners)))
    if not together:
        return by_account(udrs, owners)
    whose = [together[owner.account_id] for owner in owners]
    order = sorted(range(len(owners)), key=whose.__getitem__)
    return [udrs[place] for place in order], [owners[place] for place in order]


def rate_in_order(
    txn: Transaction,
    tariff: Tariff,
    there: Drawable,
    udrs: Sequence[UDR],
    owners: Sequence[Owner],
) -> list[Rated | Unrated]:
    """
    Price events in the order given, as `rate_batch` does.

    What begins with one begins, what grows by one grows, what a period has left is carried to the next one's.
    """
    if not (there.asleep or there.growing.by_service or there.rolling.may_roll(udrs)):
        return rate_plainly(tariff, there, udrs, owners)
    found: list[Rated | Unrated] = []

    def rate_before(end: int) -> None:
        some = slice(len(found), end)
        found.extend(rate_plainly(tariff, there, udrs[some], owners[some]))

    for place, (udr, owner) in enumerate(zip(udrs, owners, strict=True)):
        if there.rolling.awaits(udr, owner):
            rate_before(place)
            rolling.before(txn, there, udr, owner)
        if owner.account_service_id in there.asleep:
            rate_before(place)
            firstuse.begin(txn, tariff, there, udr, owner)
        if there.growing.awaits(tariff, udr, owner):
            rate_before(place + 1)
            rated = found[place]
            if isinstance(rated, Rated):
                found[place] = there.growing.measure(tariff, udr, owner, rated)
    rate_before(len(udrs))
    return found


def rate_plainly(
    tariff: Tariff, there: Drawable, udrs: Sequence[UDR], owners: Sequence[Owner]
) -> list[Rated | Unrated]:
    """Price events in the order given, where nothing begins and nothing grows with one."""
    with one_at_a_time:
        return rate_batch(udrs, owners, tariff, there.by_service, there.limits)
