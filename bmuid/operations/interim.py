"""What usage that is priced by the period comes to so far, for the customer and for the staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bmu.money import decimal_text
from bmu.rating import explain_period
from bmu.usage import Unit
from bmuid.billrun import Owed, Payer, owed_in, payer_of
from bmuid.operations.accounts_document import ACCOUNT
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import no_account, staff_reads
from bmuid.operations.statement import Days, Heading, UsageDay, heading, month_of, period_of, today
from bmuid.store import accounts, period_usage
from bmuid.store.accounts import Account
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class ShowOf:
    """Which account, and which billing month; without a day the present one."""

    account: str = argument(ACCOUNT, "the account's number")
    day: date | None = argument(UsageDay(), "any day of the billing month wanted", optional=True)


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of how a price came about."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class SoFar:
    """
    What usage at one rate comes to, by all that is known of the month.

    Shapes:
        of: SERVICE, ACCOUNT or INVOICER: whose usage it is together.
        quantity: base units, after what was included.
    """

    name: str
    of: str
    unit: Unit
    events: int
    quantity: int
    amount: str
    tax: str
    total: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Interim:
    """The prices of a month; estimated: it is not over, and they change with each event."""

    account: Heading
    period: Days
    estimated: bool
    prices: tuple[SoFar, ...]


def show_of(txn: Transaction, actor: Actor, arguments: ShowOf, now: datetime) -> Interim | Refused:
    """Price what an account has used of a month so far."""
    account = accounts.by_number(txn, arguments.account)
    if account is None:
        return no_account(arguments.account)
    days = month_of(account, arguments.day or today(account, now))
    payer = payer_of(txn, account.id, account.currency)
    return Interim(
        account=heading(account),
        period=days,
        estimated=now < period_of(account, days).to,
        prices=_priced(txn, account, payer, days),
    )


def own_so_far(txn: Transaction, account: Account, days: Days) -> tuple[SoFar, ...]:
    """Price the account's own usage of a month; what others use that it pays for is not seen."""
    return _priced(txn, account, Payer(account.id, account.currency), days)


def _priced(txn: Transaction, account: Account, payer: Payer, days: Days) -> tuple[SoFar, ...]:
    if not period_usage.is_wanted(txn):
        return ()
    return _rows(owed_in(txn, payer, period_of(account, days)), account.currency)


def _rows(owed: Sequence[Owed], currency: str) -> tuple[SoFar, ...]:
    return tuple(
        SoFar(
            name=one.name,
            of=one.priced.total.key.scope.value,
            unit=one.usage_class.unit,
            events=one.events,
            quantity=one.priced.total.usage.quantity,
            amount=decimal_text(one.priced.taxes.net_e11),
            tax=decimal_text(one.priced.taxes.tax_e11),
            total=decimal_text(one.priced.taxes.net_e11 + one.priced.taxes.tax_e11),
            reasons=tuple(
                Reason(step.title, step.text)
                for step in explain_period(one.priced, one.usage_class.unit, currency)
            ),
        )
        for one in owed
    )


OPERATIONS = (
    staff_reads(
        "usage_interim",
        "What usage priced by the period comes to so far",
        ShowOf,
        Interim,
        show_of,
    ),
)
