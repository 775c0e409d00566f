"""A customer logs in and out."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from bmuid import passwords
from bmuid.operations.grammar import Text
from bmuid.operations.registry import (
    Actor,
    Audit,
    DatabaseRole,
    Door,
    Operation,
    RateClass,
    Refused,
    Role,
    argument,
)
from bmuid.store import logins, sessions
from bmuid.store.transaction import Transaction

TOKEN_OCTETS = 32
TYPED_MAX = 256

# One answer for an unknown name, a wrong password, a login that is barred and one tried too often.
REFUSED = Refused(
    "LOGIN_REFUSED", "the login or the password is not right, or it was tried too often"
)


@dataclass(frozen=True, slots=True)
class Open:
    """What is typed to log in."""

    login: str = argument(Text(TYPED_MAX), "the login's name")
    password: str = argument(Text(TYPED_MAX), "its password", secret=True)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose session it is."""

    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session."""

    token: str
    account: Holder


@dataclass(frozen=True, slots=True)
class Close:
    """Nothing beyond the session itself."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing to say."""


def open_session(
    txn: Transaction, actor: Actor, arguments: Open, now: datetime
) -> Opened | Refused:
    """
    Open a session for whoever knows the password.

    Every refusal costs one hash and reads the same, so that nobody learns which logins exist.
    """
    found = logins.try_login(txn, passwords.login_name(arguments.login))
    kept = found.password if found and found.password else passwords.dummy()
    right = passwords.verify(arguments.password, actor.secrets.pepper, kept)
    if found is None or found.password is None:
        return REFUSED
    if not right:
        logins.failed(txn, found.id)
        return REFUSED
    rehashed = None
    if passwords.is_outdated(found.password):
        rehashed = passwords.hash_of(arguments.password, actor.secrets.pepper)
    token = secrets.token_urlsafe(TOKEN_OCTETS)
    digest = hashlib.sha256(token.encode()).digest()
    opened = logins.open_session(txn, found.id, digest, rehashed)
    return Opened(token, Holder(opened.number, opened.name)) if opened else REFUSED


def close_session(txn: Transaction, actor: Actor, arguments: Close, now: datetime) -> Closed:
    """End the session at once, whatever else its token is still shown to."""
    assert actor.token is not None, "a customer has a session"
    sessions.leave(txn, actor.token)
    return Closed()


OPERATIONS = (
    Operation(
        name="login_open",
        summary="Log in and get a session",
        arguments=Open,
        result=Opened,
        doors=frozenset({Door.PUBLIC}),
        roles=frozenset({Role.VISITOR}),
        database_role=DatabaseRole.AUTH,
        run=open_session,
        rate_class=RateClass.LOGIN,
        audit=Audit.CHANGE,
    ),
    Operation(
        name="login_close",
        summary="Log out: end the session",
        arguments=Close,
        result=Closed,
        doors=frozenset({Door.PUBLIC}),
        roles=frozenset({Role.CUSTOMER}),
        database_role=DatabaseRole.PUBLIC,
        run=close_session,
        rate_class=RateClass.CHANGE,
        audit=Audit.CHANGE,
    ),
)
