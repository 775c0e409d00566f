"""What decides the prices of one account or service, beyond what every account has: set, and cleared."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from bmu.rating import Exemption
from bmuid.operations.accounts_document import ACCOUNT
from bmuid.operations.grammar import ArgumentError, Choice, Day, Text
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, NOT_FOUND, no_account, staff_changes
from bmuid.operations.terms_document import CERTIFICATE, attributes_of
from bmuid.operations.uids import SERVICE
from bmuid.store import accounts, companies, concerns, reratings_view, revisions, terms
from bmuid.store.accounts import Account
from bmuid.store.terms import (
    PLAIN_ACCOUNT,
    PLAIN_SERVICE,
    AccountTerms,
    Attributes,
    ServiceTerms,
)
from bmuid.store.transaction import Transaction

# In place of a value: there is none any more.
CLEAR = "-"
WORD = Text(64)
YES_OR_NO = Choice(("yes", "no"))
ATTRIBUTES = "its attributes, like segment=gold,sales=north; - for none"


@dataclass(frozen=True, slots=True)
class SetAccount:
    """What to set; what is left out stays, - clears."""

    number: str = argument(ACCOUNT, "the account's number")
    category: str | None = argument(WORD, "for taxes and conditions", optional=True)
    state: str | None = argument(WORD, "the part of its country", optional=True)
    rate_plan: str | None = argument(WORD, "its own rate plan", optional=True)
    inherits_plan: str | None = argument(YES_OR_NO, "else that of those above", optional=True)
    usage_invoicer: str | None = argument(WORD, "the account that pays its usage", optional=True)
    attributes: str | None = argument(Text(1000), ATTRIBUTES, optional=True)


@dataclass(frozen=True, slots=True)
class Exempt:
    """A tax that an account does not owe."""

    number: str = argument(ACCOUNT, "the account's number")
    certificate: str = argument(CERTIFICATE, "what proves it")
    tax: str | None = argument(WORD, "the tax; all of them unless told", optional=True)
    from_: date | None = argument(Day(), "the first day", optional=True)
    to: date | None = argument(Day(), "the day after the last", optional=True)


@dataclass(frozen=True, slots=True)
class SetService:
    """What to set; what is left out stays, - clears."""

    account: str = argument(ACCOUNT, "the account's number")
    service: int = argument(SERVICE, "the service's id")
    rate_plan: str | None = argument(WORD, "the account's rate plan for it", optional=True)
    price_plan: str | None = argument(WORD, "prices agreed with the customer", optional=True)
    attributes: str | None = argument(Text(1000), ATTRIBUTES, optional=True)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A name that conditions may ask for, and its text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class ExemptionRow:
    """A tax that is not owed over the local days [from, to); tax: none means all."""

    certificate: str
    tax: str | None
    from_: date | None
    to: date | None


@dataclass(frozen=True, slots=True)
class OfAccount:
    """What an account rates by from the revision on."""

    revision: int
    category: str | None
    state: str | None
    rate_plan: str | None
    inherits_plan: bool
    usage_invoicer: str | None
    attributes: tuple[Attribute, ...]
    exemptions: tuple[ExemptionRow, ...]


@dataclass(frozen=True, slots=True)
class OfService:
    """What a service rates by from the revision on."""

    revision: int
    rate_plan: str | None
    price_plan: str | None
    attributes: tuple[Attribute, ...]


def set_account(
    txn: Transaction, actor: Actor, arguments: SetAccount, now: datetime
) -> OfAccount | Refused:
    """Set terms of an account."""
    revisions.lock(txn)
    account = accounts.by_number(txn, arguments.number)
    if account is None:
        return no_account(arguments.number)
    held = _held(txn, account.id)
    invoicer_id = _invoicer_id(txn, account, arguments.usage_invoicer, held)
    if isinstance(invoicer_id, Refused):
        return invoicer_id
    attributes = _attributes(arguments.attributes, held.attributes)
    if isinstance(attributes, Refused):
        return attributes
    inherits = arguments.inherits_plan
    wanted = replace(
        held,
        category=_said(arguments.category, held.category),
        state=_said(arguments.state, held.state),
        rate_plan=_said(arguments.rate_plan, held.rate_plan),
        inherits_plan=held.inherits_plan if inherits is None else inherits == "yes",
        usage_invoicer_id=invoicer_id,
        attributes=attributes,
    )
    plan_stays = (wanted.rate_plan, wanted.inherits_plan) == (held.rate_plan, held.inherits_plan)
    answer = _put(txn, actor, account.id, wanted)
    if plan_stays or isinstance(answer, Refused):
        return answer
    touched = concerns.rating_by(txn, account.id, answer.revision)
    for account_id in (None,) if touched is None else touched:
        if account_id != account.id:
            reratings_view.mark(txn, account_id, None, "account_set", answer.revision)
    return answer


def exempt(
    txn: Transaction, actor: Actor, arguments: Exempt, now: datetime
) -> OfAccount | Refused:
    """Note that an account does not owe a tax; the same certificate again takes the place of the former."""
    revisions.lock(txn)
    account = accounts.by_number(txn, arguments.number)
    if account is None:
        return no_account(arguments.number)
    if arguments.tax is not None and arguments.tax not in companies.codes(txn, "tax"):
        return Refused("BAD_ARGUMENT", f"tax: there is no tax {arguments.tax}")
    if arguments.from_ and arguments.to and arguments.to <= arguments.from_:
        return Refused("BAD_ARGUMENT", "to: must lie after from")
    held = _held(txn, account.id)
    others = (one for one in held.exemptions if one.certificate != arguments.certificate)
    added = Exemption(arguments.certificate, arguments.tax, arguments.from_, arguments.to)
    return _put(txn, actor, account.id, replace(held, exemptions=(*others, added)))


def set_service(
    txn: Transaction, actor: Actor, arguments: SetService, now: datetime
) -> OfService | Refused:
    """Set terms of a service."""
    revisions.lock(txn)
    account = accounts.by_number(txn, arguments.account)
    services = accounts.services(txn, [account.id]) if account else ()
    if account is None or arguments.service not in {one.id for one in services}:
        return NOT_FOUND
    newest = revisions.newest(txn)
    held = terms.of_services(txn, newest, [account.id]).get(arguments.service, PLAIN_SERVICE)
    attributes = _attributes(arguments.attributes, held.attributes)
    if isinstance(attributes, Refused):
        return attributes
    rate_plan = _said(arguments.rate_plan, held.rate_plan)
    price_plan = _said(arguments.price_plan, held.price_plan)
    for table, code in (("rate_plan", rate_plan), ("price_plan", price_plan)):
        if code is not None and code not in companies.codes(txn, table):
            return Refused("BAD_ARGUMENT", f"{table}: there is no {code}")
    revision = revisions.add(txn, actor.name, "service_set")
    wanted = ServiceTerms(rate_plan, price_plan, attributes)
    terms.put_services(txn, {(account.id, arguments.service): wanted}, revision)
    reratings_view.mark(txn, account.id, None, "service_set", revision)
    return OfService(revision, rate_plan, price_plan, _shown(attributes))


def _held(txn: Transaction, account_id: int) -> AccountTerms:
    found = terms.of_accounts(txn, revisions.newest(txn), [account_id])
    return found.get(account_id, PLAIN_ACCOUNT)


def _invoicer_id(
    txn: Transaction, account: Account, said: str | None, held: AccountTerms
) -> int | Refused | None:
    if said is None or said == CLEAR:
        return held.usage_invoicer_id if said is None else None
    invoicer = accounts.by_number(txn, said)
    if invoicer is None:
        return Refused("BAD_ARGUMENT", f"usage_invoicer: there is no account {said}")
    if invoicer.id == account.id:
        return Refused("BAD_ARGUMENT", "usage_invoicer: must be another account")
    if invoicer.currency != account.currency:
        return Refused(
            "BAD_ARGUMENT",
            f"usage_invoicer: {said} is billed in {invoicer.currency}, {account.number} in"
            f" {account.currency}; name one of the same currency",
        )
    return invoicer.id


def _put(
    txn: Transaction, actor: Actor, account_id: int, wanted: AccountTerms
) -> OfAccount | Refused:
    if wanted.rate_plan is not None and wanted.rate_plan not in companies.codes(txn, "rate_plan"):
        return Refused("BAD_ARGUMENT", f"rate_plan: there is no {wanted.rate_plan}")
    revision = revisions.add(txn, actor.name, "account_set")
    terms.put_accounts(txn, {account_id: wanted}, revision)
    reratings_view.mark(txn, account_id, None, "account_set", revision)
    invoicer_id = wanted.usage_invoicer_id
    return OfAccount(
        revision=revision,
        category=wanted.category,
        state=wanted.state,
        rate_plan=wanted.rate_plan,
        inherits_plan=wanted.inherits_plan,
        usage_invoicer=accounts.by_id(txn, invoicer_id).number if invoicer_id else None,
        attributes=_shown(wanted.attributes),
        exemptions=tuple(ExemptionRow(*one) for one in wanted.exemptions),
    )


def _said(said: str | None, held: str | None) -> str | None:
    """Give what holds after something was said, or nothing was."""
    return held if said is None else None if said == CLEAR else said


def _attributes(said: str | None, held: Attributes) -> Attributes | Refused:
    if said is None or said == CLEAR:
        return held if said is None else ()
    try:
        return attributes_of(said)
    except ArgumentError as error:
        return Refused("BAD_ARGUMENT", f"attributes: {error}")


def _shown(attributes: Attributes) -> tuple[Attribute, ...]:
    return tuple(Attribute(*one) for one in attributes)


OPERATIONS = (
    staff_changes(
        ("account_set", "Set what an account rates by"), SetAccount, OfAccount, set_account, CLERKS
    ),
    staff_changes(
        ("account_exempt", "Note a tax that an account does not owe"),
        Exempt,
        OfAccount,
        exempt,
        CLERKS,
    ),
    staff_changes(
        ("service_set", "Set what a service rates by"), SetService, OfService, set_service, CLERKS
    ),
)
