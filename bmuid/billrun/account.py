"""One account's period: what it owes becomes an invoice, a journal, and a note on each charge."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bmu.billing.invoice import (
    LineKind,
    Recurring,
    UsageSum,
    draft,
    minor_e11,
)
from bmu.billing.ledger import postings
from bmu.billing.proration import prorated_e11
from bmu.period import Period, local_day, to_us
from bmu.rating import TaxService
from bmuid.billrun.drawn import texts_of
from bmuid.billrun.period_lines import period_lines
from bmuid.billrun.periods import payer_of
from bmuid.billrun.taxes import Taxing
from bmuid.store import invoices, ledger, period_usage, unbilled
from bmuid.store.billruns import Billable, BillRun
from bmuid.store.invoices import Heading, Held
from bmuid.store.transaction import Transaction
from bmuid.store.unbilled import Charged, Why

# Days from issue to the day an invoice is due.
PAYMENT_DAYS = 14
# What a line of usage says beside class and place.
SAID: dict[Why, list[str]] = {
    Why.CREDIT: ["credit of what was billed before"],
    Why.AGAIN: ["billed before, rated again"],
    Why.LATE: ["used before this period"],
    Why.PERIOD: [],
}


def bill_period(
    txn: Transaction,
    run: BillRun,
    account: Billable,
    period: Period,
    now: datetime,
    tax_service: TaxService | None,
) -> str | None:
    """Issue the invoice of one period and give its number; None where there is nothing to bill."""
    taxing = Taxing(txn, account, tax_service)
    payer = payer_of(txn, account.id, account.currency)
    earliest = unbilled.earliest_unbilled(txn, account.id, period, payer.others)
    held = invoices.held_in(txn, account.id, period)
    charged = unbilled.charged_until(txn, account.id, period, earliest)
    usage = _lines(charged, taxing)
    numbered = [(number, one) for number, (_, sums) in enumerate(usage) for one in sums]
    drawn = unbilled.drawn_in(txn, account.id, period, earliest, numbered)
    told = texts_of(drawn, account.currency)
    is_whole = period_usage.is_wanted(txn)
    whole = period_lines(txn, account, payer, period, earliest) if is_whole else []
    invoice = draft(
        [_recurring(item, account, period, taxing) for item in held],
        [
            *(
                _usage(sums, period, taxing, told.get(number, ""))
                for number, (_, sums) in enumerate(usage)
            ),
            *(line.usage for line in whole),
        ],
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
    first = next((n for n, line in enumerate(invoice.lines, 1) if line.kind is LineKind.USAGE), 0)
    lines = [(first + number, one) for number, one in numbered]
    noted = unbilled.note_charges(txn, account.id, period, earliest, invoice_id, lines)
    assert noted == sum(item.events for item in charged), (number, noted)
    kept = [
        replace(line.billed, line_no=line_no)
        for line_no, line in enumerate(whole, first + len(usage))
        if line.billed
    ]
    period_usage.add(txn, account.id, invoice_id, kept)
    return number


def _lines(
    charged: Sequence[Charged], taxing: Taxing
) -> list[tuple[tuple[object, ...], list[Charged]]]:
    """Put sums together that a line does not tell apart: the same taxes, by other versions of theirs."""
    found: dict[tuple[object, ...], list[Charged]] = {}
    for one in charged:
        taxes = taxing.told(one.taxes)
        key = (one.account_service_id, one.usage_class, one.location, one.why, one.aggregate)
        found.setdefault((*key, taxes), []).append(one)
    return list(found.items())


def _recurring(item: Held, account: Billable, period: Period, taxing: Taxing) -> Recurring:
    # Without an end it is held at least to the end of the period.
    held = period.overlap(Period(item.from_, item.to or period.to))
    assert held is not None, item
    amount_e11 = prorated_e11(
        minor_e11(item.price_minor, account.currency), held, period, account.time_zone
    )
    net_e11, taxes = taxing.of_package(item, amount_e11, period)
    return Recurring(
        account_service_id=item.account_service_id,
        description=item.name,
        during=held,
        amount_e11=net_e11,
        taxes=taxes,
    )


def _usage(sums: Sequence[Charged], period: Period, taxing: Taxing, drawn: str) -> UsageSum:
    one = sums[0]
    parts = [one.class_name] if one.location_name is None else [one.class_name, one.location_name]
    parts += SAID[one.why]
    if one.aggregate:
        parts.append("priced by the period")
    if drawn:
        parts.append(drawn)
    return UsageSum(
        account_service_id=one.account_service_id,
        description=", ".join(parts),
        during=period,
        unit=one.unit,
        events=sum(each.events for each in sums),
        quantity=sum(each.quantity for each in sums),
        included=sum(each.included for each in sums),
        amount_e11=sum(each.amount_e11 for each in sums),
        taxes=taxing.told(one.taxes),
    )
