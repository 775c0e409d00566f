"""Charges that count, with their usage records and draws, as rerating reads them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from bmu.period import from_us, to_us
from bmu.rating import Rated
from bmu.rating.balance import Entry, EntryKind
from bmu.rating.detail import detail_of
from bmu.rating.rerate import Labels, Live
from bmu.usage import UDR
from bmuid.store.copying import array, copy_out, decoded
from bmuid.store.reprocessing import Charge
from bmuid.store.transaction import Transaction

# Where usage ends: no day after this has a partition.
END = datetime(2200, 1, 1, tzinfo=UTC)
# Accounts whose ids lie so close are read as a range: a range is one descent in an index, a list is one for each.
SPARSE = 4


class Place(NamedTuple):
    """The line that a usage record was read from."""

    file_id: int
    line_no: int


class Key(NamedTuple):
    """A charge of an account, whatever its version."""

    started_us: int
    udr_id: int


class Kept(NamedTuple):
    """A usage record as it is stored."""

    udr: UDR
    place: Place


class Span(NamedTuple):
    """
    What some accounts used in [from_, to_).

    Shapes:
        accounts: in order, one at least.
        above: other accounts whose buckets they may have drawn from.
    """

    accounts: Sequence[int]
    from_: datetime
    to: datetime = END
    above: Sequence[int] = ()


class Stretch(NamedTuple):
    """
    One account's usage among that of several: lives[first:end].

    Shapes:
        oldest_revision: by which the oldest of its charges was rated.
    """

    account_id: int
    first: int
    end: int
    oldest_revision: int


class Usage(NamedTuple):
    """
    What accounts used, with what it is charged.

    Shapes:
        lives: by account, within one in event order.
        stretches: of the accounts that have any.
        accounts: whose each bucket is that they moved.
    """

    lives: list[Live]
    stretches: list[Stretch]
    accounts: dict[int, int]


class Names(NamedTuple):
    """
    What rows of charges are read with.

    Shapes:
        wanted: accounts; others' rows are left out. gone: record and version of charges that don't count.
        moved: what charges moved buckets by, by record and version.
        uids: type and value by id. classes: codes by id.
    """

    wanted: set[int]
    gone: set[tuple[Any, ...]]
    moved: dict[tuple[int, int], list[Entry]]
    uids: dict[int, tuple[str, ...]]
    classes: dict[int, str]


Made = tuple[list[Live], list[tuple[int, int]]]

# Fields of a charge in the order of Rated, after what tells which charge it is; then those of its usage record, which
# the first version has.
_FORMS = "qtqiqqihiiiiiqqqqqqsjqqssj"
_RATED, _RECORD, _VERSION, _LINE, _QUANTITY = slice(6, 20), slice(21, 26), 3, 21, 13
_CHARGES = """
    COPY (
        SELECT c.account_id, c.started_at, c.udr_id, c.version, c.account_service_id, c.revision,
            c.usage_class_id, c.plan_level, c.rate_plan_id, c.rate_group_id, c.rate_id,
            c.location_pattern_id, c.tax_id, c.quantity, c.rounded, c.billable, c.rated_e11,
            c.amount_e11, c.tax_e11, c.currency, c.detail, c.line_no, c.uid_id, c.origin,
            c.destination, c.extras
        FROM charge AS c WHERE c.{whose} AND c.started_at >= %(from)s AND c.started_at < %(to)s
    ) TO STDOUT BINARY
"""
_REVERSED = """
    COPY (
        SELECT udr_id, version FROM charge_reversal
        WHERE {whose} AND started_at >= %(from)s AND started_at < %(to)s
    ) TO STDOUT BINARY
"""
_DRAWN = """
    COPY (
        SELECT udr_id, bucket_id, (kind IN ('GRANT', 'EXPIRY'))::integer, quantity, account_id FROM draw
        WHERE ({whose} OR account_id = ANY (%(above)s::bigint[]))
        AND started_at >= %(from)s AND started_at < %(to)s
        AND kind IN ('DRAW', 'GRANT', 'RETURN', 'EXPIRY') AND udr_id > 0
    ) TO STDOUT BINARY
"""
_UIDS = """
    COPY (SELECT id, uid_type, value FROM uid_history WHERE {whose}) TO STDOUT BINARY
"""
_INVOICED = """
    COPY (
        SELECT udr_id, version FROM invoice_charge
        WHERE {whose} AND started_at >= %(from)s AND started_at < %(to)s
    ) TO STDOUT BINARY
"""
_NUMBERS = """
    COPY (
        SELECT account_id, count(*) FROM charge
        WHERE {whose} AND started_at >= %(from)s AND started_at < %(to)s GROUP BY account_id
    ) TO STDOUT BINARY
"""
# What a draw is, or takes back: whether it is a grant.
_MOVES = (EntryKind.DRAW, EntryKind.GRANT)


def of_accounts(txn: Transaction, span: Span) -> Usage:
    """Give the charges that count of what accounts used."""
    # A second process for so little takes longer to start than it helps.
    txn.execute("SET LOCAL max_parallel_workers_per_gather = 0")
    # Before all that is told of them: usage that others charge meanwhile is left out, rather than be without its draws.
    octets = _copied(txn, _CHARGES, span)
    gone = set(decoded("qi", _copied(txn, _REVERSED, span)))
    moved, accounts = _entries(txn, span, gone)
    uids = {row[0]: row[1:] for row in decoded("qss", _copied(txn, _UIDS, span))}
    txn.execute("SELECT id, code FROM usage_class")
    classes = dict(txn.fetchall())
    lives, facts = made_of(octets, Names(set(span.accounts), gone, moved, uids, classes))
    stretches, first = [], 0
    for account_id, theirs in groupby(facts, itemgetter(0)):
        revisions = [revision for _, revision in theirs]
        stretches.append(Stretch(account_id, first, first + len(revisions), min(revisions)))
        first += len(revisions)
    return Usage(lives, stretches, accounts)


def made_plainly(octets: bytes | memoryview, names: Names) -> Made:
    """Make charges of what _CHARGES gave, as `made_of` does."""
    # No two have the same first four fields.
    every = sorted(row for row in decoded(_FORMS, octets) if row[0] in names.wanted)
    rows = [row for row in _with_records(every) if row[2:4] not in names.gone]
    found = [
        _live(names.uids, names.classes, row, tuple(names.moved.get(row[2:4], ()))) for row in rows
    ]
    return found, [(row[0], row[5]) for row in rows]


def _with_records(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Give each version of a charge, in order, what the first one says of the usage record."""
    first: tuple[Any, ...] = ()
    for row in rows:
        if len({value is None for value in row[_RECORD][:-1]}) > 1:
            raise ValueError("a row of a charge has half a record")
        if row[_LINE] is not None:
            first = row
        elif row[:_VERSION] != first[:_VERSION]:
            raise ValueError("a row of a charge has no first version")
        yield (*row[:_LINE], *first[_RECORD])


def made_of(octets: bytes | memoryview, names: Names) -> Made:
    """
    Make charges of what _CHARGES gave, by account, instant and id.

    Shapes:
        Result: the charges; parallel, the account and the revision of each.
    """
    try:
        # Nothing but time hangs on it.
        from bmuid.store._lives import lives as compiled  # noqa: PLC0415
    except ImportError:
        return made_plainly(octets, names)
    one = partial(_live, names.uids, names.classes)
    return compiled(octets, *names, Live, UDR, Rated, one)


def _live(
    uids: Mapping[int, tuple[str, ...]],
    classes: Mapping[int, str],
    row: tuple[Any, ...],
    entries: tuple[Entry, ...],
) -> Live:
    detail = None if row[20] is None else detail_of(json.loads(row[20]))
    # Of the charge: the record keeps the class that it was first charged as.
    usage_class = (detail and detail.reclassified_from) or classes[row[6]]
    _, udr_id, version, service_id = row[1:5]
    line_no, uid_id, origin, destination, extras = row[_RECORD]
    uid_type, uid = uids[uid_id]
    extras = None if extras is None else json.loads(extras)
    udr = UDR(
        line_no,
        b"",
        0,
        uid_type,
        uid,
        usage_class,
        row[1],
        row[_QUANTITY],
        origin,
        destination,
        extras,
    )
    drawn = tuple((each.bucket_id, -each.quantity) for each in entries if each.quantity < 0)
    return Live(
        udr, udr_id, version, service_id, Rated._make((*row[_RATED], drawn, detail)), entries
    )


def _copied(txn: Transaction, statement: str, span: Span) -> memoryview:
    """Run a COPY of what is of a span's accounts: `{whose}` says which rows those are."""
    first, last = span.accounts[0], span.accounts[-1]
    whose = "account_id = ANY (%(accounts)s::bigint[])"
    if last - first < SPARSE * len(span.accounts):
        whose = "account_id BETWEEN %(first)s AND %(last)s"
    values = {
        "accounts": array(span.accounts),
        "first": first,
        "last": last,
        "above": array(span.above),
        "from": span.from_,
        "to": span.to,
    }
    return copy_out(txn, statement.replace("{whose}", whose), values)


def _entries(
    txn: Transaction, span: Span, gone: Iterable[tuple[Any, ...]]
) -> tuple[dict[tuple[int, int], list[Entry]], dict[int, int]]:
    """
    Give what charges that count moved buckets by, by record and version, and whose the buckets are.

    A charge that draws as the one before it has no draws of its own: so what counts is all that was not taken back.
    """
    newest: dict[int, int] = {}
    for udr_id, version in gone:
        newest[udr_id] = max(version, newest.get(udr_id, 0))
    found: dict[tuple[int, int], list[Entry]] = {}
    accounts: dict[int, int] = {}
    sums: dict[tuple[int, int, EntryKind], int] = {}
    # Straight to the tuple: the constructor of a named tuple takes twice as long.
    make = tuple.__new__
    for udr_id, bucket_id, kind, quantity, account_id in decoded(
        "qqiqq", _copied(txn, _DRAWN, span)
    ):
        accounts[bucket_id] = account_id
        if udr_id in newest:
            key = udr_id, bucket_id, _MOVES[kind]
            sums[key] = sums.get(key, 0) + quantity
        else:
            entry = make(Entry, (bucket_id, _MOVES[kind], quantity))
            found.setdefault((udr_id, 1), []).append(entry)
    for (udr_id, bucket_id, moves), quantity in sums.items():
        if quantity:
            entries = found.setdefault((udr_id, newest[udr_id] + 1), [])
            entries.append(Entry(bucket_id, moves, quantity))
    return found, accounts


def invoiced(txn: Transaction, span: Span) -> set[tuple[int, int]]:
    """Give the charges, by record and version, that are on an invoice; some of other accounts', too."""
    return set(decoded("qi", _copied(txn, _INVOICED, span)))


def numbers(txn: Transaction, span: Span) -> dict[int, int]:
    """Count the charges of accounts, of any version; those that have none are left out."""
    return dict(decoded("qq", _copied(txn, _NUMBERS, span)))


def records(txn: Transaction, wanted: Sequence[Charge]) -> dict[int, Kept]:
    """Give the usage records of charges, by their ids; of the class that was named, whatever they were charged as."""
    txn.execute(
        """
        SELECT u.udr_id, u.file_id, u.line_no, u.started_at, u.quantity, u.origin, u.destination,
            u.extras, h.uid_type, h.value, coalesce(u.detail ->> 'reclassified_from', k.code)
        FROM unnest(%(accounts)s::bigint[], %(starts)s::timestamptz[], %(ids)s::bigint[])
            AS w (account_id, started_at, id)
        JOIN charge AS u ON u.account_id = w.account_id AND u.started_at = w.started_at
            AND u.udr_id = w.id AND u.version = 1
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
    taxes = {one.tax_id for one in found if one.tax_id}
    for one in found:
        if one.detail is not None and one.detail.taxes is not None:
            taxes |= {part.tax_id for part in one.detail.taxes.parts}
    txn.execute(
        "SELECT id, code, rate_ppm FROM tax WHERE id = ANY (%(ids)s)", {"ids": sorted(taxes)}
    )
    return Labels(classes, places, {id_: (code, ppm) for id_, code, ppm in txn.fetchall()})


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
