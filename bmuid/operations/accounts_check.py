"""A document of accounts against what is there: all that does not fit, in words."""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from operator import itemgetter

from bmu.billing.catalogue import Company
from bmu.period import midnight
from bmuid.operations.accounts_document import AccountEntry, ServiceEntry, UIDEntry
from bmuid.operations.uids import overlap, taken, too_many
from bmuid.store.accounts import Account, Service
from bmuid.store.ownerships import Ownership
from bmuid.store.terms import PLAIN_ACCOUNT, PLAIN_SERVICE, AccountTerms, ServiceTerms


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What accounts and services rate by, by their ids, and what the catalogue has to offer them.

    Shapes:
        numbers: of all accounts that are named as parents or invoicers, with their ids.
        currencies: of those of them that are there already.
    """

    of_accounts: Mapping[int, AccountTerms]
    of_services: Mapping[int, ServiceTerms]
    parents: Mapping[int, int]
    numbers: Mapping[str, int]
    currencies: dict[str, str]
    rate_plans: Container[str]
    price_plans: Container[str]
    taxes: Container[str]


@dataclass(frozen=True, slots=True)
class Known:
    """
    What the database holds of what a document names.

    Shapes:
        packages: the currency of each. uids: how many usage identifiers a service has, where its
            package says so. services: by account. owners: by UID. owned: by service, where that number matters.
    """

    company: Company
    packages: dict[str, str]
    uids: dict[str, int]
    accounts: dict[str, Account]
    services: dict[int, tuple[Service, ...]]
    owners: dict[tuple[str, str], tuple[Ownership, ...]]
    owned: dict[int, list[Ownership]]
    logins: dict[str, str]
    terms: Terms


def faults(entries: Sequence[AccountEntry], known: Known) -> list[str]:
    """Say how the entries fit neither what is there nor each other."""
    currencies = known.terms.currencies | {entry.number: entry.currency for entry in entries}
    found = [
        f"account {entry.number}: {text}"
        for entry in entries
        for text in (*_account_faults(entry, known), *_payer_faults(entry, currencies))
    ]
    return found + list(_circles(entries)) + list(_shared_uids(entries))


def _circles(entries: Sequence[AccountEntry]) -> Iterator[str]:
    """Find accounts that would lie above themselves."""
    parents = {entry.number: entry.parent for entry in entries}
    for number, parent in parents.items():
        above, seen = parent, {number}
        while above and above not in seen:
            seen.add(above)
            above = parents.get(above, "")
        if parent != number and above == number:
            yield f"account {number}: would lie above itself"


def _account_faults(entry: AccountEntry, known: Known) -> Iterator[str]:
    account = known.accounts.get(entry.number)
    if account:
        yield from _differences(entry, account)
        yield from _other_terms(entry, account, known)
    yield from _terms_faults(entry, known.terms)
    for service, held in matched(entry, known):
        yield from _service_faults(service, held, entry, known)
        for uid in service.uids:
            yield from _uid_faults(uid, entry, known)
    for login in entry.logins:
        owner = known.logins.get(login.name)
        if owner not in {None, entry.number}:
            yield f"the login {login.name} is one of account {owner}"


def _payer_faults(entry: AccountEntry, currencies: Mapping[str, str]) -> Iterator[str]:
    payer = entry.usage_invoicer
    if currencies.get(payer, entry.currency) != entry.currency:
        yield f"its usage_invoicer {payer} is billed in {currencies[payer]}, not {entry.currency}"


def _service_faults(
    service: ServiceEntry, held: Service | None, entry: AccountEntry, known: Known
) -> Iterator[str]:
    currency = known.packages.get(service.package)
    if currency is None:
        yield f"there is no package {service.package}"
    elif currency != entry.currency:
        yield f"the price of {service.package} is in {currency}, not {entry.currency}"
    if held and held.to != end_of(service.to, entry):
        yield f"its service {service.package} from {service.from_} ends on another day"
    limit = known.uids.get(service.package)
    if limit is not None:
        yield from _too_many(service, held, entry, known.owned, limit)
    if service.terms is not None:
        yield from _service_terms_faults(service, service.terms, held, known.terms)


def _too_many(
    service: ServiceEntry,
    held: Service | None,
    entry: AccountEntry,
    owned: Mapping[int, Sequence[Ownership]],
    limit: int,
) -> Iterator[str]:
    """Find that a service would have more usage identifiers than it has by its package."""
    spans = {
        (uid.type, uid.value, midnight(uid.from_, entry.time_zone), end_of(uid.to, entry))
        for uid in service.uids
    }
    spans |= {
        (one.type, one.value, one.from_, one.to) for one in owned.get(held.id if held else 0, ())
    }
    fault = too_many(service.package, [(from_, to) for _, _, from_, to in spans], limit)
    if fault:
        yield f"its service from {service.from_}: {fault}"


def _service_terms_faults(
    service: ServiceEntry, wanted: ServiceTerms, held: Service | None, terms: Terms
) -> Iterator[str]:
    if held and wanted != terms.of_services.get(held.id, PLAIN_SERVICE):
        yield f"its service {service.package} from {service.from_} has other terms; see service set"
    if wanted.rate_plan is not None and wanted.rate_plan not in terms.rate_plans:
        yield f"there is no rate plan {wanted.rate_plan}"
    if wanted.price_plan is not None and wanted.price_plan not in terms.price_plans:
        yield f"there is no price plan {wanted.price_plan}"


def _other_terms(entry: AccountEntry, account: Account, known: Known) -> Iterator[str]:
    held = known.terms.of_accounts.get(account.id, PLAIN_ACCOUNT)
    invoicer_id = known.terms.numbers.get(entry.usage_invoicer)
    if entry.terms is not None and replace(entry.terms, usage_invoicer_id=invoicer_id) != held:
        yield "it has other terms; see account set"
    parent = known.terms.numbers.get(entry.parent)
    if parent is not None and known.terms.parents.get(account.id) != parent:
        yield "its parent is another; that never changes"


def _terms_faults(entry: AccountEntry, terms: Terms) -> Iterator[str]:
    for what, number in (("parent", entry.parent), ("usage_invoicer", entry.usage_invoicer)):
        if number and (number not in terms.numbers or number == entry.number):
            yield f"its {what} {number} is no other account"
    if entry.terms is None:
        return
    if entry.terms.rate_plan and entry.terms.rate_plan not in terms.rate_plans:
        yield f"there is no rate plan {entry.terms.rate_plan}"
    for exemption in entry.terms.exemptions:
        if exemption.tax and exemption.tax not in terms.taxes:
            yield f"there is no tax {exemption.tax}"


def _differences(entry: AccountEntry, account: Account) -> Iterator[str]:
    fields = (
        ("name", account.name, entry.name),
        ("currency", account.currency, entry.currency),
        ("country", account.country, entry.country),
        ("time zone", account.time_zone, entry.time_zone),
        ("bill day", account.bill_day, entry.bill_day),
    )
    for name, kept, wanted in fields:
        if kept != wanted:
            yield f"its {name} is {kept}, not {wanted}"


def _uid_faults(uid: UIDEntry, entry: AccountEntry, known: Known) -> Iterator[str]:
    from_, to = midnight(uid.from_, entry.time_zone), end_of(uid.to, entry)
    for held in known.owners.get((uid.type, uid.value), ()):
        same = (held.account, held.from_, held.to) == (entry.number, from_, to)
        if not same and overlap(held.from_, held.to, from_, to):
            yield taken(held, entry.time_zone)


def _shared_uids(entries: Sequence[AccountEntry]) -> Iterator[str]:
    """Find UIDs that the document gives to two services at a time."""
    spans: dict[tuple[str, str], list[tuple[datetime, datetime | None, str]]] = defaultdict(list)
    for entry in entries:
        for service in entry.services:
            for uid in service.uids:
                span = (midnight(uid.from_, entry.time_zone), end_of(uid.to, entry), entry.number)
                spans[uid.type, uid.value].append(span)
    for (type_, value), held in spans.items():
        for one, other in pairwise(sorted(held, key=itemgetter(0))):
            if overlap(one[0], one[1], other[0], other[1]):
                owners = " and ".join(sorted({one[2], other[2]}))
                yield f"{type_} {value}: would have two owners at a time, of {owners}"


def end_of(to: date | None, entry: AccountEntry) -> datetime | None:
    """Give the instant at which something ends; None: it does not."""
    return None if to is None else midnight(to, entry.time_zone)


def matched(entry: AccountEntry, known: Known) -> Iterator[tuple[ServiceEntry, Service | None]]:
    """Pair services of the document with those that are there: same package, same first day."""
    account = known.accounts.get(entry.number)
    held = list(known.services.get(account.id, ())) if account else []
    for service in entry.services:
        key = (service.package, midnight(service.from_, entry.time_zone))
        found = next((one for one in held if (one.package, one.from_) == key), None)
        if found:
            held.remove(found)
        yield service, found
