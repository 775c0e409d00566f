"""Logins of customers: tried by the role that checks passwords, kept by the staff's."""

from collections.abc import Sequence
from dataclasses import dataclass

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Tried:
    """A login that someone tries to use; without a password it may not be used now."""

    id: int
    password: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """The account whose session was opened."""

    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Login:
    """A login; failures: wrong passwords in a row; sessions: those that are open now."""

    name: str
    account: str
    disabled: bool
    failures: int
    sessions: int


def try_login(txn: Transaction, name: str) -> Tried | None:
    """Count a try of the login of that name, and give what to check it against."""
    txn.execute("SELECT login_id, password FROM login_try(%(name)s)", {"name": name})
    row = txn.fetchone()
    return Tried(*row) if row else None


def failed(txn: Transaction, login_id: int) -> None:
    """Note that the password was wrong."""
    txn.execute("SELECT login_failed(%(id)s)", {"id": login_id})


def open_session(
    txn: Transaction, login_id: int, token_hash: bytes, rehashed: str | None
) -> Opened | None:
    """Open a session for whoever knew the password; None: the login was disabled meanwhile."""
    txn.execute(
        "SELECT number, name FROM session_open(%(id)s, %(hash)s, %(rehashed)s)",
        {"id": login_id, "hash": token_hash, "rehashed": rehashed},
    )
    row = txn.fetchone()
    return Opened(*row) if row else None


def add(txn: Transaction, account_id: int, name: str, password: str) -> bool:
    """Add a login of the account, *password* being its hash; tell whether the name was free."""
    txn.execute(
        """
        INSERT INTO login (account_id, name, password)
        VALUES (%(account_id)s, %(name)s, %(password)s) ON CONFLICT (name) DO NOTHING
        """,
        {"account_id": account_id, "name": name, "password": password},
    )
    return txn.rowcount == 1


def set_password(txn: Transaction, name: str, password: str) -> bool:
    """Set the hash of a login's password, and forget its failures; tell whether it exists."""
    txn.execute(
        "UPDATE login SET password = %(password)s, failures = 0 WHERE name = %(name)s",
        {"name": name, "password": password},
    )
    return txn.rowcount == 1


def set_disabled(txn: Transaction, name: str, *, disabled: bool) -> bool:
    """Bar a login, or admit it again; tell whether it exists."""
    txn.execute(
        "UPDATE login SET disabled = %(disabled)s WHERE name = %(name)s",
        {"name": name, "disabled": disabled},
    )
    return txn.rowcount == 1


def owners(txn: Transaction, names: Sequence[str]) -> dict[str, str]:
    """Give the numbers of the accounts that have logins of these names, by name."""
    txn.execute(
        """
        SELECT l.name, a.number FROM login AS l JOIN account AS a ON a.id = l.account_id
        WHERE l.name = ANY (%(names)s)
        """,
        {"names": list(names)},
    )
    return dict(txn.fetchall())


def known(txn: Transaction, account: str | None, name: str | None) -> tuple[Login, ...]:
    """Give the logins of an account, or the one of that name, or all; by name."""
    txn.execute(
        """
        SELECT l.name, a.number, l.disabled, l.failures, count(s.login_id)
        FROM login AS l JOIN account AS a ON a.id = l.account_id
        LEFT JOIN session AS s ON s.login_id = l.id AND NOT s.ended
            AND s.ends_at > clock_timestamp() AND s.seen_at > clock_timestamp() - interval '15 minutes'
        WHERE (%(account)s IS NULL OR a.number = %(account)s) AND (%(name)s IS NULL OR l.name = %(name)s)
        GROUP BY l.id, a.number ORDER BY l.name
        """,
        {"account": account, "name": name},
    )
    return tuple(Login(*row) for row in txn.fetchall())
