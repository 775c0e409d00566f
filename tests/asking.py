"""Asking for operations as the doors do, in a transaction of the right role, without a socket."""

import itertools
import json
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from conftest import Database

from bmuid.config import Secrets
from bmuid.operations.perform import perform
from bmuid.operations.registry import Actor, DatabaseRole, Door, Operation, Role
from bmuid.operations.table import OPERATIONS

SECRETS = Secrets(pepper=b"p" * 32, csrf_key=b"c" * 32, source_key=b"s" * 32)
NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
OWN_ROLE = {
    Door.PUBLIC: DatabaseRole.PUBLIC,
    Door.ADMIN: DatabaseRole.ADMIN,
    Door.USAGE: DatabaseRole.ENGINE,
}
BY_NAME = {(door, row.name): row for row in OPERATIONS for door in row.doors}


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: whether it was done, and the body, also octet by octet."""

    done: bool
    body: dict[str, Any]
    octets: bytes

    @property
    def code(self) -> str:
        """Of a refusal."""
        return "" if self.done else self.body["code"]


@dataclass(slots=True)
class Asking:
    """One who asks at a database; *name*: in the audit, and of a source its code."""

    database: Database
    now: datetime = NOW
    name: str = ""
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    def staff(self, name: str, /, role: Role = Role.ADMIN, **texts: str) -> Answered:
        """Ask at the admin door."""
        return self.ask(Door.ADMIN, name, role, texts)

    def customer(self, name: str, /, **texts: str) -> Answered:
        """Ask at the public door; a token goes with the texts."""
        return self.ask(Door.PUBLIC, name, Role.VISITOR, texts)

    def ask(self, door: Door, name: str, role: Role, texts: dict[str, str]) -> Answered:
        """Perform the operation of that name; `from_` stands for "from"."""
        return self.perform(BY_NAME[door, name], door, role, texts)

    def perform(
        self, operation: Operation, door: Door, role: Role, texts: dict[str, str]
    ) -> Answered:
        """Perform an operation in a transaction of its database role, at a foreign door of the door's own."""
        database_role = operation.database_role if door in operation.doors else OWN_ROLE[door]
        actor = Actor(
            name=self.name or f"{role.value.lower()} of the test",
            door=door,
            roles=frozenset({role}),
            request_id=f"{next(self.numbers):016x}",
            secrets=SECRETS,
        )
        texts = {name.removesuffix("_"): text for name, text in texts.items()}
        with (
            closing(self.database.connect(database_role.value)) as connection,
            connection,
            connection.cursor() as txn,
        ):
            answer = perform(txn, operation, actor, texts, self.now)
        return Answered(answer.done, json.loads(answer.body), answer.body)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser, and give its rows."""
        with (
            closing(self.database.connect("postgres")) as connection,
            connection,
            connection.cursor() as txn,
        ):
            txn.execute("SET search_path TO bmu")
            txn.execute(statement)
            return txn.fetchall() if txn.description else []
