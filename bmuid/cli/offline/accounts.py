"""Whose usage it is: by a file of accounts."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bmu.billing.catalogue import Company
from bmu.billing.document import Entry
from bmu.period import FOREVER_US, midnight, to_us
from bmu.rating import Anchor, Owner, OwnerRow, Owners, Unrated, UnratedReason
from bmu.toml import NotTomlError, parsed
from bmuid.cli.offline.allowances import Held, Holdings
from bmuid.cli.offline.customers import Payer, UsageError
from bmuid.cli.offline.documents import DocumentError, read_text
from bmuid.operations.accounts_document import AccountEntry, ServiceEntry, read
from bmuid.operations.entries import DOCUMENT_CHARACTERS_MAX
from bmuid.store.owners import Known
from bmuid.store.terms import PLAIN_ACCOUNT, PLAIN_SERVICE


class Accounts:
    """The customers of an accounts file, as `bmadmin accounts load` takes it: usage is found by its UID."""

    def __init__(self, path: Path, company: Company) -> None:
        self._accounts = _read(path)
        self._company = company
        self._ids = {account.number: id_ for id_, account in enumerate(self._accounts, 1)}
        self._above = {
            self._ids[one.number]: self._ids[one.parent] for one in self._accounts if one.parent
        }
        self._held = [tuple(self._held_by(one)) for one in self._accounts]
        self._places = [
            (id_, n) for id_, held in enumerate(self._held, 1) for n in range(len(held))
        ]
        self._owners = Owners(self._rows())

    def owner(self, fields: Mapping[str, str], started_us: int) -> Owner | Unrated:
        """Find the owner by UID at the event's start."""
        uid = fields.get("uid", "")
        if not uid:
            raise UsageError("uid: is missing; with --accounts usage is found by its UID")
        uid_type = fields.get("uid_type") or "phone"
        found = self._owners.find(uid_type, uid, started_us)
        if isinstance(found, UnratedReason):
            return Unrated(found, f"{uid_type} {uid}")
        return found

    def account(self, account_id: int) -> str:
        """Give the number of an account."""
        return self._accounts[account_id - 1].number

    def holdings(self, owner: Owner, _: int) -> Holdings:
        """Give the packages that a service may draw from."""
        account_id, place = self._places[owner.account_service_id - 1]
        above: list[Held] = []
        over = self._above.get(account_id)
        while over is not None:
            above += self._held[over - 1]
            over = self._above.get(over)
        held = self._held[account_id - 1]
        return Holdings(held[place], held, tuple(above))

    def payer(self, owner: Owner) -> Payer:
        """Give the account that pays for an owner's usage."""
        number = self._accounts[owner.account_id - 1].usage_invoicer
        id_ = self._ids[number] if number else owner.account_id
        account = self._accounts[id_ - 1]
        return Payer(id_, self._zone(account), account.bill_day)

    def count(self, account_ids: Collection[int], packages: Collection[str], us: int) -> int:
        """Count the services of accounts that have one of these packages at an instant."""
        return sum(
            held.package in packages and held.anchor.start_us <= us < held.anchor.end_us
            for account_id in account_ids
            for held in self._held[account_id - 1]
        )

    def _zone(self, account: AccountEntry) -> str:
        return account.time_zone or self._company.time_zone

    def _held_by(self, account: AccountEntry) -> Iterator[Held]:
        zone = self._zone(account)
        for service in account.services:
            start = to_us(midnight(service.from_, zone))
            end = to_us(midnight(service.to, zone)) if service.to else FOREVER_US
            anchor = Anchor(zone, account.bill_day, start, end)
            yield Held(self._ids[account.number], service.package, anchor)

    def _services(self) -> Iterator[tuple[int, int, AccountEntry, ServiceEntry]]:
        service_id = 0
        for account_id, account in enumerate(self._accounts, 1):
            for service in account.services:
                service_id += 1
                yield account_id, service_id, account, service

    def _rows(self) -> Iterator[OwnerRow]:
        known = self._known()
        uid_id = 0
        for account_id, service_id, account, service in self._services():
            zone = self._zone(account)
            currency = account.currency or self._company.currency
            country = account.country or self._company.country
            plain = (service.package, currency, zone, country)
            terms = known.terms(account_id, service_id, plain)
            for uid in service.uids:
                uid_id += 1
                yield OwnerRow(
                    uid_id=uid_id,
                    uid_type=uid.type,
                    value=uid.value,
                    from_us=to_us(midnight(uid.from_, zone)),
                    to_us=to_us(midnight(uid.to, zone)) if uid.to else FOREVER_US,
                    account_id=account_id,
                    account_service_id=service_id,
                    terms=terms,
                    bill_day=account.bill_day,
                )

    def _known(self) -> Known:
        """Give what decides prices beyond what every account has, as the database would hold it."""
        accounts, services = {}, {}
        for account_id, account in enumerate(self._accounts, 1):
            payer = self._ids[account.usage_invoicer] if account.usage_invoicer else None
            terms = account.terms or PLAIN_ACCOUNT
            accounts[account_id] = replace(terms, usage_invoicer_id=payer)
        for _, service_id, _, service in self._services():
            services[service_id] = service.terms or PLAIN_SERVICE
        return Known(accounts, services, self._above)


def _read(path: Path) -> tuple[AccountEntry, ...]:
    faults: list[str] = []
    try:
        entry = Entry(parsed(read_text(path), DOCUMENT_CHARACTERS_MAX), "", faults)
    except NotTomlError as error:
        raise DocumentError(f"{path}: {error}") from error
    accounts = read(entry)
    entry.end()
    above = {account.number: account.parent for account in accounts}
    for account in accounts:
        faults += [
            f"account {account.number}: {number} is no other account"
            for number in (account.parent, account.usage_invoicer)
            if number and (number not in above or number == account.number)
        ]
        over, seen = account.parent, {account.number}
        while over and over not in seen:
            seen.add(over)
            over = above.get(over, "")
        if over == account.number:
            faults.append(f"account {account.number}: is above itself")
    if faults:
        raise DocumentError(*(f"{path}: {fault}" for fault in faults))
    return accounts
