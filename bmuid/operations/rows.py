"""Rows of the registry, by who may ask: what customers read, what staff read, what staff change."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bmuid.operations.registry import (
    Actor,
    Audit,
    DatabaseRole,
    Door,
    Operation,
    RateClass,
    Refused,
    Role,
)
from bmuid.store.transaction import Transaction

Run = Callable[[Transaction, Actor, Any, datetime], object]

STAFF = frozenset({Role.AUDITOR, Role.CLERK, Role.ADMIN})
SOURCES = frozenset({Role.SOURCE})
CLERKS = frozenset({Role.CLERK, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})

NOT_FOUND = Refused("NOT_FOUND", "there is no such thing, or it is not of this account")


def no_account(number: str) -> Refused:
    """Tell one of the staff that an account does not exist; customers are told of no other accounts."""
    return Refused("NOT_FOUND", f"there is no account {number}")


def no_source(code: str) -> Refused:
    """Tell that a source does not exist."""
    return Refused("NOT_FOUND", f"there is no source {code}; see `bmadmin source list`")


def customer_reads(name: str, summary: str, arguments: type, result: type, run: Run) -> Operation:
    """Declare what a logged-in customer may look at: the rows of the own account."""
    return Operation(
        name=name,
        summary=summary,
        arguments=arguments,
        result=result,
        doors=frozenset({Door.PUBLIC}),
        roles=frozenset({Role.CUSTOMER}),
        database_role=DatabaseRole.PUBLIC,
        run=run,
    )


def staff_reads(name: str, summary: str, arguments: type, result: type, run: Run) -> Operation:
    """Declare what all of the staff may look at."""
    return Operation(
        name=name,
        summary=summary,
        arguments=arguments,
        result=result,
        doors=frozenset({Door.ADMIN}),
        roles=STAFF,
        database_role=DatabaseRole.ADMIN,
        run=run,
    )


def staff_changes(
    row: tuple[str, str], arguments: type, result: type, run: Run, roles: frozenset[Role]
) -> Operation:
    """Declare what *roles* of the staff may change; *row* is its name and summary."""
    name, summary = row
    return Operation(
        name=name,
        summary=summary,
        arguments=arguments,
        result=result,
        doors=frozenset({Door.ADMIN}),
        roles=roles,
        database_role=DatabaseRole.ADMIN,
        run=run,
        rate_class=RateClass.CHANGE,
        audit=Audit.CHANGE,
        keyed=True,
    )


def source_asks(row: tuple[str, str], arguments: type, result: type, run: Run) -> Operation:
    """Declare what a source of usage may ask in real time; *row* is its name and summary. What it changes is on record itself."""
    name, summary = row
    return Operation(
        name=name,
        summary=summary,
        arguments=arguments,
        result=result,
        doors=frozenset({Door.USAGE}),
        roles=SOURCES,
        database_role=DatabaseRole.ENGINE,
        run=run,
        rate_class=RateClass.CHANGE,
    )
