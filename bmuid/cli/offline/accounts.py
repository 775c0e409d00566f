"""Whose usage it is: by a file of accounts."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from bmu.billing.catalogue import Company
from bmu.billing.document import Entry
from bmu.period import FOREVER_US, midnight, to_us
from bmu.rating import Owner, OwnerRow, Owners, Terms, Unrated, UnratedReason
from bmuid.cli.offline.customers import UsageError
from bmuid.cli.offline.documents import DocumentError, read_text
from bmuid.operations.accounts_document import AccountEntry, read


class Accounts:
    """The customers of an accounts file, as `bmadmin accounts load` takes it: usage is found by its UID."""

    def __init__(self, path: Path, company: Company) -> None:
        faults: list[str] = []
        try:
            entry = Entry(tomllib.loads(read_text(path)), "", faults)
        except tomllib.TOMLDecodeError as error:
            raise DocumentError(f"{path}: not TOML: {error}") from error
        accounts = read(entry)
        entry.end()
        if faults:
            raise DocumentError(*(f"{path}: {fault}" for fault in faults))
        self._numbers = [one.number for one in accounts]
        self._owners = Owners(_rows(accounts, company))

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

    def account(self, owner: Owner) -> str:
        """Give the number of an owner's account."""
        return self._numbers[owner.account_id - 1]


def _rows(accounts: tuple[AccountEntry, ...], company: Company) -> Iterator[OwnerRow]:
    service_id = uid_id = 0
    for account_id, account in enumerate(accounts, 1):
        zone = account.time_zone or company.time_zone
        for service in account.services:
            service_id += 1
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
                    terms=Terms(
                        service.package,
                        account.currency or company.currency,
                        zone,
                        country=account.country or company.country,
                    ),
                    bill_day=account.bill_day,
                )
