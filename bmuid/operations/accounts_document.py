"""The document of accounts: who the customers are, what they subscribe to, which UIDs and logins they have."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from bmu.billing.document import Entry
from bmu.period import zone_of
from bmuid import passwords
from bmuid.operations.entries import day, day_or_none, number, text, text_or_none
from bmuid.operations.grammar import Integer, Pattern, Text
from bmuid.operations.terms_document import account_terms, service_terms
from bmuid.store.terms import AccountTerms, ServiceTerms

ACCOUNT = Pattern(r"[A-Z0-9-]{1,32}", "the number of an account: capitals, digits and hyphens")
ACCOUNT_NAME = Text(200)
COUNTRY = Pattern(r"[A-Z]{2}", "two capitals of ISO 3166, like GB")
CURRENCY = Pattern(r"[A-Z]{3}", "three capitals of ISO 4217, like GBP")
ZONE = Pattern(r"[A-Za-z0-9_+/-]{1,64}", "a time zone of the IANA data, like Europe/London")
BILL_DAY = Integer(1, 28)
PACKAGE = Text(64)
UID_TYPE = Pattern(r"[a-z0-9_]{1,32}", "a kind of UID, like phone")
UID_VALUE = Pattern(r"[!-~]{1,128}", "1 to 128 visible ASCII characters")
LOGIN = Text(254)
PASSWORD = Text(256)
PHONE = r"[1-9][0-9]{2,14}"


@dataclass(frozen=True, slots=True)
class UIDEntry:
    """A usage identifier over the local days [from, to), those of its service unless it says others."""

    type: str
    value: str
    from_: date
    to: date | None


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """A service subscription over the local days [from, to); terms: none where none are given."""

    package: str
    from_: date
    to: date | None
    uids: tuple[UIDEntry, ...]
    terms: ServiceTerms | None


@dataclass(frozen=True, slots=True)
class LoginEntry:
    """A login and its first password."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """
    An account; what is empty is as with the company.

    Shapes:
        parent, usage_invoicer: numbers of accounts, or nothing.
        terms: but for the usage invoicer; none where none are given.
    """

    number: str
    name: str
    currency: str
    country: str
    time_zone: str
    bill_day: int
    services: tuple[ServiceEntry, ...]
    logins: tuple[LoginEntry, ...]
    parent: str
    usage_invoicer: str
    terms: AccountTerms | None


def read(document: Entry) -> tuple[AccountEntry, ...]:
    """Read the accounts, noting all faults that show without the database."""
    found = document.each("account", _account)
    for name, times in _repeated(one.number for one in found):
        document.fault("account", f"{name} is there {times} times")
    for name, times in _repeated(login.name for one in found for login in one.logins):
        document.fault("account.login", f"{name} is there {times} times")
    return found


def _repeated(names: Iterator[str]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return [(name, times) for name, times in counts.items() if times > 1 and name]


def _account(entry: Entry) -> AccountEntry:
    zone = text_or_none(entry, "time_zone", ZONE)
    if zone and not is_zone(zone):
        entry.fault("time_zone", f"{zone} is not a time zone of the IANA data")
    return AccountEntry(
        number=text(entry, "number", ACCOUNT),
        name=text(entry, "name", ACCOUNT_NAME),
        currency=text_or_none(entry, "currency", CURRENCY),
        country=text_or_none(entry, "country", COUNTRY),
        time_zone=zone,
        bill_day=number(entry, "bill_day", BILL_DAY, 1),
        services=entry.each("service", _service),
        logins=entry.each("login", _login),
        parent=text_or_none(entry, "parent", ACCOUNT),
        usage_invoicer=text_or_none(entry, "usage_invoicer", ACCOUNT),
        terms=account_terms(entry),
    )


def is_zone(name: str) -> bool:
    """Tell whether there is such a time zone."""
    try:
        zone_of(name)
    except ValueError:
        return False
    return True


def _service(entry: Entry) -> ServiceEntry:
    from_, to = day(entry, "from"), day_or_none(entry, "to")
    if to is not None and to <= from_:
        entry.fault("to", "must lie after from; it is the local day after the last")
    return ServiceEntry(
        package=text(entry, "package", PACKAGE),
        from_=from_,
        to=to,
        uids=entry.each("uids", lambda uid: _uid(uid, from_, to)),
        terms=service_terms(entry),
    )


def _uid(entry: Entry, service_from: date, service_to: date | None) -> UIDEntry:
    type_, value = text(entry, "type", UID_TYPE), text(entry, "value", UID_VALUE)
    fault = uid_fault(type_, value)
    if value and fault:
        entry.fault("value", fault)
    from_ = day_or_none(entry, "from") or service_from
    to = day_or_none(entry, "to") or service_to
    if to is not None and to <= from_:
        entry.fault("to", "must lie after from; it is the local day after the last")
    if from_ < service_from or (service_to and (to or service_to) > service_to):
        entry.fault("from", "a UID is owned within the days of its service")
    return UIDEntry(type_, value, from_, to)


def uid_fault(type_: str, value: str) -> str | None:
    """Say why no usage could carry such a UID; None: it could."""
    if type_ == "phone" and not re.fullmatch(PHONE, value, re.ASCII):
        return "must be a number's digits in E.164, like 442079460123"
    return None


def _login(entry: Entry) -> LoginEntry:
    name, password = text(entry, "login", LOGIN), text(entry, "password", PASSWORD)
    fault = passwords.name_fault(name) if name else None
    if fault:
        entry.fault("login", fault)
    fault = passwords.fault_of(password, name) if name and password else None
    if fault:
        entry.fault("password", fault)
    return LoginEntry(passwords.login_name(name), password)
