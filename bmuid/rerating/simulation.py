"""Past usage of accounts under other packages: what they would have been charged; nothing is kept but the sums."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from bmu.billing.invoice import minor_e11
from bmu.billing.proration import prorated_e11
from bmu.period import Period, from_us
from bmu.rating import Rated, TaxService
from bmu.rating.rerate import Sums
from bmuid.billrun import Books, Charges, Taxing, owed_in, payer_of
from bmuid.intake.snapshot import Snapshot
from bmuid.rerating.adding import Adding, month_of
from bmuid.rerating.together import Together, together
from bmuid.rerating.trial import Trial, Tried, trial
from bmuid.store import accounts, billruns, period_usage, simulations
from bmuid.store.accounts import Account
from bmuid.store.invoices import Held, NotBillableError
from bmuid.store.reratings import Figures, NextAccount
from bmuid.store.transaction import Transaction

# Of so many groups of accounts what was found is remembered: all accounts of one come soon after each other.
GROUPS_MAX = 64

_NOTHING = Figures(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked: which simulation, by which revision, with which package, in which days."""

    simulation_id: int
    package: str
    during: Period


@dataclass(slots=True)
class Simulating:
    """
    Tries packages, a group of accounts at a time that have to do with each other.

    Shapes:
        found: by what was asked and the first account of a group, the figures of all its accounts.
    """

    _together: tuple[int, Together] | None = None
    _found: dict[tuple[_Wanted, int], dict[int, Figures]] = field(default_factory=dict)

    def simulate(
        self,
        txn: Transaction,
        snapshot: Snapshot,
        simulation_id: int,
        account: NextAccount,
        to: datetime,
        tax_service: TaxService | None = None,
    ) -> Figures:
        """Tell what an account would have been charged in [from, to) if the services tried had had the package."""
        revision = snapshot.tariff.revision
        if self._together is None or self._together[0] != revision:
            self._together = revision, together(txn, snapshot)
        group = self._together[1].group(account.account_id)
        wanted = _Wanted(simulation_id, account.package, Period(account.from_at, to))
        found = self._found.get((wanted, group[0]))
        if found is None:
            while len(self._found) >= GROUPS_MAX:
                del self._found[next(iter(self._found))]
            people = {id_: accounts.by_id(txn, id_) for id_ in group}
            tried = simulations.tried(txn, simulation_id, group)
            of = trial(txn, snapshot, people, account.package, tried)
            found = self._found[wanted, group[0]] = _figures(txn, of, wanted.during, tax_service)
        return found[account.account_id]


def _figures(
    txn: Transaction, of: Trial, during: Period, tax_service: TaxService | None
) -> dict[int, Figures]:
    """Give the figures of each account of a group."""
    figures = _events(txn, of, during)
    for account_id, account in of.accounts.items():
        package = of.package if account_id in of.tried else ""
        recurring = _recurring(txn, account, package, of, during, tax_service)
        figures[account_id] = replace(
            figures[account_id], recurring_e11=recurring[0], recurring_tax_e11=recurring[1]
        )
    return figures


def _events(txn: Transaction, of: Trial, during: Period) -> dict[int, Figures]:
    """Rate the usage, price the months that it is in, and add all of it up."""
    figures = dict.fromkeys(of.accounts, _NOTHING)
    if not period_usage.is_wanted(txn):
        for each in _tried(txn, of, during, during.from_):
            if not _is_before(each, during):
                figures[each.account_id] = _with(figures[each.account_id], each)
        return figures
    before, until = _books(txn, of), _books(txn, of)
    months = [month_of(each, during.from_).from_ for each in of.accounts.values()]
    for each in _tried(txn, of, during, min(months)):
        until.add(each)
        if _is_before(each, during):
            before.add(each)
        else:
            figures[each.account_id] = _with(figures[each.account_id], each)
    for account_id, account in of.accounts.items():
        had = Charges(txn, during.from_), Charges(txn, during.to)
        sums = _periods(txn, account, during, *had), _periods(txn, account, during, before, until)
        figures[account_id] = _plus(figures[account_id], *sums)
    return figures


def _tried(txn: Transaction, of: Trial, during: Period, at_latest: datetime) -> Iterator[Tried]:
    begins = of.begins(during.from_, at_latest)
    return chain.from_iterable(of.rated(txn, begins, during.to))


def _is_before(each: Tried, during: Period) -> bool:
    return from_us(each.live.udr.started_us) < during.from_


def _books(txn: Transaction, of: Trial) -> Adding:
    payers = {
        id_: payer
        for id_, payer in simulations.payers(txn).items()
        if id_ in of.accounts and payer in of.accounts
    }
    return Adding(txn, dict(of.accounts), payers, of.held, of.snapshot.tariff.revision)


def _with(figures: Figures, tried: Tried) -> Figures:
    """Add an event."""
    old = tried.live.rated
    found = tried.outcome if isinstance(tried.outcome, Rated) else None
    return replace(
        figures,
        records=figures.records + 1,
        unratable=figures.unratable + (found is None),
        old_e11=figures.old_e11 + old.amount_e11,
        old_tax_e11=figures.old_tax_e11 + old.tax_e11,
        new_e11=figures.new_e11 + (found.amount_e11 if found else 0),
        new_tax_e11=figures.new_tax_e11 + (found.tax_e11 if found else 0),
    )


def _plus(figures: Figures, old: Sums, new: Sums) -> Figures:
    return replace(
        figures,
        old_e11=figures.old_e11 + old.amount_e11,
        old_tax_e11=figures.old_tax_e11 + old.tax_e11,
        new_e11=figures.new_e11 + new.amount_e11,
        new_tax_e11=figures.new_tax_e11 + new.tax_e11,
    )


def _periods(
    txn: Transaction, account: Account, during: Period, before: Books, until: Books
) -> Sums:
    """
    Price what is added up over months, as far as it comes from usage of these days.

    A month that is not all of these days counts with what its price has grown by in them.
    """
    payer = payer_of(txn, account.id, account.currency)
    amount = tax = 0
    at = during.from_
    while at < during.to:
        month = month_of(account, at)
        for sign, books in ((1, until), (-1, before)):
            for owed in owed_in(txn, payer, month, books):
                amount += sign * owed.priced.taxes.net_e11
                tax += sign * owed.priced.taxes.tax_e11
        at = month.to
    return Sums(amount, tax)


def _recurring(
    txn: Transaction,
    account: Account,
    package: str,
    of: Trial,
    during: Period,
    tax_service: TaxService | None,
) -> tuple[int, int | None]:
    """Give what packages cost beside usage, month by month as bills do, and the tax of that; none: it can't be told."""
    held = simulations.held(txn, account.id, package, of.snapshot.tariff.revision, during)
    billable = billruns.billable(txn, account.id)
    if billable is None:
        return 0, 0
    taxing = Taxing(txn, billable, tax_service)
    net, tax, untold = 0, 0, False
    for each, month, amount_e11 in _months(account, held, during):
        try:
            taxes = taxing.on_package(each, amount_e11, month)
        except NotBillableError:
            net, untold = net + amount_e11, True
        else:
            net, tax = net + taxes.net_e11, tax + taxes.tax_e11
    return net, None if untold else tax


def _months(account: Account, held: list[Held], during: Period) -> list[tuple[Held, Period, int]]:
    """Give each month of each service with what it costs, half up at 11 places."""
    found = []
    for each in held:
        part = during.overlap(Period(each.from_, each.to or during.to))
        at = part.from_ if part else during.to
        while part is not None and at < part.to:
            month = month_of(account, at)
            of_month = month.overlap(part)
            assert of_month is not None, (month, part)
            price_e11 = minor_e11(each.price_minor, account.currency)
            amount_e11 = prorated_e11(price_e11, of_month, month, account.time_zone)
            found.append((each, month, amount_e11))
            at = month.to
    return found
