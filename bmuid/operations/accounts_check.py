"""A document of accounts against what is there: all that does not fit, in words."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from operator import itemgetter

from bmu.billing.catalogue import Company
from bmu.period import midnight
from bmuid.operations.accounts_document import AccountEntry, ServiceEntry, UIDEntry
from bmuid.operations.uids import overlap, taken
from bmuid.store.accounts import Account, Service
from bmuid.store.ownerships import Ownership


@dataclass(frozen=True, slots=True)
class Known:
    """What the database holds of what a document names; packages: the currency of each; services by account, owners by UID."""

    company: Company
    packages: dict[str, str]
    accounts: dict[str, Account]
    services: dict[int, tuple[Service, ...]]
    owners: dict[tuple[str, str], tuple[Ownership, ...]]
    logins: dict[str, str]


def faults(entries: Sequence[AccountEntry], known: Known) -> list[str]:
    """Say how the entries fit neither what is there nor each other."""
    found = [
        f"account {entry.number}: {text}"
        for entry in entries
        for text in _account_faults(entry, known)
    ]
    return found + list(_shared_uids(entries))


def _account_faults(entry: AccountEntry, known: Known) -> Iterator[str]:
    account = known.accounts.get(entry.number)
    if account:
        yield from _differences(entry, account)
    for service, held in matched(entry, known):
        yield from _service_faults(service, held, entry, known)
        for uid in service.uids:
            yield from _uid_faults(uid, entry, known)
    for login in entry.logins:
        owner = known.logins.get(login.name)
        if owner not in {None, entry.number}:
            yield f"the login {login.name} is one of account {owner}"


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
