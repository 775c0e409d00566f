"""What an account may still spend of its credit, with what the prices of periods come to so far."""

from datetime import datetime

from bmu.billing.invoice import taxes_e11
from bmu.period import Period, local_day, month_period, to_us
from bmuid.billrun.period_lines import period_lines
from bmuid.billrun.periods import payer_of
from bmuid.store import billruns, credit, period_usage, unbilled
from bmuid.store.transaction import Transaction


def locked_left_e11(txn: Transaction, account_id: int, at: datetime) -> int | None:
    """Give what is left, and let nobody else reserve of it before this transaction ends; else as `left_e11`."""
    credit.lock(txn, account_id)
    return left_e11(txn, account_id, at)


def left_e11(txn: Transaction, account_id: int, at: datetime) -> int | None:
    """
    Give what an account may still spend: its limit, less what it owes, used unbilled, and has reserved.

    Shapes:
        at: prices of periods count up to the billing month that this instant lies in.
        Result: None where there is no limit; below zero where the debt is beyond it.
    """
    left = credit.left_e11(txn, account_id)
    if left is None or not period_usage.is_wanted(txn):
        return left
    return left - _periods_e11(txn, account_id, at)


def _periods_e11(txn: Transaction, account_id: int, at: datetime) -> int:
    """Add up what a bill now would charge for periods at once, with its taxes; what it would credit is below zero."""
    account = billruns.billable(txn, account_id)
    if account is None:
        return 0
    month = month_period(
        local_day(to_us(at), account.time_zone), account.bill_day, account.time_zone
    )
    payer = payer_of(txn, account_id, account.currency)
    since = min(account.billed_to or account.first_held, month.from_)
    earliest = unbilled.earliest_unbilled(txn, account_id, Period(since, month.to), payer.others)
    return sum(
        line.usage.amount_e11
        + sum(owed for _, owed in taxes_e11(line.usage.amount_e11, line.usage.taxes))
        for line in period_lines(txn, account, payer, month, earliest)
    )
