"""Invoices as issued, for the customer and for the staff."""

from dataclasses import dataclass
from datetime import date, datetime

from bmu.money import decimal_text, money_text
from bmu.usage import Unit
from bmuid.operations.accounts_document import ACCOUNT
from bmuid.operations.grammar import Pattern
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import NOT_FOUND, customer_reads, no_account, staff_reads
from bmuid.operations.statement import Heading, heading
from bmuid.store import accounts, companies, invoices_view, sessions
from bmuid.store.accounts import Account
from bmuid.store.invoices_view import Head, Line
from bmuid.store.transaction import Transaction

SHOWN_MAX = 500
PPM_A_PERCENT_E11 = 10_000_000

NUMBER = Pattern(r"[A-Za-z0-9._/-]{1,64}", "the number of an invoice")


@dataclass(frozen=True, slots=True)
class List:
    """All of the own account."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """Of which account."""

    account: str = argument(ACCOUNT, "the account's number")


@dataclass(frozen=True, slots=True)
class Show:
    """Which one of the own account."""

    number: str = argument(NUMBER, "the invoice's number")


@dataclass(frozen=True, slots=True)
class ShowOf:
    """Which one of which account."""

    account: str = argument(ACCOUNT, "the account's number")
    number: str = argument(NUMBER, "the invoice's number")


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice in a list; its period is in local days [from, to)."""

    number: str
    kind: str
    from_: date
    to: date
    issued_on: date
    due_on: date
    net: str
    tax: str
    total: str
    currency: str


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """
    A line of an invoice; events, unit, quantity and included are of usage alone.

    Shapes:
        tax_percent: "20", "0" for none, or of several taxes "20 + 5".
    """

    kind: str
    description: str
    events: int | None
    unit: Unit | None
    quantity: int | None
    included: int | None
    tax_percent: str
    amount: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice with its lines."""

    number: str
    kind: str
    from_: date
    to: date
    issued_on: date
    due_on: date
    net: str
    tax: str
    total: str
    currency: str
    customer_name: str
    lines: tuple[InvoiceLine, ...]


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issued it."""

    name: str
    country: str


@dataclass(frozen=True, slots=True)
class Invoices:
    """The invoices of an account, the newest first."""

    account: Heading
    invoices: tuple[InvoiceRow, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One invoice, as on paper."""

    account: Heading
    invoice: Invoice
    company: Issuer


def list_own(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Invoices:
    """List the invoices of the customer."""
    return _listed(txn, accounts.by_id(txn, sessions.entered(txn)))


def list_of(
    txn: Transaction, actor: Actor, arguments: ListOf, now: datetime
) -> Invoices | Refused:
    """List the invoices of an account."""
    account = accounts.by_number(txn, arguments.account)
    return _listed(txn, account) if account else no_account(arguments.account)


def show_own(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Shown | Refused:
    """Show one invoice of the customer."""
    return _shown(txn, accounts.by_id(txn, sessions.entered(txn)), arguments.number)


def show_of(txn: Transaction, actor: Actor, arguments: ShowOf, now: datetime) -> Shown | Refused:
    """Show one invoice of an account."""
    account = accounts.by_number(txn, arguments.account)
    return _shown(txn, account, arguments.number) if account else no_account(arguments.account)


def invoice_row(head: Head) -> InvoiceRow:
    """Write an invoice as a row of a list."""
    return InvoiceRow(
        number=head.number,
        kind=head.kind,
        from_=head.from_,
        to=head.to,
        issued_on=head.issued_on,
        due_on=head.due_on,
        net=money_text(head.net_minor, head.currency),
        tax=money_text(head.tax_minor, head.currency),
        total=money_text(head.total_minor, head.currency),
        currency=head.currency,
    )


def _listed(txn: Transaction, account: Account) -> Invoices:
    heads = invoices_view.heads(txn, account.id, SHOWN_MAX)
    return Invoices(heading(account), tuple(invoice_row(head) for head in heads))


def _shown(txn: Transaction, account: Account, number: str) -> Shown | Refused:
    head = invoices_view.head(txn, account.id, number)
    company = companies.company(txn)
    if head is None or company is None:
        return NOT_FOUND
    row = invoice_row(head)
    lines = invoices_view.lines(txn, account.id, head.id)
    invoice = Invoice(
        number=row.number,
        kind=row.kind,
        from_=row.from_,
        to=row.to,
        issued_on=row.issued_on,
        due_on=row.due_on,
        net=row.net,
        tax=row.tax,
        total=row.total,
        currency=row.currency,
        customer_name=head.customer_name,
        lines=tuple(_line(line, head.currency) for line in lines),
    )
    return Shown(heading(account), invoice, Issuer(company.name, company.country))


def _line(line: Line, currency: str) -> InvoiceLine:
    return InvoiceLine(
        kind=line.kind,
        description=line.description,
        events=line.events,
        unit=line.unit,
        quantity=line.quantity,
        included=line.included,
        tax_percent=" + ".join(decimal_text(ppm * PPM_A_PERCENT_E11) for ppm in line.taxes_ppm)
        or "0",
        amount=money_text(line.amount_minor, currency),
    )


OPERATIONS = (
    customer_reads("invoice_list", "The account's invoices", List, Invoices, list_own),
    customer_reads("invoice_show", "One invoice, as issued", Show, Shown, show_own),
    staff_reads("invoice_list", "The invoices of an account", ListOf, Invoices, list_of),
    staff_reads("invoice_show", "One invoice, as issued", ShowOf, Shown, show_of),
)
