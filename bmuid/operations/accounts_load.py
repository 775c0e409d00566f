"""Accounts loaded from a document: what is new is added, what is there is left, what differs is refused."""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bmu.billing.catalogue import Company
from bmu.period import midnight
from bmuid import passwords
from bmuid.operations import accounts_check
from bmuid.operations.accounts_check import Known, Terms, end_of, matched
from bmuid.operations.accounts_document import AccountEntry, UIDEntry, read
from bmuid.operations.entries import (
    DOCUMENT_CHARACTERS_MAX,
    bad_document,
    read_document,
)
from bmuid.operations.grammar import Text
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import ADMINS, staff_changes
from bmuid.store import accounts, companies, logins, owners, ownerships, revisions, terms
from bmuid.store.accounts import Account, NewAccount, NewService, Service
from bmuid.store.ownerships import NewOwnership, Ownership
from bmuid.store.transaction import Transaction

DOCUMENT = Text(DOCUMENT_CHARACTERS_MAX, lines=True)

NO_CATALOGUE = Refused(
    "NO_CATALOGUE", "load a catalogue first: it names the company and its packages"
)


@dataclass(frozen=True, slots=True)
class Load:
    """The document."""

    document: str = argument(
        DOCUMENT, "accounts, services, UIDs and logins (TOML)", from_file=True
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each kind."""

    accounts: int
    services: int
    uids: int
    logins: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was added, and what was there already."""

    added: Counts
    left: Counts


@dataclass(frozen=True, slots=True)
class Split:
    """How many of one kind were added, and how many were there."""

    added: int
    left: int


def load(txn: Transaction, actor: Actor, arguments: Load, now: datetime) -> Loaded | Refused:
    """Add what the document holds and the database does not; all of it, or nothing."""
    document = read_document(arguments.document, read)
    if isinstance(document, Refused):
        return document
    company = companies.company(txn)
    if company is None:
        return NO_CATALOGUE
    revisions.lock(txn)
    known = _known(txn, company, document)
    entries = tuple(_completed(entry, known) for entry in document)
    faults = accounts_check.faults(entries, known)
    if faults:
        return bad_document(faults)
    return _write(txn, actor, entries, known)


def _known(txn: Transaction, company: Company, document: Sequence[AccountEntry]) -> Known:
    found = accounts.by_numbers(txn, [entry.number for entry in document])
    uids = sorted(
        {
            (uid.type, uid.value)
            for entry in document
            for service in entry.services
            for uid in service.uids
        }
    )
    owners: dict[tuple[str, str], list[Ownership]] = defaultdict(list)
    owned = ownerships.of_uids(txn, [type_ for type_, _ in uids], [value for _, value in uids])
    for ownership in owned:
        owners[ownership.type, ownership.value].append(ownership)
    names = [login.name for entry in document for login in entry.logins]
    services, counted = services_of(txn, found), companies.uids_of_packages(txn)
    return Known(
        company=company,
        packages=companies.packages(txn),
        uids=counted,
        accounts=found,
        services=services,
        owned=_owned(txn, services, counted),
        owners={uid: tuple(held) for uid, held in owners.items()},
        logins=logins.owners(txn, names),
        terms=_terms(txn, document, found),
    )


def _owned(
    txn: Transaction, services: Mapping[int, Sequence[Service]], packages: Container[str]
) -> dict[int, list[Ownership]]:
    """Give the owned usage identifiers of services whose package says how many they have."""
    counted = [one.id for held in services.values() for one in held if one.package in packages]
    found: dict[int, list[Ownership]] = defaultdict(list)
    for one in ownerships.of_services(txn, counted) if counted else ():
        found[one.account_service_id].append(one)
    return found


def _terms(
    txn: Transaction, document: Sequence[AccountEntry], found: Mapping[str, Account]
) -> Terms:
    revision = revisions.newest(txn)
    ids = [account.id for account in found.values()]
    named = {number for entry in document for number in (entry.parent, entry.usage_invoicer)}
    others = accounts.by_numbers(txn, sorted(named - {""}))
    numbers = {number: account.id for number, account in others.items()}
    # Those of the document itself get their ids when they are added.
    numbers |= {entry.number: 0 for entry in document if entry.number not in found}
    return Terms(
        of_accounts=terms.of_accounts(txn, revision, ids),
        of_services=terms.of_services(txn, revision, ids),
        parents=owners.parents(txn),
        numbers=numbers,
        currencies={number: account.currency for number, account in others.items()},
        rate_plans=companies.codes(txn, "rate_plan"),
        price_plans=companies.codes(txn, "price_plan"),
        taxes=companies.codes(txn, "tax"),
    )


def services_of(txn: Transaction, found: dict[str, Account]) -> dict[int, tuple[Service, ...]]:
    """Give the services of these accounts, by account."""
    services: dict[int, list[Service]] = defaultdict(list)
    for service in accounts.services(txn, [account.id for account in found.values()]):
        services[service.account_id].append(service)
    return {account_id: tuple(held) for account_id, held in services.items()}


def _completed(entry: AccountEntry, known: Known) -> AccountEntry:
    """Fill what the document leaves open: as the account has it, else as the company has it."""
    like = known.accounts.get(entry.number) or known.company
    return replace(
        entry,
        currency=entry.currency or like.currency,
        country=entry.country or like.country,
        time_zone=entry.time_zone or like.time_zone,
    )


def _write(
    txn: Transaction, actor: Actor, entries: Sequence[AccountEntry], known: Known
) -> Loaded:
    """Add what is missing; what is there is as the document says."""
    new = [entry for entry in entries if entry.number not in known.accounts]
    filled = replace(known, accounts=known.accounts | _add_accounts(txn, new, known))
    of_services = _add_services(txn, entries, filled)
    _add_terms(txn, actor, entries, known, filled)
    of_uids = _add_uids(txn, actor, entries, filled)
    of_logins = _add_logins(txn, actor, entries, filled)
    return Loaded(
        added=Counts(len(new), of_services.added, of_uids.added, of_logins.added),
        left=Counts(len(entries) - len(new), of_services.left, of_uids.left, of_logins.left),
    )


def _add_accounts(
    txn: Transaction, new: Sequence[AccountEntry], known: Known
) -> dict[str, Account]:
    """Add accounts, those above before those below them."""
    ids = {number: id_ for number, id_ in known.terms.numbers.items() if id_}
    added: dict[str, Account] = {}
    left = list(new)
    while left:
        ready = [entry for entry in left if not entry.parent or entry.parent in ids]
        assert ready, "no account lies above itself"
        layer = accounts.add(txn, [_new_account(entry, ids.get(entry.parent)) for entry in ready])
        assert len(layer) == len(ready), "nobody else adds accounts while revisions are locked"
        added |= layer
        ids |= {number: account.id for number, account in layer.items()}
        left = [entry for entry in left if entry.number not in added]
    return added


def _add_terms(
    txn: Transaction, actor: Actor, entries: Sequence[AccountEntry], before: Known, known: Known
) -> None:
    """Write the terms of what was added; of what was there they are as the document says."""
    ids = dict(before.terms.numbers)
    ids |= {number: account.id for number, account in known.accounts.items()}
    of_accounts = {
        known.accounts[entry.number].id: replace(
            entry.terms, usage_invoicer_id=ids.get(entry.usage_invoicer)
        )
        for entry in entries
        if entry.terms is not None and entry.number not in before.accounts
    }
    filled = replace(known, services=services_of(txn, known.accounts))
    held = {service.id for services in before.services.values() for service in services}
    of_services = {
        (service.account_id, service.id): wanted.terms
        for entry in entries
        for wanted, service in matched(entry, filled)
        if wanted.terms is not None and service and service.id not in held
    }
    if of_accounts or of_services:
        revision = revisions.add(txn, actor.name, "accounts_load")
        terms.put_accounts(txn, of_accounts, revision)
        terms.put_services(txn, of_services, revision)


def _new_account(entry: AccountEntry, parent_id: int | None) -> NewAccount:
    return NewAccount(
        number=entry.number,
        name=entry.name,
        currency=entry.currency,
        country=entry.country,
        time_zone=entry.time_zone,
        bill_day=entry.bill_day,
        parent_id=parent_id,
    )


def _add_services(txn: Transaction, entries: Sequence[AccountEntry], known: Known) -> Split:
    pairs = [(entry, *pair) for entry in entries for pair in matched(entry, known)]
    wanted = [
        NewService(
            known.accounts[entry.number].id,
            service.package,
            midnight(service.from_, entry.time_zone),
            end_of(service.to, entry),
        )
        for entry, service, held in pairs
        if held is None
    ]
    accounts.add_services(txn, wanted)
    return Split(len(wanted), len(pairs) - len(wanted))


def _add_uids(
    txn: Transaction, actor: Actor, entries: Sequence[AccountEntry], known: Known
) -> Split:
    filled = replace(known, services=services_of(txn, known.accounts))
    wanted = []
    left = 0
    for entry in entries:
        for service, held in matched(entry, filled):
            assert held is not None, "all services were added"
            new = [_new_ownership(uid, held, entry) for uid in service.uids]
            wanted += [one for one in new if not _is_owned(one, known)]
            left += sum(_is_owned(one, known) for one in new)
    if wanted:
        revision = revisions.add(txn, actor.name, "accounts_load")
        count = ownerships.add(txn, wanted, revision)
        assert count == len(wanted), "nobody else changes owners while revisions are locked"
    return Split(len(wanted), left)


def _new_ownership(uid: UIDEntry, service: Service, entry: AccountEntry) -> NewOwnership:
    return NewOwnership(
        type=uid.type,
        value=uid.value,
        account_id=service.account_id,
        account_service_id=service.id,
        from_=midnight(uid.from_, entry.time_zone),
        to=end_of(uid.to, entry),
    )


def _is_owned(one: NewOwnership, known: Known) -> bool:
    """Tell whether it is there; who else owns the UID then was refused before."""
    held = known.owners.get((one.type, one.value), ())
    return any((other.from_, other.to) == (one.from_, one.to) for other in held)


def _add_logins(
    txn: Transaction, actor: Actor, entries: Sequence[AccountEntry], known: Known
) -> Split:
    pairs = [(entry, login) for entry in entries for login in entry.logins]
    wanted = [(entry, login) for entry, login in pairs if login.name not in known.logins]
    for entry, login in wanted:
        hashed = passwords.hash_of(login.password, actor.secrets.pepper)
        was_free = logins.add(txn, known.accounts[entry.number].id, login.name, hashed)
        assert was_free, "nobody else adds logins while revisions are locked"
    return Split(len(wanted), len(pairs) - len(wanted))


OPERATIONS = (
    staff_changes(
        ("accounts_load", "Add the accounts, services, UIDs and logins of a document"),
        Load,
        Loaded,
        load,
        ADMINS,
    ),
)
