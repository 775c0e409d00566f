"""Who owned which usage identifier when, as the staff keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Ownership:
    """A usage identifier that was owned for some time; without an end it still is."""

    id: int
    type: str
    value: str
    account: str
    account_service_id: int
    from_: datetime
    to: datetime | None


@dataclass(frozen=True, slots=True)
class NewOwnership:
    """An ownership as it is asked for."""

    type: str
    value: str
    account_id: int
    account_service_id: int
    from_: datetime
    to: datetime | None


def of_account(txn: Transaction, account_id: int) -> tuple[Ownership, ...]:
    """Give what usage identifiers an account owned when, as far as that is in force."""
    txn.execute(
        """
        SELECT h.id, h.uid_type, h.value, a.number, h.account_service_id, lower(h.during),
            upper(h.during)
        FROM uid_history AS h JOIN account AS a ON a.id = h.account_id
        WHERE h.account_id = %(account_id)s AND h.until IS NULL
        ORDER BY h.account_service_id, h.uid_type, h.value, lower(h.during)
        """,
        {"account_id": account_id},
    )
    return tuple(Ownership(*row) for row in txn.fetchall())


def of_services(txn: Transaction, service_ids: Sequence[int]) -> tuple[Ownership, ...]:
    """Give what usage identifiers services own when, as far as that is in force."""
    txn.execute(
        """
        SELECT h.id, h.uid_type, h.value, a.number, h.account_service_id, lower(h.during),
            upper(h.during)
        FROM account_service AS s
        JOIN uid_history AS h ON h.account_id = s.account_id AND h.account_service_id = s.id
        JOIN account AS a ON a.id = h.account_id
        WHERE s.id = ANY (%(service_ids)s) AND h.until IS NULL
        """,
        {"service_ids": list(service_ids)},
    )
    return tuple(Ownership(*row) for row in txn.fetchall())


def of_uids(
    txn: Transaction, types: Sequence[str], values: Sequence[str]
) -> tuple[Ownership, ...]:
    """
    Give who owned usage identifiers when, each one's earliest first.

    Shapes:
        types, values: parallel.
    """
    txn.execute(
        """
        SELECT h.id, h.uid_type, h.value, a.number, h.account_service_id, lower(h.during),
            upper(h.during)
        FROM unnest(%(types)s::text[], %(values)s::text[]) AS wanted (uid_type, value)
        JOIN uid_history AS h
            ON textrange(h.uid_type || ':' || h.value, h.uid_type || ':' || h.value, '[]')
            && textrange(wanted.uid_type || ':' || wanted.value,
                wanted.uid_type || ':' || wanted.value, '[]')
        JOIN account AS a ON a.id = h.account_id
        WHERE h.until IS NULL
        ORDER BY h.uid_type, h.value, lower(h.during)
        """,
        {"types": list(types), "values": list(values)},
    )
    return tuple(Ownership(*row) for row in txn.fetchall())


def add(txn: Transaction, wanted: Sequence[NewOwnership], since: int) -> int:
    """Note owners, from revision *since*; give how many: one who would share a UID is left out."""
    txn.execute(
        """
        INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)
        SELECT uid_type, value, account_id, service_id, tstzrange(from_, to_), %(since)s
        FROM unnest(%(types)s::text[], %(values)s::text[], %(account_ids)s::bigint[],
            %(service_ids)s::bigint[], %(froms)s::timestamptz[], %(tos)s::timestamptz[])
            AS wanted (uid_type, value, account_id, service_id, from_, to_)
        ON CONFLICT DO NOTHING
        """,
        {
            "types": [one.type for one in wanted],
            "values": [one.value for one in wanted],
            "account_ids": [one.account_id for one in wanted],
            "service_ids": [one.account_service_id for one in wanted],
            "froms": [one.from_ for one in wanted],
            "tos": [one.to for one in wanted],
            "since": since,
        },
    )
    return txn.rowcount


def withdraw(txn: Transaction, ids: Sequence[int], until: int) -> None:
    """Take ownerships out of force at revision *until*; their rows stay, for what was rated by them."""
    txn.execute(
        "UPDATE uid_history SET until = %(until)s WHERE id = ANY (%(ids)s) AND until IS NULL",
        {"ids": list(ids), "until": until},
    )


@dataclass(frozen=True, slots=True)
class ShortOfUIDs:
    """A service with fewer usage identifiers now than its package says."""

    service: int
    account: str
    name: str
    package: str
    uids: int
    wanted: int
    from_: datetime


def short(txn: Transaction, after: int, limit: int) -> tuple[ShortOfUIDs, ...]:
    """Give services that are short of usage identifiers now, by id."""
    txn.execute(
        """
        SELECT s.id, a.number, a.name, s.package, h.uids, p.uids, lower(s.during)
        FROM account_service AS s JOIN account AS a ON a.id = s.account_id
        JOIN package AS p ON p.code = s.package AND p.until IS NULL AND p.uids > 0
        CROSS JOIN LATERAL (
            SELECT count(*)::integer AS uids FROM uid_history AS o
            WHERE o.account_id = s.account_id AND o.account_service_id = s.id AND o.until IS NULL
            AND o.during @> clock_timestamp()
        ) AS h
        WHERE s.during @> clock_timestamp() AND h.uids < p.uids AND s.id > %(after)s
        ORDER BY s.id LIMIT %(limit)s
        """,
        {"after": after, "limit": limit},
    )
    return tuple(ShortOfUIDs(*row) for row in txn.fetchall())


def is_type(txn: Transaction, type_: str) -> bool:
    """Tell whether there is, or was, a usage identifier of a type."""
    txn.execute(
        "SELECT EXISTS (SELECT FROM uid_history WHERE uid_type = %(type)s)", {"type": type_}
    )
    return txn.fetchone() == (True,)


def types(txn: Transaction) -> tuple[str, ...]:
    """Give the types of all usage identifiers there are."""
    txn.execute("SELECT DISTINCT uid_type FROM uid_history ORDER BY 1")
    return tuple(type_ for (type_,) in txn.fetchall())
