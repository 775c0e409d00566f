"""Accounts: opened, listed, shown with their services; services subscribed and ended."""

from dataclasses import dataclass
from datetime import date, datetime

from bmu.money import exponent
from bmu.period import local_day, midnight, to_us
from bmu.rating import Exemption
from bmuid.operations.accounts_document import (
    ACCOUNT,
    ACCOUNT_NAME,
    BILL_DAY,
    COUNTRY,
    CURRENCY,
    PACKAGE,
    ZONE,
    is_zone,
)
from bmuid.operations.accounts_load import NO_CATALOGUE
from bmuid.operations.grammar import Integer
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, NOT_FOUND, no_account, staff_changes, staff_reads
from bmuid.operations.statement import UsageDay
from bmuid.operations.uids import SERVICE, overlap, shorten
from bmuid.store import accounts, companies, logins, ownerships, revisions, terms
from bmuid.store.accounts import Account, NewAccount, NewService, Service
from bmuid.store.ownerships import Ownership
from bmuid.store.terms import PLAIN_ACCOUNT, PLAIN_SERVICE, Attributes, ServiceTerms
from bmuid.store.transaction import Transaction

LISTED = 100
LISTED_MAX = 1000


@dataclass(frozen=True, slots=True)
class Add:
    """A new account; what is left out is as with the company."""

    number: str = argument(ACCOUNT, "the account's number")
    name: str = argument(ACCOUNT_NAME, "the customer's name")
    currency: str | None = argument(CURRENCY, "the currency it is billed in", optional=True)
    country: str | None = argument(COUNTRY, "the customer's country", optional=True)
    time_zone: str | None = argument(ZONE, "the zone its days are counted in", optional=True)
    bill_day: int | None = argument(BILL_DAY, "first day of its billing month", optional=True)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of all accounts."""

    after: str | None = argument(ACCOUNT, "only numbers that follow this one", optional=True)
    limit: int | None = argument(Integer(1, LISTED_MAX), "how many at most", optional=True)


@dataclass(frozen=True, slots=True)
class Show:
    """Which account."""

    number: str = argument(ACCOUNT, "the account's number")


@dataclass(frozen=True, slots=True)
class AddService:
    """A subscription over the account's local days [from, to)."""

    account: str = argument(ACCOUNT, "the account's number")
    package: str = argument(PACKAGE, "the package's code")
    from_: date = argument(UsageDay(), "the first local day")
    to: date | None = argument(UsageDay(), "the local day after the last", optional=True)


@dataclass(frozen=True, slots=True)
class EndService:
    """A subscription, and the local day from which it is no longer held."""

    account: str = argument(ACCOUNT, "the account's number")
    service: int = argument(SERVICE, "the service's id")
    to: date = argument(UsageDay(), "the local day after the last")


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account."""

    number: str
    name: str
    currency: str
    country: str
    time_zone: str
    bill_day: int


@dataclass(frozen=True, slots=True)
class Accounts:
    """A part of all accounts, by number; after: where the next part starts, None: there is none."""

    accounts: tuple[AccountRow, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class UIDRow:
    """A usage identifier of a service, over the account's local days [from, to)."""

    type: str
    value: str
    from_: date
    to: date | None


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service subscription over the account's local days [from, to), and what it rates by of its own."""

    id: int
    package: str
    from_: date
    to: date | None
    rate_plan: str | None
    price_plan: str | None
    attributes: tuple[str, ...]
    uids: tuple[UIDRow, ...]


@dataclass(frozen=True, slots=True)
class ExemptionRow:
    """A tax that is not owed, None: any; over local days [from, to)."""

    certificate: str
    tax: str | None
    from_: date | None
    to: date | None


@dataclass(frozen=True, slots=True)
class TermsRow:
    """
    What an account rates by beyond what every account has.

    Shapes:
        parent: the account above it. usage_invoicer: who pays its usage; None: itself. exemptions: taxes it does not owe.
    """

    parent: str | None
    rate_plan: str | None
    inherits_plan: bool
    category: str | None
    state: str | None
    usage_invoicer: str | None
    attributes: tuple[str, ...]
    exemptions: tuple[ExemptionRow, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """An account with what it rates by, its services and the names of its logins."""

    account: AccountRow
    terms: TermsRow
    services: tuple[ServiceRow, ...]
    logins: tuple[str, ...]


def add(txn: Transaction, actor: Actor, arguments: Add, now: datetime) -> Shown | Refused:
    """Open an account."""
    revisions.lock(txn)
    company = companies.company(txn)
    if company is None:
        return NO_CATALOGUE
    wanted = NewAccount(
        number=arguments.number,
        name=arguments.name,
        currency=arguments.currency or company.currency,
        country=arguments.country or company.country,
        time_zone=arguments.time_zone or company.time_zone,
        bill_day=arguments.bill_day or 1,
    )
    fault = _fault(wanted)
    if fault:
        return Refused("BAD_ARGUMENT", fault)
    added = accounts.add(txn, [wanted]).get(wanted.number)
    if added is None:
        return Refused("ACCOUNT_EXISTS", f"there is an account {wanted.number} already")
    return _shown(txn, added)


def _fault(wanted: NewAccount) -> str | None:
    if not is_zone(wanted.time_zone):
        return f"time_zone: {wanted.time_zone} is not a time zone of the IANA data"
    try:
        exponent(wanted.currency)
    except ValueError as error:
        return f"currency: {error}"
    return None


def list_(txn: Transaction, actor: Actor, arguments: Page, now: datetime) -> Accounts:
    """List accounts."""
    limit = arguments.limit or LISTED
    found = accounts.page(txn, arguments.after or "", limit + 1)
    shown = tuple(_row(account) for account in found[:limit])
    return Accounts(shown, shown[-1].number if len(found) > limit else None)


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Shown | Refused:
    """Show an account."""
    account = accounts.by_number(txn, arguments.number)
    return _shown(txn, account) if account else no_account(arguments.number)


def _package_fault(txn: Transaction, code: str, currency: str) -> str | None:
    priced_in = companies.packages(txn).get(code)
    if priced_in is None:
        return f"there is no package {code}"
    return None if priced_in == currency else f"its price is in {priced_in}"


def add_service(
    txn: Transaction, actor: Actor, arguments: AddService, now: datetime
) -> Shown | Refused:
    """Subscribe an account to a package; the same again is refused, so that no repeat doubles it."""
    revisions.lock(txn)
    account = accounts.by_number(txn, arguments.account)
    if account is None:
        return no_account(arguments.account)
    why_not = _package_fault(txn, arguments.package, account.currency)
    if why_not is not None:
        return Refused("BAD_ARGUMENT", f"package: {why_not}")
    wanted = NewService(
        account_id=account.id,
        package=arguments.package,
        from_=midnight(arguments.from_, account.time_zone),
        to=None if arguments.to is None else midnight(arguments.to, account.time_zone),
    )
    if wanted.to is not None and wanted.to <= wanted.from_:
        return Refused("BAD_ARGUMENT", "to: must lie after from")
    held = accounts.services(txn, [account.id])
    if any((one.package, one.from_) == (wanted.package, wanted.from_) for one in held):
        return Refused("SERVICE_EXISTS", "the account has this package from this day already")
    accounts.add_services(txn, [wanted])
    return _shown(txn, account)


def end_service(
    txn: Transaction, actor: Actor, arguments: EndService, now: datetime
) -> Shown | Refused:
    """Let a service end, and with it the ownership of its UIDs."""
    revisions.lock(txn)
    account = accounts.by_number(txn, arguments.account)
    held = accounts.services(txn, [account.id]) if account else ()
    service = next((one for one in held if one.id == arguments.service), None)
    if account is None or service is None:
        return NOT_FOUND
    to = midnight(arguments.to, account.time_zone)
    if to <= service.from_ or (service.to is not None and service.to <= to):
        return Refused("BAD_ARGUMENT", "to: must lie after the service's start and before its end")
    accounts.end_service(txn, service.id, to)
    uids = [
        one
        for one in ownerships.of_account(txn, account.id)
        if one.account_service_id == service.id and overlap(one.from_, one.to, to, None)
    ]
    revision = revisions.add(txn, actor.name, f"end service {service.id} of {account.number}")
    shorten(txn, account, uids, to, revision)
    return _shown(txn, account)


def _shown(txn: Transaction, account: Account) -> Shown:
    uids = ownerships.of_account(txn, account.id)
    by_service = terms.of_services(txn, revisions.newest(txn), [account.id])
    services = tuple(
        _service(service, by_service.get(service.id, PLAIN_SERVICE), uids, account.time_zone)
        for service in accounts.services(txn, [account.id])
    )
    names = tuple(login.name for login in logins.known(txn, account.number, None))
    return Shown(_row(account), _terms(txn, account), services, names)


def _terms(txn: Transaction, account: Account) -> TermsRow:
    found = terms.of_accounts(txn, revisions.newest(txn), [account.id])
    held = found.get(account.id, PLAIN_ACCOUNT)
    payer = held.usage_invoicer_id
    return TermsRow(
        parent=accounts.parent(txn, account.id),
        rate_plan=held.rate_plan,
        inherits_plan=held.inherits_plan,
        category=held.category,
        state=held.state,
        usage_invoicer=None if payer is None else accounts.by_id(txn, payer).number,
        attributes=_attributes(held.attributes),
        exemptions=tuple(map(_exemption, held.exemptions)),
    )


def _attributes(held: Attributes) -> tuple[str, ...]:
    return tuple(f"{name}={text}" for name, text in held)


def _exemption(one: Exemption) -> ExemptionRow:
    return ExemptionRow(one.certificate, one.tax, one.valid_from, one.valid_to)


def _row(account: Account) -> AccountRow:
    return AccountRow(
        number=account.number,
        name=account.name,
        currency=account.currency,
        country=account.country,
        time_zone=account.time_zone,
        bill_day=account.bill_day,
    )


def _service(
    service: Service, held: ServiceTerms, uids: tuple[Ownership, ...], zone: str
) -> ServiceRow:
    return ServiceRow(
        id=service.id,
        package=service.package,
        from_=_day(service.from_, zone),
        to=None if service.to is None else _day(service.to, zone),
        rate_plan=held.rate_plan,
        price_plan=held.price_plan,
        attributes=_attributes(held.attributes),
        uids=tuple(
            UIDRow(
                type=uid.type,
                value=uid.value,
                from_=_day(uid.from_, zone),
                to=None if uid.to is None else _day(uid.to, zone),
            )
            for uid in uids
            if uid.account_service_id == service.id
        ),
    )


def _day(instant: datetime, zone: str) -> date:
    return local_day(to_us(instant), zone)


OPERATIONS = (
    staff_changes(("account_add", "Open an account"), Add, Shown, add, CLERKS),
    staff_reads("account_list", "The accounts, by number", Page, Accounts, list_),
    staff_reads("account_show", "An account with its services", Show, Shown, show),
    staff_changes(
        ("service_add", "Subscribe an account to a package"),
        AddService,
        Shown,
        add_service,
        CLERKS,
    ),
    staff_changes(
        ("service_end", "End a service and its UIDs"), EndService, Shown, end_service, CLERKS
    ),
)
