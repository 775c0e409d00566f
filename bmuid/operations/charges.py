"""Why a charge is what it is, for the customer and for the staff."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bmu.money import decimal_text
from bmu.rating import Evidence, Tried, explain
from bmuid.operations.accounts_document import ACCOUNT
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import NOT_FOUND, customer_reads, no_account, staff_reads
from bmuid.operations.statement import Heading, heading
from bmuid.operations.usage import CHARGE, Item, item, key_of
from bmuid.store import accounts, evidence, passed_over, sessions
from bmuid.store.accounts import Account
from bmuid.store.customer_usage import ChargeKey, Priced, Used
from bmuid.store.evidence import Charged
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Explain:
    """Which charge of the own account."""

    id: str = argument(CHARGE, "the charge's id, as in a list of usage")


@dataclass(frozen=True, slots=True)
class ExplainOf:
    """Which charge of which account."""

    account: str = argument(ACCOUNT, "the account's number")
    id: str = argument(CHARGE, "the charge's id, as in a list of usage")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the reasoning."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class DrawnFrom:
    """What a bucket gave."""

    bucket_id: int
    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored with the charge, so that it can be computed again."""

    udr_id: int
    version: int
    file_id: int
    line_no: int
    rated_at: datetime
    revision: int
    package: str
    plan_level: int
    usage_class_id: int
    rate_plan_id: int
    rate_group_id: int
    rate_id: int
    location_pattern_id: int | None
    tax_id: int | None
    quantity: int
    rounded: int
    billable: int
    rated: str
    amount: str
    tax: str
    currency: str
    draws: tuple[DrawnFrom, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """A charge, the way to it in words, and the evidence."""

    account: Heading
    charge: Item
    steps: tuple[Step, ...]
    evidence: Kept


Passed = Callable[[Transaction, Charged], Tried | None]


def nothing_told(txn: Transaction, charge: Charged) -> None:
    """Say nothing of what was passed over: whoever pays need not know of prices that are others'."""


def explain_own(
    txn: Transaction, actor: Actor, arguments: Explain, now: datetime
) -> Explained | Refused:
    """Explain a charge of the customer."""
    return _explained(txn, accounts.by_id(txn, sessions.entered(txn)), arguments.id)


def explain_of(
    txn: Transaction, actor: Actor, arguments: ExplainOf, now: datetime
) -> Explained | Refused:
    """Explain a charge of an account."""
    account = accounts.by_number(txn, arguments.account)
    if account is None:
        return no_account(arguments.account)
    return _explained(txn, account, arguments.id, passed_over.tried)


def _explained(
    txn: Transaction, account: Account, text: str, passed: Passed = nothing_told
) -> Explained | Refused:
    key = key_of(text)
    charge = evidence.charged(txn, account.id, key) if key else None
    if charge is None:
        return NOT_FOUND
    found = evidence.evidence(txn, account, charge)
    return Explained(
        account=heading(account),
        charge=_item(charge, found),
        steps=tuple(Step(step.title, step.text) for step in explain(found, passed(txn, charge))),
        evidence=_kept(charge, found),
    )


def _item(charge: Charged, found: Evidence) -> Item:
    priced = Priced(
        key=ChargeKey(charge.started_at, charge.udr_id, charge.version),
        usage_class=found.usage_class.name,
        unit=found.usage_class.unit,
        location=found.location.name if found.location else None,
        quantity=charge.quantity,
        rounded=charge.rounded,
        billable=charge.billable,
        amount_e11=charge.amount_e11,
        tax_e11=charge.tax_e11,
    )
    return item(priced, Used(charge.uid, charge.origin, charge.destination), found.account_zone)


def _kept(charge: Charged, found: Evidence) -> Kept:
    return Kept(
        udr_id=charge.udr_id,
        version=charge.version,
        file_id=charge.file_id,
        line_no=charge.line_no,
        rated_at=charge.rated_at,
        revision=charge.revision,
        package=charge.package,
        plan_level=charge.plan_level,
        usage_class_id=charge.usage_class_id,
        rate_plan_id=charge.rate_plan_id,
        rate_group_id=charge.rate_group_id,
        rate_id=charge.rate_id,
        location_pattern_id=charge.location_pattern_id,
        tax_id=charge.tax_id,
        quantity=charge.quantity,
        rounded=charge.rounded,
        billable=charge.billable,
        rated=decimal_text(charge.rated_e11),
        amount=decimal_text(charge.amount_e11),
        tax=decimal_text(charge.tax_e11),
        currency=charge.currency,
        draws=tuple(DrawnFrom(one.bucket_id, one.name, one.quantity) for one in found.draws),
    )


OPERATIONS = (
    customer_reads(
        "charge_explain", "Why a charge is what it is", Explain, Explained, explain_own
    ),
    staff_reads("charge_explain", "Why a charge is what it is", ExplainOf, Explained, explain_of),
)
