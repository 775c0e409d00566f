"""One account's period: what it owes becomes an invoice, a journal, and a note on each charge."""

from datetime import datetime, timedelta

from bmu.billing.invoice import (
    LineKind,
    Recurring,
    TaxRate,
    UsageSum,
    draft,
    minor_e11,
)
from bmu.billing.ledger import postings
from bmu.billing.proration import prorated_e11
from bmu.period import Period, local_day, to_us
from bmuid.store import invoices, ledger
from bmuid.store.billruns import Billable, BillRun
from bmuid.store.invoices import Charged, Heading, Held
from bmuid.store.transaction import Transaction

# Days from issue to the day an invoice is due.
PAYMENT_DAYS = 14


def bill_period(
    txn: Transaction, run: BillRun, account: Billable, period: Period, now: datetime
) -> str | None:
    """Issue the invoice of one period and give its number; None where there is nothing to bill."""
    earliest = invoices.earliest_unbilled(txn, account.id, period)
    held = invoices.held_in(txn, account.id, period)
    charged = invoices.charged_until(txn, account.id, period, earliest)
    invoice = draft(
        [_recurring(item, account, period) for item in held],
        [_usage(item, period) for item in charged],
        period,
        account.currency,
    )
    if invoice is None:
        return None
    number = invoices.next_number(txn, run.as_of)
    today = local_day(to_us(now), account.time_zone)
    made = postings(invoice)
    journal_id = (
        ledger.post_invoice(
            txn, f"invoice:{number}", account.id, account.currency, run.as_of, made
        )
        if made
        else None
    )
    heading = Heading(
        account_id=account.id,
        number=number,
        during=period,
        bill_run_id=run.id,
        journal_id=journal_id,
        issued_at=now,
        issued_on=run.as_of,
        # Whoever is billed late is not late with paying.
        due_on=max(run.as_of, today) + timedelta(days=PAYMENT_DAYS),
        currency=account.currency,
        customer_name=account.name,
    )
    invoice_id = invoices.add(txn, heading, invoice)
    usage_lines = [
        line_no
        for line_no, line in enumerate(invoice.lines, start=1)
        if line.kind is LineKind.USAGE
    ]
    noted = invoices.note_charges(
        txn,
        account.id,
        period,
        earliest,
        invoice_id,
        list(zip(usage_lines, charged, strict=True)),
    )
    assert noted == sum(item.events for item in charged), (number, noted)
    return number


def _recurring(item: Held, account: Billable, period: Period) -> Recurring:
    # Without an end it is held at least to the end of the period.
    held = period.overlap(Period(item.from_, item.to or period.to))
    assert held is not None, item
    return Recurring(
        account_service_id=item.account_service_id,
        description=item.name,
        during=held,
        amount_e11=prorated_e11(
            minor_e11(item.price_minor, account.currency), held, period, account.time_zone
        ),
        tax=TaxRate(item.tax_code, item.tax_name, item.rate_ppm),
    )


def _usage(item: Charged, period: Period) -> UsageSum:
    parts = (
        [item.class_name] if item.location_name is None else [item.class_name, item.location_name]
    )
    late = ["used before this period"] if item.late else []
    return UsageSum(
        account_service_id=item.account_service_id,
        description=", ".join(parts + late),
        during=period,
        unit=item.unit,
        events=item.events,
        quantity=item.quantity,
        included=item.included,
        amount_e11=item.amount_e11,
        tax=TaxRate(item.tax_code, item.tax_name, item.rate_ppm),
    )
