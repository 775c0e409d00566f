"""Charges that count, with their usage records and draws, as rerating reads them; and how they are taken back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from psycopg2.extras import execute_values

from bmu.period import from_us, to_us
from bmu.rating import Rated
from bmu.rating.balance import Entry, EntryKind, undone
from bmu.rating.detail import detail_of
from bmu.rating.rerate import Labels, Live, in_event_order
from bmu.usage import UDR
from bmuid.store.reprocessing import Charge
from bmuid.store.transaction import Transaction

# Statements that join the tables of days over months are planned longer than they run: each is read alone.


# Where usage ends: no day after this has a partition.
END = datetime(2200, 1, 1, tzinfo=UTC)


class Place(NamedTuple):
    """The line that a usage record was read from."""

    file_id: int
    line_no: int


class Key(NamedTuple):
    """A charge of an account, whatever its version."""

    started_us: int
    udr_id: int


class Usage(NamedTuple):
    """
    What an account used, with what it is charged.

    Shapes:
        lives: in event order. places: of their records, by id.
        oldest_revision: of all their charges.
        accounts: whose each bucket is that they moved.
    """

    lives: list[Live]
    places: dict[int, Place]
    oldest_revision: int
    accounts: dict[int, int]


class Kept(NamedTuple):
    """A usage record as it is stored."""

    udr: UDR
    place: Place


def lock_account(txn: Transaction, account_id: int) -> None:
    """Let no other rerating of the account begin before this transaction ends."""
    txn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('bmu.rerating', %(id)s))",
        {"id": account_id},
    )


def of_account(
    txn: Transaction,
    account_id: int,
    from_: datetime,
    to: datetime | None = None,
    above: Sequence[int] = (),
) -> Usage:
    """
    Give the charges that count of events in [from_, to).

    Shapes:
        above: other accounts whose buckets it may have drawn from.
    """
    span = {
        "account": account_id,
        "from": from_,
        "to": to or END,
        "sharing": [account_id, *above],
    }
    txn.execute(
        """
        SELECT udr_id, version FROM charge_reversal
        WHERE account_id = %(account)s AND started_at >= %(from)s AND started_at < %(to)s
        """,
        span,
    )
    gone = set(txn.fetchall())
    moved, accounts = _entries(txn, span)
    kept = _records(txn, span)
    txn.execute(
        """
        SELECT udr_id, version, account_service_id, revision, usage_class_id, plan_level, rate_plan_id,
            rate_group_id, rate_id, location_pattern_id, tax_id, quantity, rounded, billable,
            rated_e11, amount_e11, tax_e11, currency, detail
        FROM charge WHERE account_id = %(account)s AND started_at >= %(from)s AND started_at < %(to)s
        """,
        span,
    )
    lives, revisions = [], set()
    for udr_id, version, service_id, revision, *figures, data in txn.fetchall():
        if (udr_id, version) in gone:
            continue
        detail = None if data is None else detail_of(data)
        entries = tuple(moved.get((udr_id, version), ()))
        drawn = tuple((each.bucket_id, -each.quantity) for each in entries if each.quantity < 0)
        rated = Rated._make((*figures, drawn, detail))
        udr = kept[udr_id].udr
        if detail is not None and detail.reclassified_from is not None:
            udr = udr._replace(usage_class=detail.reclassified_from)
        lives.append(Live(udr, udr_id, version, service_id, rated, entries))
        revisions.add(revision)
    places = {live.udr_id: kept[live.udr_id].place for live in lives}
    return Usage(in_event_order(lives), places, min(revisions, default=0), accounts)


def _entries(
    txn: Transaction, span: Mapping[str, object]
) -> tuple[dict[tuple[int, int], list[Entry]], dict[int, int]]:
    """Give what each version of a charge moved buckets by, and whose the buckets are."""
    txn.execute(
        """
        SELECT udr_id, version, bucket_id, kind, quantity, account_id FROM draw
        WHERE account_id = ANY (%(sharing)s) AND started_at >= %(from)s AND started_at < %(to)s
        AND kind IN ('DRAW', 'GRANT') AND udr_id > 0
        """,
        span,
    )
    found: dict[tuple[int, int], list[Entry]] = {}
    accounts: dict[int, int] = {}
    for udr_id, version, bucket_id, kind, quantity, account_id in txn.fetchall():
        entry = Entry(bucket_id, EntryKind(kind), quantity)
        found.setdefault((udr_id, version), []).append(entry)
        accounts[bucket_id] = account_id
    return found, accounts


def _records(txn: Transaction, span: Mapping[str, object]) -> dict[int, Kept]:
    txn.execute(
        """
        WITH mine AS MATERIALIZED (
            SELECT id, file_id, line_no, started_at, quantity, origin, destination, extras, uid_id,
                usage_class_id FROM udr
            WHERE account_id = %(account)s AND started_at >= %(from)s AND started_at < %(to)s
        )
        SELECT m.id, m.file_id, m.line_no, m.started_at, m.quantity, m.origin, m.destination,
            m.extras, h.uid_type, h.value, k.code
        FROM mine AS m JOIN uid_history AS h ON h.id = m.uid_id
        JOIN usage_class AS k ON k.id = m.usage_class_id
        """,
        span,
    )
    return {row[0]: _kept(row) for row in txn.fetchall()}


def records(txn: Transaction, wanted: Sequence[Charge]) -> dict[int, Kept]:
    """Give the usage records of charges, by their ids."""
    txn.execute(
        """
        SELECT u.id, u.file_id, u.line_no, u.started_at, u.quantity, u.origin, u.destination,
            u.extras, h.uid_type, h.value, k.code
        FROM unnest(%(accounts)s::bigint[], %(starts)s::timestamptz[], %(ids)s::bigint[])
            AS w (account_id, started_at, id)
        JOIN udr AS u ON u.account_id = w.account_id AND u.started_at = w.started_at
            AND u.id = w.id
        JOIN uid_history AS h ON h.id = u.uid_id
        JOIN usage_class AS k ON k.id = u.usage_class_id
        """,
        {
            "accounts": [each.account_id for each in wanted],
            "starts": [each.started_at for each in wanted],
            "ids": [each.udr_id for each in wanted],
        },
    )
    return {row[0]: _kept(row) for row in txn.fetchall()}


def _kept(row: tuple[object, ...]) -> Kept:
    _, file_id, line_no, started_at, quantity, origin, destination, extras, *names = row
    uid_type, uid, code = names
    assert isinstance(file_id, int), row
    assert isinstance(line_no, int), row
    assert isinstance(started_at, datetime), row
    assert isinstance(quantity, int), row
    assert extras is None or isinstance(extras, dict), row
    return Kept(
        UDR(
            line_no=line_no,
            event_key=b"",
            content=0,
            uid_type=str(uid_type),
            uid=str(uid),
            usage_class=str(code),
            started_us=to_us(started_at),
            quantity=quantity,
            origin=str(origin),
            destination=str(destination),
            extras=extras,
        ),
        Place(file_id, line_no),
    )


def labels(txn: Transaction, rated: Iterable[Rated]) -> Labels:
    """Tell what the ids that charges name stand for."""
    found = list(rated)
    txn.execute(
        "SELECT id, code FROM usage_class WHERE id = ANY (%(ids)s)",
        {"ids": sorted({one.usage_class_id for one in found})},
    )
    classes = dict(txn.fetchall())
    txn.execute(
        "SELECT id, location FROM location_pattern WHERE id = ANY (%(ids)s)",
        {"ids": sorted({one.location_pattern_id for one in found if one.location_pattern_id})},
    )
    places = dict(txn.fetchall())
    txn.execute(
        "SELECT id, code, rate_ppm FROM tax WHERE id = ANY (%(ids)s)",
        {"ids": sorted({one.tax_id for one in found if one.tax_id})},
    )
    return Labels(classes, places, {id_: (code, ppm) for id_, code, ppm in txn.fetchall()})


def reverse(
    txn: Transaction,
    account_id: int,
    lives: Sequence[Live],
    accounts: Mapping[int, int],
    reason: str,
) -> None:
    """
    Take charges back, and undo what they moved buckets by.

    Shapes:
        accounts: whose the buckets are.
    """
    if not lives:
        return
    execute_values(
        txn,
        "INSERT INTO charge_reversal (account_id, started_at, udr_id, version, reason) VALUES %s",
        [
            (account_id, from_us(live.udr.started_us), live.udr_id, live.version, reason)
            for live in lives
        ],
        page_size=1000,
    )
    rows = [
        (accounts[bucket_id], from_us(live.udr.started_us), bucket_id, kind.value, live.udr_id,
         live.version, quantity)
        for live in lives
        for bucket_id, kind, quantity in undone(live.entries)
    ]  # fmt: skip
    if rows:
        # In one statement: a bucket may pass its limits on the way, but not in the end.
        execute_values(
            txn,
            """
            INSERT INTO draw (account_id, started_at, bucket_id, kind, udr_id, version, quantity)
            VALUES %s
            """,
            rows,
            page_size=len(rows),
        )


def invoiced(txn: Transaction, account_id: int, lives: Sequence[Live]) -> int:
    """Count those of the charges that are on an invoice."""
    if not lives:
        return 0
    txn.execute(
        """
        SELECT count(*) FROM invoice_charge AS i
        JOIN unnest(%(ids)s::bigint[], %(versions)s::integer[]) AS w (id, version)
            ON w.id = i.udr_id AND w.version = i.version
        WHERE i.account_id = %(account)s AND i.started_at BETWEEN %(first)s AND %(last)s
        """,
        {
            "ids": [live.udr_id for live in lives],
            "versions": [live.version for live in lives],
            "account": account_id,
            "first": from_us(min(live.udr.started_us for live in lives)),
            "last": from_us(max(live.udr.started_us for live in lives)),
        },
    )
    row = txn.fetchone()
    assert row is not None, "a count gives a row"
    return int(row[0])


def newest_version(txn: Transaction, account_id: int, keys: Sequence[Key]) -> dict[int, int]:
    """Give the newest version of the charges of usage records, by the record's id."""
    txn.execute(
        """
        SELECT udr_id, max(version) FROM charge
        WHERE account_id = %(account)s AND udr_id = ANY (%(ids)s)
        AND started_at = ANY (%(starts)s) GROUP BY udr_id
        """,
        {
            "account": account_id,
            "ids": [key.udr_id for key in keys],
            "starts": [from_us(key.started_us) for key in keys],
        },
    )
    return dict(txn.fetchall())
