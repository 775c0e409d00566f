"""Who owns which usage identifier: given, ended, looked up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate

from bmu.period import local_day, midnight, to_us
from bmuid.intake.profiles import uid_types
from bmuid.operations.accounts_document import ACCOUNT, UID_TYPE, UID_VALUE, uid_fault
from bmuid.operations.grammar import YES, Integer
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, NOT_FOUND, no_account, staff_changes, staff_reads
from bmuid.operations.statement import UsageDay
from bmuid.store import accounts, companies, ownerships, reratings_view, revisions
from bmuid.store.accounts import Account, Service
from bmuid.store.ownerships import NewOwnership, Ownership, ShortOfUIDs
from bmuid.store.transaction import Transaction

SERVICE = Integer(1, 2**63 - 1)
LISTED = 100
LISTED_MAX = 1000
CAUSE_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Assign:
    """A usage identifier and the local days [from, to) of its owner; left out: those of the service."""

    type: str = argument(UID_TYPE, "what kind of identifier, like phone")
    value: str = argument(UID_VALUE, "the identifier, like 442079460123")
    account: str = argument(ACCOUNT, "the account's number")
    service: int | None = argument(
        SERVICE, "the service's id, needed where the account has several", optional=True
    )
    from_: date | None = argument(UsageDay(), "the first local day", optional=True)
    to: date | None = argument(UsageDay(), "the local day after the last", optional=True)
    new_type: str | None = argument(YES, "though nothing else has this type", optional=True)


@dataclass(frozen=True, slots=True)
class End:
    """A usage identifier and the local day from which its owner no longer has it."""

    type: str = argument(UID_TYPE, "what kind of identifier, like phone")
    value: str = argument(UID_VALUE, "the identifier, like 442079460123")
    to: date = argument(UsageDay(), "the local day after the last, in the account's time zone")


@dataclass(frozen=True, slots=True)
class Show:
    """A usage identifier."""

    type: str = argument(UID_TYPE, "what kind of identifier, like phone")
    value: str = argument(UID_VALUE, "the identifier, like 442079460123")


@dataclass(frozen=True, slots=True)
class Short:
    """Which part of them."""

    after: int | None = argument(SERVICE, "only services that follow this one", optional=True)
    limit: int | None = argument(Integer(1, LISTED_MAX), "how many at most", optional=True)


@dataclass(frozen=True, slots=True)
class Lacking:
    """Services, by id; after: where the next part starts, None: there is none."""

    services: tuple[ShortOfUIDs, ...]
    after: int | None


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns it when; instants, because owners may live in different time zones."""

    account: str
    service: int
    from_: datetime
    to: datetime | None


@dataclass(frozen=True, slots=True)
class Owners:
    """The owners of a usage identifier, the earliest first; revision: the newest of the reference data."""

    type: str
    value: str
    owners: tuple[Owner, ...]
    revision: int


def overlap(
    from_: datetime, to: datetime | None, other_from: datetime, other_to: datetime | None
) -> bool:
    """Tell whether two stretches of time share an instant; without an end they go on for ever."""
    return (other_to is None or from_ < other_to) and (to is None or other_from < to)


def taken(held: Ownership, zone: str) -> str:
    """Say who owns a UID when, in days of *zone*."""
    first = local_day(to_us(held.from_), zone)
    end = "" if held.to is None else f" to {local_day(to_us(held.to), zone)}"
    return f"{held.type} {held.value} is owned by account {held.account} from {first}{end}"


Span = tuple[datetime, datetime | None]


def most_at_once(spans: Iterable[Span]) -> int:
    """Tell how many stretches of time share an instant; without an end they go on for ever."""
    changes = [(from_, 1) for from_, _ in spans]
    changes += [(to, -1) for _, to in spans if to is not None]
    # What ends at an instant is over when another begins there.
    return max(accumulate(change for _, change in sorted(changes)), default=0)


def too_many(package: str, held: Iterable[Span], limit: int) -> str | None:
    """Say that a service would have more usage identifiers at a time than its package says; none: it has not."""
    most = most_at_once(list(held))
    if most <= limit:
        return None
    return f"a service of {package} has {limit} usage identifiers, and would have {most} at a time"


def assign(txn: Transaction, actor: Actor, arguments: Assign, now: datetime) -> Owners | Refused:
    """Give a usage identifier to a service, for days on which nobody else owns it."""
    fault = _fault(txn, arguments)
    if fault:
        return Refused("BAD_ARGUMENT", fault)
    account = accounts.by_number(txn, arguments.account)
    if account is None:
        return no_account(arguments.account)
    revisions.lock(txn)
    service = _service(txn, account, arguments.service)
    if isinstance(service, Refused):
        return service
    wanted = _wanted(account, service, arguments)
    if isinstance(wanted, Refused):
        return wanted
    refused = _not_to_be_had(txn, account, service, wanted)
    if refused is not None:
        return refused
    revision = revisions.add(txn, actor.name, f"assign {wanted.type} {wanted.value}")
    added = ownerships.add(txn, [wanted], revision)
    assert added == 1, "nobody else changes owners while revisions are locked"
    cause = f"assign {wanted.type} {wanted.value}"
    reratings_view.mark(txn, account.id, wanted.from_, cause, revision)
    return _owners(txn, wanted.type, wanted.value)


def _fault(txn: Transaction, arguments: Assign) -> str | None:
    fault = uid_fault(arguments.type, arguments.value)
    if fault:
        return f"value: {fault}"
    return None if arguments.new_type is not None else _unknown_type(txn, arguments.type)


def _unknown_type(txn: Transaction, type_: str) -> str | None:
    read = uid_types(txn)
    if type_ in read or ownerships.is_type(txn, type_):
        return None
    known = ", ".join(sorted({*read, *ownerships.types(txn)}))
    return f"type: nothing has the type {type_} yet, there are {known}; with --new-type it is taken all the same"


def _not_to_be_had(
    txn: Transaction, account: Account, service: Service, wanted: NewOwnership
) -> Refused | None:
    """Refuse what another owns, or what is more than the service has by its package."""
    for held in ownerships.of_uids(txn, [wanted.type], [wanted.value]):
        if overlap(held.from_, held.to, wanted.from_, wanted.to):
            return Refused("UID_TAKEN", f"{taken(held, account.time_zone)}; end that first")
    limit = companies.uids_of_packages(txn).get(service.package)
    if limit is None:
        return None
    others = ownerships.of_services(txn, [service.id])
    spans = [(wanted.from_, wanted.to), *((one.from_, one.to) for one in others)]
    fault = too_many(service.package, spans, limit)
    return Refused("UID_TOO_MANY", f"{fault}; end one first") if fault else None


def _service(txn: Transaction, account: Account, wanted: int | None) -> Service | Refused:
    held = accounts.services(txn, [account.id])
    found = [service for service in held if wanted in {None, service.id}]
    if wanted is None and len(found) > 1:
        ids = ", ".join(f"{service.id} ({service.package})" for service in found)
        return Refused("BAD_ARGUMENT", f"service: the account has several; say one of {ids}")
    return found[0] if found else NOT_FOUND


def _wanted(account: Account, service: Service, arguments: Assign) -> NewOwnership | Refused:
    from_, to = service.from_, service.to
    if arguments.from_ is not None:
        from_ = midnight(arguments.from_, account.time_zone)
    if arguments.to is not None:
        to = midnight(arguments.to, account.time_zone)
    if to is not None and to <= from_:
        return Refused("BAD_ARGUMENT", "to: must lie after from")
    if from_ < service.from_ or (service.to is not None and (to is None or to > service.to)):
        return Refused("BAD_ARGUMENT", "from: a UID is owned within the days of its service")
    return NewOwnership(arguments.type, arguments.value, account.id, service.id, from_, to)


def end(txn: Transaction, actor: Actor, arguments: End, now: datetime) -> Owners | Refused:
    """Let the newest owner of a usage identifier own it no longer."""
    revisions.lock(txn)
    held = ownerships.of_uids(txn, [arguments.type], [arguments.value])
    if not held:
        return NOT_FOUND
    last = held[-1]
    account = accounts.by_number(txn, last.account)
    assert account is not None, last
    to = midnight(arguments.to, account.time_zone)
    if last.to is not None and last.to <= to:
        return Refused("BAD_ARGUMENT", f"to: {taken(last, account.time_zone)} already")
    revision = revisions.add(txn, actor.name, f"end {last.type} {last.value}")
    shorten(txn, account, [last], to, revision)
    return _owners(txn, last.type, last.value)


def shorten(
    txn: Transaction, account: Account, held: list[Ownership], to: datetime, revision: int
) -> None:
    """Let ownerships of an account end at *to*; one that would start later is taken out of force."""
    ownerships.withdraw(txn, [one.id for one in held], revision)
    kept = [
        NewOwnership(one.type, one.value, account.id, one.account_service_id, one.from_, to)
        for one in held
        if one.from_ < to
    ]
    added = ownerships.add(txn, kept, revision)
    assert added == len(kept), "nobody else changes owners while revisions are locked"
    if held:
        cause = f"end {', '.join(f'{one.type} {one.value}' for one in held)}"
        reratings_view.mark(txn, account.id, to, cause[:CAUSE_CHARACTERS_MAX], revision)


def short(txn: Transaction, actor: Actor, arguments: Short, now: datetime) -> Lacking:
    """List services that have fewer usage identifiers now than their package says; they are not billed."""
    limit = arguments.limit or LISTED
    found = ownerships.short(txn, arguments.after or 0, limit + 1)
    last = found[limit - 1].service if len(found) > limit else None
    return Lacking(found[:limit], last)


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Owners | Refused:
    """Say who owns a usage identifier when."""
    found = _owners(txn, arguments.type, arguments.value)
    return found if found.owners else NOT_FOUND


def _owners(txn: Transaction, type_: str, value: str) -> Owners:
    held = ownerships.of_uids(txn, [type_], [value])
    owners = tuple(Owner(one.account, one.account_service_id, one.from_, one.to) for one in held)
    return Owners(type_, value, owners, revisions.newest(txn))


OPERATIONS = (
    staff_changes(("uid_assign", "Give a UID to a service"), Assign, Owners, assign, CLERKS),
    staff_changes(("uid_end", "End a UID's newest owner"), End, Owners, end, CLERKS),
    staff_reads(
        "uid_short", "Services short of UIDs, which are not billed", Short, Lacking, short
    ),
    staff_reads("uid_show", "Who owns a UID when", Show, Owners, show),
)
