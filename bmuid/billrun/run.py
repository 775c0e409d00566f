"""The run: account after account, resumable after any of them."""

import logging
from datetime import datetime

from bmu.billing.cycle import due_periods
from bmu.rating import TaxService
from bmuid.billrun.account import bill_period
from bmuid.store import billruns, invoices, transaction
from bmuid.store.invoices import NotBillableError
from bmuid.store.transaction import Connection, Transaction

ACCOUNTS_A_STEP = 100

_log = logging.getLogger(__name__)


def step(connection: Connection, now: datetime, tax_service: TaxService | None = None) -> bool:
    """
    Bill up to ACCOUNTS_A_STEP accounts of the oldest open run; False when there is nothing to do.

    Shapes:
        tax_service: is asked for the taxes of recurring prices; none: the catalogue says them.

    An account is one transaction, which also notes it as done: a run that was cut off goes on
    with the next account. One process bills at a time, since numbers without gaps are given one
    by one anyway; while another does, there is nothing to do here.
    """
    if not transaction.run(connection, billruns.claim):
        return False
    try:
        for done in range(ACCOUNTS_A_STEP):
            try:
                if not transaction.run(connection, next_account, now, tax_service):
                    return done > 0
            except NotBillableError as error:
                # The others are billed; the next run finds this one's periods still due.
                skipped = transaction.run(connection, skip_account)
                _log.error("account %s is not billed: %s", skipped, error)
        return True
    finally:
        transaction.run(connection, billruns.release)


def skip_account(txn: Transaction) -> str | None:
    """Pass over the next account of the oldest open run and give its number."""
    run = billruns.oldest_open(txn)
    account = billruns.next_account(txn, run) if run else None
    if run is None or account is None:
        return None
    billruns.account_done(txn, run, account.id)
    return account.number


def next_account(txn: Transaction, now: datetime, tax_service: TaxService | None = None) -> bool:
    """Bill the next account of the oldest open run, or close the run; False when there is none."""
    invoices.see_one_moment(txn)
    run = billruns.oldest_open(txn)
    if run is None:
        return False
    account = billruns.next_account(txn, run)
    if account is None:
        billruns.run_done(txn, run, now)
        _log.info("bill run done", extra={"bill_run": run.id, "as_of": run.as_of})
        return True
    for period in due_periods(
        account.first_held, account.billed_to, run.as_of, account.bill_day, account.time_zone
    ):
        # Where the account's day is behind the company's, its month may not be over yet.
        if period.to <= now:
            bill_period(txn, run, account, period, now, tax_service)
    billruns.account_done(txn, run, account.id)
    return True
