"""Past usage of an account under another package: what it would have cost; nothing of it is kept but the sums."""

from datetime import datetime

from bmu.billing.invoice import minor_e11
from bmu.billing.proration import prorated_e11
from bmu.period import Period, local_day, month_period, to_us
from bmu.rating import Owner, Unrated, by_service, rate_batch
from bmu.rating.rerate import Live, Sums, charged, rate_again
from bmuid.intake.pricing import needs_of
from bmuid.intake.snapshot import Snapshot
from bmuid.rerating.replay import with_granted
from bmuid.store import lives, simulations
from bmuid.store.lives import Span
from bmuid.store.reratings import Figures, NextAccount
from bmuid.store.simulations import Held
from bmuid.store.transaction import Transaction


def simulate(txn: Transaction, snapshot: Snapshot, account: NextAccount, to: datetime) -> Figures:
    """Rate what an account used in [from, to) as if its services had had the package, from full allowances on."""
    usage = lives.of_accounts(txn, Span([account.account_id], account.from_at, to))
    owners = [_owner(live, snapshot, account) for live in usage.lives]
    wanted = needs_of([live.udr for live in usage.lives], owners, snapshot.tariff, {}).wanted
    full = by_service(with_granted([], wanted))
    events = rate_again(
        usage.lives,
        owners,
        lambda udrs, theirs: rate_batch(udrs, theirs, snapshot.tariff, full),
    )
    old: Sums = charged(live.rated for live in usage.lives)
    new: Sums = charged(event.outcome for event in events)
    period = Period(account.from_at, to)
    return Figures(
        records=len(usage.lives),
        changed=0,
        unratable=sum(isinstance(event.outcome, Unrated) for event in events),
        invoiced=0,
        old_e11=old.amount_e11,
        old_tax_e11=old.tax_e11,
        new_e11=new.amount_e11,
        new_tax_e11=new.tax_e11,
        recurring_e11=sum(
            recurring_e11(held, period)
            for held in simulations.held(
                txn, account.account_id, account.package, snapshot.tariff.revision, period
            )
        ),
    )


def recurring_e11(held: Held, period: Period) -> int:
    """Give what a service's package costs in a period, month by month as bills do, half up at 11 places."""
    during = held.during.overlap(period)
    total, at = 0, during.from_ if during else period.to
    while during is not None and at < during.to:
        month = month_period(local_day(to_us(at), held.zone), held.bill_day, held.zone)
        part = month.overlap(during)
        assert part is not None, (month, during)
        total += prorated_e11(minor_e11(held.price_minor, held.currency), part, month, held.zone)
        at = month.to
    return total


def _owner(live: Live, snapshot: Snapshot, account: NextAccount) -> Owner | Unrated:
    """Give the owner on the terms of the package to try; without one, on its own."""
    udr = live.udr
    owner = snapshot.owners.find(udr.uid_type, udr.uid, udr.started_us)
    if not isinstance(owner, Owner):
        return Unrated(owner, f"{udr.uid_type} {udr.uid}")
    if not account.package:
        return owner
    return owner._replace(terms=owner.terms._replace(package=account.package))
