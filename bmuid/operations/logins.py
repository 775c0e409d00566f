"""Customers' logins, as the staff keeps them."""

from dataclasses import dataclass
from datetime import datetime

from bmuid import passwords
from bmuid.operations.accounts_document import ACCOUNT, LOGIN, PASSWORD
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import ADMINS, NOT_FOUND, no_account, staff_changes, staff_reads
from bmuid.store import accounts, logins, revisions, sessions
from bmuid.store.logins import Login
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Add:
    """A new login of an account."""

    login: str = argument(LOGIN, "the login's name, like an e-mail address")
    account: str = argument(ACCOUNT, "the account's number")
    password: str = argument(PASSWORD, "its first password", secret=True)


@dataclass(frozen=True, slots=True)
class SetPassword:
    """A login and its new password."""

    login: str = argument(LOGIN, "the login's name")
    password: str = argument(PASSWORD, "its new password", secret=True)


@dataclass(frozen=True, slots=True)
class Which:
    """A login."""

    login: str = argument(LOGIN, "the login's name")


@dataclass(frozen=True, slots=True)
class List:
    """Of which account; none: of all."""

    account: str | None = argument(ACCOUNT, "the account's number", optional=True)


@dataclass(frozen=True, slots=True)
class Logins:
    """Logins, by name."""

    logins: tuple[Login, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """How many sessions were ended."""

    sessions: int


def add(txn: Transaction, actor: Actor, arguments: Add, now: datetime) -> Login | Refused:
    """Add a login."""
    fault = passwords.name_fault(arguments.login)
    if fault:
        return Refused("BAD_ARGUMENT", f"login: {fault}")
    fault = passwords.fault_of(arguments.password, arguments.login)
    if fault:
        return Refused("BAD_ARGUMENT", f"password: {fault}")
    account = accounts.by_number(txn, arguments.account)
    if account is None:
        return no_account(arguments.account)
    revisions.lock(txn)
    name = passwords.login_name(arguments.login)
    hashed = passwords.hash_of(arguments.password, actor.secrets.pepper)
    if not logins.add(txn, account.id, name, hashed):
        return Refused("LOGIN_EXISTS", f"there is a login {name} already")
    return _row(txn, name)


def set_password(
    txn: Transaction, actor: Actor, arguments: SetPassword, now: datetime
) -> Login | Refused:
    """Give a login a new password; whoever is logged in with the old one is logged out."""
    name = passwords.login_name(arguments.login)
    fault = passwords.fault_of(arguments.password, name)
    if fault:
        return Refused("BAD_ARGUMENT", f"password: {fault}")
    hashed = passwords.hash_of(arguments.password, actor.secrets.pepper)
    if not logins.set_password(txn, name, hashed):
        return NOT_FOUND
    sessions.end_all(txn, name)
    return _row(txn, name)


def disable(txn: Transaction, actor: Actor, arguments: Which, now: datetime) -> Login | Refused:
    """Bar a login, and end its sessions at once."""
    name = passwords.login_name(arguments.login)
    if not logins.set_disabled(txn, name, disabled=True):
        return NOT_FOUND
    sessions.end_all(txn, name)
    return _row(txn, name)


def enable(txn: Transaction, actor: Actor, arguments: Which, now: datetime) -> Login | Refused:
    """Admit a login again."""
    name = passwords.login_name(arguments.login)
    return _row(txn, name) if logins.set_disabled(txn, name, disabled=False) else NOT_FOUND


def end_sessions(txn: Transaction, actor: Actor, arguments: Which, now: datetime) -> Ended:
    """End all sessions of a login."""
    return Ended(sessions.end_all(txn, passwords.login_name(arguments.login)))


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Logins:
    """List logins."""
    return Logins(logins.known(txn, arguments.account, None))


def _row(txn: Transaction, name: str) -> Login:
    [found] = logins.known(txn, None, name)
    return found


OPERATIONS = (
    staff_changes(("login_add", "Add a login"), Add, Login, add, ADMINS),
    staff_changes(
        ("login_password", "Give a login a new password"),
        SetPassword,
        Login,
        set_password,
        ADMINS,
    ),
    staff_changes(("login_disable", "Bar a login"), Which, Login, disable, ADMINS),
    staff_changes(("login_enable", "Admit a login again"), Which, Login, enable, ADMINS),
    staff_reads("login_list", "The logins, by name", List, Logins, list_),
    staff_changes(("session_end", "End a login's sessions"), Which, Ended, end_sessions, ADMINS),
)
