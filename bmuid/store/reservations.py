"""Reservations: usage that may come, what buckets hold for it, and how each ends."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg2.extras import execute_values

from bmuid.store.transaction import Transaction

OPEN, SETTLED, EXPIRED = "OPEN", "SETTLED", "EXPIRED"
HOLD, RELEASE = "HOLD", "RELEASE"
IDS_A_BLOCK = 1 << 16

_COLUMNS = """
    r.id, encode(uuid_send(r.event_key), 'hex'), s.code, r.key, a.number, r.account_id,
    r.account_service_id, r.usage_class, r.uid_type, r.uid, r.origin, r.destination, r.extras, r.started_at,
    r.step, r.wanted, r.quantity, r.money_e11, r.currency, r.state, r.created_at, r.expires_at,
    r.ended_at
    FROM reservation AS r JOIN source AS s ON s.id = r.source_id
    JOIN account AS a ON a.id = r.account_id
"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """
    A reservation as it stands.

    Shapes:
        source, key: whose it is, and how that source calls the event; uid and the numbers as it told them.
        account: the number; step: the last one.
        wanted, quantity: what that step asked for, and what of it is held, in the base unit of the class.
        money_e11: what that costs, with tax.
    """

    id: int
    event_key: str
    source: str
    key: str
    account: str
    account_id: int
    account_service_id: int
    usage_class: str
    uid_type: str
    uid: str
    origin: str
    destination: str
    extras: Mapping[str, str] | None
    started_at: datetime
    step: int
    wanted: int
    quantity: int
    money_e11: int
    currency: str
    state: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class New:
    """A reservation to be made."""

    event_key: bytes
    source_id: int
    key: str
    account_id: int
    account_service_id: int
    usage_class: str
    uid_type: str
    uid: str
    origin: str
    destination: str
    extras: Mapping[str, str] | None
    started_at: datetime
    wanted: int
    quantity: int
    money_e11: int
    currency: str
    expires_at: datetime


class Held(NamedTuple):
    """What is held in a bucket, of whichever account."""

    account_id: int
    bucket_id: int
    quantity: int


def add(txn: Transaction, new: New) -> int | None:
    """Make a reservation, and give its id; None where the event has one."""
    txn.execute(
        """
        INSERT INTO reservation (id, event_key, source_id, key, account_id, account_service_id,
            usage_class, uid_type, uid, origin, destination, extras, started_at, wanted, quantity,
            money_e11, currency, expires_at)
        SELECT nextval('udr_block') * %(ids)s, %(event_key)s, %(source_id)s, %(key)s, %(account_id)s,
            %(service_id)s, %(usage_class)s, %(uid_type)s, %(uid)s, %(origin)s, %(destination)s,
            %(extras)s, %(started_at)s, %(wanted)s, %(quantity)s, %(money)s, %(currency)s, %(expires_at)s
        ON CONFLICT (event_key) DO NOTHING RETURNING id
        """,
        {
            "ids": IDS_A_BLOCK,
            "event_key": new.event_key.hex(),
            "source_id": new.source_id,
            "key": new.key,
            "account_id": new.account_id,
            "service_id": new.account_service_id,
            "usage_class": new.usage_class,
            "uid_type": new.uid_type,
            "uid": new.uid,
            "origin": new.origin,
            "destination": new.destination,
            "extras": json.dumps(new.extras) if new.extras else None,
            "started_at": new.started_at,
            "wanted": new.wanted,
            "quantity": new.quantity,
            "money": new.money_e11,
            "currency": new.currency,
            "expires_at": new.expires_at,
        },
    )
    row = txn.fetchone()
    return int(row[0]) if row else None


def of_event(txn: Transaction, event_key: bytes) -> Reservation | None:
    """Lock and give the reservation of an event."""
    txn.execute(
        f"SELECT {_COLUMNS} WHERE r.event_key = %(key)s FOR NO KEY UPDATE OF r",
        {"key": event_key.hex()},
    )
    row = txn.fetchone()
    return Reservation(*row) if row else None


def by_id(txn: Transaction, id_: int) -> Reservation | None:
    """Lock and give the reservation of an id."""
    txn.execute(
        f"SELECT {_COLUMNS} WHERE r.id = %(id)s FOR NO KEY UPDATE OF r",
        {"id": id_},
    )
    row = txn.fetchone()
    return Reservation(*row) if row else None


def overdue(txn: Transaction, now: datetime, limit: int) -> list[Reservation]:
    """Lock and give open reservations whose time is over, the oldest first; those somebody is at are left out."""
    txn.execute(
        f"""
        SELECT {_COLUMNS} WHERE r.state = 'OPEN' AND r.expires_at <= %(now)s
        ORDER BY r.expires_at LIMIT %(limit)s FOR NO KEY UPDATE OF r SKIP LOCKED
        """,
        {"now": now, "limit": limit},
    )
    return [Reservation(*row) for row in txn.fetchall()]


def change(txn: Transaction, changed: Reservation) -> None:
    """Note the next step of a reservation that is locked and open."""
    txn.execute(
        """
        UPDATE reservation SET step = %(step)s, wanted = %(wanted)s, quantity = %(quantity)s,
            money_e11 = %(money)s, expires_at = %(expires_at)s WHERE id = %(id)s
        """,
        {
            "step": changed.step,
            "wanted": changed.wanted,
            "quantity": changed.quantity,
            "money": changed.money_e11,
            "expires_at": changed.expires_at,
            "id": changed.id,
        },
    )


def end(txn: Transaction, id_: int, state: str) -> None:
    """End a reservation that is locked and open."""
    txn.execute(
        """
        UPDATE reservation SET state = %(state)s, ended_at = clock_timestamp() WHERE id = %(id)s
        """,
        {"state": state, "id": id_},
    )


def held(txn: Transaction, reservation: Reservation) -> list[Held]:
    """Give what a reservation holds, of its account's buckets, and of those that others share with it."""
    txn.execute(
        """
        WITH RECURSIVE line AS (
            SELECT id, parent_id FROM account WHERE id = %(account)s
            UNION ALL SELECT a.id, a.parent_id FROM account AS a JOIN line ON a.id = line.parent_id
        )
        SELECT account_id, bucket_id, -sum(quantity)::bigint FROM draw
        WHERE account_id = ANY (ARRAY (
            SELECT id FROM line UNION SELECT s.account_id FROM share_member AS m JOIN share AS s ON s.id = m.share_id
            WHERE m.account_id = %(account)s
        )) AND started_at = %(started_at)s
        AND udr_id = %(id)s AND kind IN ('HOLD', 'RELEASE')
        GROUP BY account_id, bucket_id HAVING sum(quantity) <> 0 ORDER BY account_id, bucket_id
        """,
        {
            "account": reservation.account_id,
            "started_at": reservation.started_at,
            "id": reservation.id,
        },
    )
    return [Held(*row) for row in txn.fetchall()]


def draw(
    txn: Transaction,
    id_: int,
    started_at: datetime,
    released: tuple[int, Sequence[Held]],
    held: tuple[int, Sequence[Held]],
) -> None:
    """
    Release what a step of a reservation held, and hold for another; the balances move by the difference.

    Shapes:
        released, held: a step each, and what of which buckets.
    """
    rows = [
        (one.account_id, started_at, one.bucket_id, kind, id_, step, sign * one.quantity)
        for kind, sign, (step, many) in ((RELEASE, 1, released), (HOLD, -1, held))
        for one in many
    ]
    if rows:
        execute_values(
            txn,
            """
            INSERT INTO draw (account_id, started_at, bucket_id, kind, udr_id, version, quantity)
            VALUES %s
            """,
            rows,
        )


def listed(
    txn: Transaction, account: str | None, state: str | None, last: int | None, limit: int
) -> list[Reservation]:
    """Give reservations of lower ids than *last*, the newest first."""
    txn.execute(
        f"""
        SELECT {_COLUMNS} WHERE (%(account)s IS NULL OR a.number = %(account)s)
        AND (%(state)s IS NULL OR r.state = %(state)s) AND (%(last)s IS NULL OR r.id < %(last)s)
        ORDER BY r.id DESC LIMIT %(limit)s
        """,
        {"account": account, "state": state, "last": last, "limit": limit},
    )
    return [Reservation(*row) for row in txn.fetchall()]


def shown(txn: Transaction, id_: int) -> Reservation | None:
    """Give the reservation of an id, only to look at."""
    txn.execute(f"SELECT {_COLUMNS} WHERE r.id = %(id)s", {"id": id_})
    row = txn.fetchone()
    return Reservation(*row) if row else None
