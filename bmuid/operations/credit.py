"""How far accounts may go into debt before nothing more is reserved for them."""

from dataclasses import dataclass
from datetime import datetime

from bmu.money import ONE_E11, decimal_text, exponent, money_text
from bmuid.operations.accounts_document import ACCOUNT
from bmuid.operations.grammar import Pattern
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, no_account, staff_changes, staff_reads
from bmuid.realtime import spending
from bmuid.store import accounts, credit
from bmuid.store.accounts import Account
from bmuid.store.transaction import Transaction

NONE = "none"
LIMIT = Pattern(
    r"none|(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?",
    "an amount like 50.00 (0: prepaid), or none for no limit",
)


@dataclass(frozen=True, slots=True)
class Show:
    """Which account."""

    account: str = argument(ACCOUNT, "the account's number")


@dataclass(frozen=True, slots=True)
class Set:
    """Which account, and how far."""

    account: str = argument(ACCOUNT, "the account's number")
    limit: str = argument(LIMIT, "what it may owe, use unbilled and reserve, together")


@dataclass(frozen=True, slots=True)
class Credit:
    """An account's limit, and what of it is left, below zero where its debt is beyond it; None: no limit."""

    account: str
    currency: str
    limit: str | None
    left: str | None


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Credit | Refused:
    """Say how far an account may go into debt."""
    account = accounts.by_number(txn, arguments.account)
    return _credit(txn, account, now) if account else no_account(arguments.account)


def set_(txn: Transaction, actor: Actor, arguments: Set, now: datetime) -> Credit | Refused:
    """Set how far an account may go into debt; what is reserved stays reserved."""
    account = accounts.by_number(txn, arguments.account)
    if account is None:
        return no_account(arguments.account)
    places = exponent(account.currency)
    limit = None
    if arguments.limit != NONE:
        whole, _, rest = arguments.limit.partition(".")
        if len(rest) > places:
            return Refused(
                "BAD_ARGUMENT", f"limit: {account.currency} has {places} decimal places"
            )
        limit = int(whole + rest.ljust(places, "0"))
    credit.put(txn, account.id, limit, ONE_E11 // 10**places)
    return _credit(txn, account, now)


def _credit(txn: Transaction, account: Account, now: datetime) -> Credit:
    limit, left = credit.limit_minor(txn, account.id), spending.left_e11(txn, account.id, now)
    return Credit(
        account=account.number,
        currency=account.currency,
        limit=None if limit is None else money_text(limit, account.currency),
        left=None if left is None else decimal_text(left),
    )


OPERATIONS = (
    staff_reads("credit_show", "How far an account may go into debt", Show, Credit, show),
    staff_changes(
        ("credit_set", "Set how far an account may go into debt"), Set, Credit, set_, CLERKS
    ),
)
