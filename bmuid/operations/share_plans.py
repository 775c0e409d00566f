"""Share plans of accounts: had, joined and left by days, shown with what is in them."""

from dataclasses import dataclass
from datetime import date, datetime

from bmu.period import local_day, midnight, to_us
from bmu.rating import BucketKind, SharePlanRow
from bmu.usage import Unit
from bmuid.operations.accounts_document import ACCOUNT
from bmuid.operations.grammar import Integer, Text
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, no_account, staff_changes, staff_reads
from bmuid.operations.statement import UsageDay
from bmuid.store import accounts, overview, reratings_view, revisions, shares, tables, terms
from bmuid.store.accounts import Account
from bmuid.store.shares import Member, Share
from bmuid.store.transaction import Transaction

SHARE = Integer(1, 2**63 - 1)
QUANTITY = Integer(0, 2**63 - 1)
OF_ACCOUNT, OF_INVOICER = "ACCOUNT", "INVOICER"


@dataclass(frozen=True, slots=True)
class Create:
    """A share plan of the catalogue, from a local day of the account on."""

    account: str = argument(ACCOUNT, "the account whose it is")
    plan: str = argument(Text(64), "the share plan's code")
    from_: date = argument(UsageDay(), "the first local day")


@dataclass(frozen=True, slots=True)
class Join:
    """An account that takes part over its local days [from, to)."""

    share: int = argument(SHARE, "the share plan's id")
    account: str = argument(ACCOUNT, "the account that joins")
    from_: date = argument(UsageDay(), "the first local day")
    to: date | None = argument(UsageDay(), "the local day after the last", optional=True)
    contribution: int | None = argument(
        QUANTITY,
        "what it brings to each bucket in a period, in base units; else what its services do",
        optional=True,
    )


@dataclass(frozen=True, slots=True)
class Leave:
    """An account, and the local day from which it takes part no longer."""

    share: int = argument(SHARE, "the share plan's id")
    account: str = argument(ACCOUNT, "the account that leaves")
    to: date = argument(UsageDay(), "the local day after the last")


@dataclass(frozen=True, slots=True)
class Which:
    """A share plan that an account has."""

    share: int = argument(SHARE, "the share plan's id")


@dataclass(frozen=True, slots=True)
class Of:
    """Whose."""

    account: str = argument(ACCOUNT, "the account's number")


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A share plan that an account has, from its local day on."""

    id: int
    plan: str
    account: str
    from_: date


@dataclass(frozen=True, slots=True)
class MemberRow:
    """An account that takes part over its local days [from, to); contribution: none: what its services bring."""

    account: str
    from_: date
    to: date | None
    contribution: int | None


@dataclass(frozen=True, slots=True)
class PooledRow:
    """A bucket, and what is left of it; of money: 10^-11 of the account's currency."""

    code: str
    name: str
    kind: BucketKind
    unit: Unit
    from_: date
    to: date | None
    granted: int
    balance: int


@dataclass(frozen=True, slots=True)
class PositionRow:
    """What was brought to a type's buckets in a period, and drawn against a limit; service None: by the account's contribution."""

    account: str
    service: int | None
    code: str
    from_: date
    brought: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A share plan with all who take part, the earliest first, its buckets, and what each has brought."""

    share: ShareRow
    members: tuple[MemberRow, ...]
    buckets: tuple[PooledRow, ...]
    positions: tuple[PositionRow, ...]


@dataclass(frozen=True, slots=True)
class Shares:
    """Those that an account has or takes part in."""

    shares: tuple[ShareRow, ...]


def _no_share(id_: int) -> Refused:
    return Refused(
        "NOT_FOUND", f"there is no share plan {id_}; see `bmadmin share-plan list ACCOUNT`"
    )


def create(txn: Transaction, actor: Actor, arguments: Create, now: datetime) -> Shown | Refused:
    """Let an account have a share plan; nobody takes part yet."""
    revisions.lock(txn)
    account = accounts.by_number(txn, arguments.account)
    if account is None:
        return no_account(arguments.account)
    if _plan(txn, arguments.plan) is None:
        return Refused("BAD_ARGUMENT", f"plan: there is no share plan {arguments.plan}")
    from_ = midnight(arguments.from_, account.time_zone)
    held = shares.of_account(txn, account.id)
    if any((one.account_id, one.share_plan) == (account.id, arguments.plan) for one in held):
        return Refused("SHARE_EXISTS", f"the account has the share plan {arguments.plan} already")
    revision = revisions.add(txn, actor.name, f"share plan {arguments.plan} of {account.number}")
    share = shares.by_id(txn, shares.add(txn, account.id, arguments.plan, from_, revision))
    assert share is not None, "it was just added"
    return _shown(txn, share)


def join(txn: Transaction, actor: Actor, arguments: Join, now: datetime) -> Shown | Refused:
    """Let an account take part in a share plan, with all of its services whose packages do."""
    revisions.lock(txn)
    share = shares.by_id(txn, arguments.share)
    account = accounts.by_number(txn, arguments.account)
    if share is None or account is None:
        return no_account(arguments.account) if share else _no_share(arguments.share)
    fault = _unfit(txn, share, account)
    if fault is not None:
        return Refused("BAD_ARGUMENT", f"account: {fault}")
    from_ = midnight(arguments.from_, account.time_zone)
    to = None if arguments.to is None else midnight(arguments.to, account.time_zone)
    if from_ < share.from_:
        return Refused("BAD_ARGUMENT", "from: must not lie before the share plan's first day")
    if to is not None and to <= from_:
        return Refused("BAD_ARGUMENT", "to: must lie after from")
    for held in _members(txn, share):
        if held.account_id == account.id and _overlap(held, from_, to):
            return Refused(
                "ALREADY_JOINED", "the account takes part on some of these days already"
            )
    revision = revisions.add(txn, actor.name, f"{account.number} joins share plan {share.id}")
    during = from_, to
    joined = shares.join(txn, share.id, account.id, during, arguments.contribution, revision)
    assert joined, "nobody else changes members while revisions are locked"
    reratings_view.mark(txn, account.id, from_, f"join share plan {share.id}", revision)
    return _shown(txn, share)


def leave(txn: Transaction, actor: Actor, arguments: Leave, now: datetime) -> Shown | Refused:
    """Let an account take part no longer; what it brought stays until the period ends."""
    revisions.lock(txn)
    share = shares.by_id(txn, arguments.share)
    account = accounts.by_number(txn, arguments.account)
    if share is None or account is None:
        return no_account(arguments.account) if share else _no_share(arguments.share)
    to = midnight(arguments.to, account.time_zone)
    held = [one for one in _members(txn, share) if one.account_id == account.id]
    ending = [one for one in held if one.to is None or to < one.to]
    if not ending:
        return Refused("BAD_ARGUMENT", "to: the account takes no part from that day on anyway")
    revision = revisions.add(txn, actor.name, f"{account.number} leaves share plan {share.id}")
    for one in ending:
        shares.withdraw(txn, one.id, revision)
        if one.from_ < to:
            during = one.from_, to
            shares.join(txn, share.id, account.id, during, one.contribution, revision)
    reratings_view.mark(txn, account.id, to, f"leave share plan {share.id}", revision)
    return _shown(txn, share)


def show(txn: Transaction, actor: Actor, arguments: Which, now: datetime) -> Shown | Refused:
    """Show a share plan of an account."""
    share = shares.by_id(txn, arguments.share)
    return _shown(txn, share) if share else _no_share(arguments.share)


def list_(txn: Transaction, actor: Actor, arguments: Of, now: datetime) -> Shares | Refused:
    """List the share plans of an account."""
    account = accounts.by_number(txn, arguments.account)
    if account is None:
        return no_account(arguments.account)
    return Shares(tuple(map(_row, shares.of_account(txn, account.id))))


def _plan(txn: Transaction, code: str) -> SharePlanRow | None:
    rows = tables.as_then(txn, SharePlanRow, revisions.newest(txn))
    return next((row for row in rows if row.code == code), None)


def _unfit(txn: Transaction, share: Share, account: Account) -> str | None:
    """Say why an account can't take part; none: it can."""
    if account.currency != share.currency:
        return f"is billed in {account.currency}, the share plan's account in {share.currency}"
    plan = _plan(txn, share.share_plan)
    if plan is None:
        return f"the catalogue has no share plan {share.share_plan} any more"
    if account.id == share.account_id:
        return None
    if plan.level == OF_ACCOUNT:
        return f"the share plan is for services of {share.account} only"
    held = terms.of_accounts(txn, revisions.newest(txn), [account.id]).get(account.id)
    if held is None or held.usage_invoicer_id != share.account_id:
        return f"{share.account} does not pay for its usage"
    return None


def _members(txn: Transaction, share: Share) -> tuple[Member, ...]:
    return shares.members(txn, revisions.newest(txn), [share.id])


def _overlap(held: Member, from_: datetime, to: datetime | None) -> bool:
    return (held.to is None or from_ < held.to) and (to is None or held.from_ < to)


def _shown(txn: Transaction, share: Share) -> Shown:
    members = _members(txn, share)
    of_members = accounts.by_numbers(txn, sorted({member.account for member in members}))
    zones = {one.number: one.time_zone for one in of_members.values()}
    pooled = shares.pooled(txn, share)
    kinds = overview.allowances(txn, tuple({one.code for one in pooled}))
    zone = share.time_zone
    return Shown(
        share=_row(share),
        members=tuple(
            MemberRow(
                account=one.account,
                from_=_day(one.from_, zones[one.account]),
                to=None if one.to is None else _day(one.to, zones[one.account]),
                contribution=one.contribution,
            )
            for one in members
        ),
        buckets=tuple(
            PooledRow(
                code=one.code,
                name=kinds[one.code].name,
                kind=kinds[one.code].kind,
                unit=Unit(one.unit),
                from_=_day(one.from_, zone),
                to=None if one.to is None else _day(one.to, zone),
                granted=one.granted,
                balance=one.balance,
            )
            for one in pooled
        ),
        positions=tuple(
            PositionRow(
                account=one.account,
                service=one.account_service_id or None,
                code=one.code,
                from_=_day(one.from_, zone),
                brought=one.brought,
                drawn=one.drawn,
            )
            for one in shares.positions(txn, share)
        ),
    )


def _row(share: Share) -> ShareRow:
    return ShareRow(
        id=share.id,
        plan=share.share_plan,
        account=share.account,
        from_=_day(share.from_, share.time_zone),
    )


def _day(instant: datetime, zone: str) -> date:
    return local_day(to_us(instant), zone)


OPERATIONS = (
    staff_changes(
        ("share_plan_create", "Let an account have a share plan"), Create, Shown, create, CLERKS
    ),
    staff_changes(
        ("share_plan_join", "Let an account take part in a share plan"), Join, Shown, join, CLERKS
    ),
    staff_changes(
        ("share_plan_leave", "Let an account leave a share plan"), Leave, Shown, leave, CLERKS
    ),
    staff_reads("share_plan_list", "The share plans of an account", Of, Shares, list_),
    staff_reads(
        "share_plan_show", "A share plan, who takes part, what is left", Which, Shown, show
    ),
)
