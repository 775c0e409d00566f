"""Every operation of a customer, with a session in every state it can be in; and nothing beside the table."""

import importlib
import pkgutil
from dataclasses import dataclass
from datetime import datetime

import pytest
from asking import BY_NAME, NOW, SECRETS, Asking
from conftest import Database
from two_customers import ADA, BERT, furnish

import bmuid.operations
from bmuid.operations.csrf import csrf_of
from bmuid.operations.grammar import Text
from bmuid.operations.registry import (
    Actor,
    Audit,
    DatabaseRole,
    Door,
    Operation,
    Refused,
    Role,
    argument,
    forms,
)
from bmuid.operations.table import OPERATIONS
from bmuid.store.transaction import Transaction

# How a session can be: what is done to it, and the token that is shown then.
STATES = {
    "logged out": ("UPDATE session SET ended = true", ADA.token),
    "left alone for a quarter of an hour": (
        "UPDATE session SET seen_at = clock_timestamp() - interval '15 minutes 1 second'",
        ADA.token,
    ),
    "of yesterday": (
        """
        UPDATE session SET created_at = clock_timestamp() - interval '13 hours',
            ends_at = clock_timestamp() - interval '1 second'
        """,
        ADA.token,
    ),
    "of a barred login": ("UPDATE login SET disabled = true", ADA.token),
    "never opened": ("SELECT 1", "x" * 43),
    "cut short": ("SELECT 1", ADA.token[:-1]),
    "in other letters": ("SELECT 1", ADA.token.upper()),
    "twice": ("SELECT 1", ADA.token * 2),
    "none": ("SELECT 1", ""),
    "its own hash": ("SELECT 1", "\\x00"),
}
CUSTOMERS = tuple(row for row in OPERATIONS if Role.CUSTOMER in row.roles)


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database with two customers."""
    furnish(database)
    return Asking(database)


def rest_of(operation: Operation) -> dict[str, str]:
    """Give what the operation can't do without; what it is does not matter here."""
    return {form.name: "1-1" for form in forms(operation) if form.required}


@pytest.mark.parametrize("state", STATES)
def test_only_a_live_session_opens_an_operation(asking: Asking, state: str) -> None:
    """Whatever a session's end was, none of the customer's pages opens with it any more."""
    statement, token = STATES[state]
    asking.sql(statement)
    for operation in CUSTOMERS:
        texts = {**rest_of(operation), "token": token, "csrf": csrf_of(SECRETS, token)}
        answer = asking.perform(operation, Door.PUBLIC, Role.VISITOR, texts)
        assert answer.code == "SESSION_ENDED", operation.name


def test_no_role_of_the_door_stands_in_for_a_session(asking: Asking) -> None:
    """A web host that calls itself customer, clerk or administrator gains nothing by it."""
    for operation in CUSTOMERS:
        for role in Role:
            answer = asking.perform(operation, Door.PUBLIC, role, rest_of(operation))
            assert answer.code == "SESSION_ENDED", (operation.name, role)


def test_a_change_needs_the_proof_of_its_own_session(asking: Asking) -> None:
    """A form of another site, or of another customer, changes nothing; the try is on record."""
    changes = [row for row in CUSTOMERS if row.audit is Audit.CHANGE]
    assert changes
    for operation in changes:
        for proof in ("", "x", csrf_of(SECRETS, BERT.token), csrf_of(SECRETS, ADA.token)[:-1]):
            texts = {"token": ADA.token, "csrf": proof}
            assert asking.perform(operation, Door.PUBLIC, Role.VISITOR, texts).code == "BAD_CSRF"
    noted = asking.sql("SELECT DISTINCT actor, operation FROM audit WHERE outcome = 'BAD_CSRF'")
    assert sorted(noted) == sorted((f"account {ADA.id}", row.name) for row in changes)


def test_the_proof_on_a_page_is_the_one_its_forms_need(asking: Asking) -> None:
    """What a page was given with its last answer logs its customer out."""
    page = asking.customer("invoice_list", token=ADA.token).body
    closed = asking.customer("login_close", token=ADA.token, csrf=page["csrf"])
    assert (closed.done, closed.body) == (True, {})
    assert asking.customer("invoice_list", token=ADA.token).code == "SESSION_ENDED"


def test_code_without_a_row_can_not_be_asked_for() -> None:
    """Whatever operation is written down in a module stands in the table, once for each door, and can be called."""
    written: list[Operation] = []
    for found in pkgutil.iter_modules(bmuid.operations.__path__):
        module = importlib.import_module(f"bmuid.operations.{found.name}")
        if found.name != "table":
            written += getattr(module, "OPERATIONS", ())
    assert {id(row) for row in written} == {id(row) for row in OPERATIONS}
    assert len(BY_NAME) == sum(len(row.doors) for row in OPERATIONS) == len(OPERATIONS)
    for row in OPERATIONS:
        assert row.roles, row.name
        assert row.summary, row.name
        assert "_" in row.name, row.name
        assert callable(row.run), row.name


@dataclass(frozen=True, slots=True)
class Named:
    """A name, and a secret that nobody may read in the audit."""

    name: str = argument(Text(20), "a name")
    word: str | None = argument(Text(20), "a secret word", optional=True, secret=True)
    paper: str | None = argument(
        Text(1000, lines=True), "a document", optional=True, from_file=True
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """How often it was done."""

    times: int


class Counter:
    """An operation of the test, that counts how often it was really run."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(
        self, txn: Transaction, actor: Actor, arguments: Named, now: datetime
    ) -> Counted | Refused:
        """Count, or refuse."""
        assert (txn.closed, actor.door, now) == (False, Door.ADMIN, NOW)
        self.times += 1
        return Refused("TOO_LATE", "too late") if arguments.name == "late" else Counted(self.times)

    def row(self, *, keyed: bool = False, fresh: bool = False) -> Operation:
        """Give its row of a table."""
        return Operation(
            name="test_count",
            summary="Count",
            arguments=Named,
            result=Counted,
            doors=frozenset({Door.ADMIN}),
            roles=frozenset({Role.ADMIN}),
            database_role=DatabaseRole.ADMIN,
            run=self,
            audit=Audit.CHANGE,
            keyed=keyed,
            fresh=fresh,
        )


def count(asking: Asking, row: Operation, **texts: str) -> object:
    """Ask for the counting operation as an administrator; the count, or the refusal's code."""
    answer = asking.perform(row, Door.ADMIN, Role.ADMIN, texts)
    return answer.body["times"] if answer.done else answer.code


def test_a_request_with_a_key_is_done_once(database: Database) -> None:
    """Asked again because the answer was lost, it is answered as the first time, and not done again."""
    asking, counter = Asking(database), Counter()
    row = counter.row(keyed=True)
    assert count(asking, row, name="a", key="k" * 8) == 1
    assert count(asking, row, name="a", key="k" * 8) == 1
    assert count(asking, row, name="b", key="k" * 8) == "KEY_REUSED"
    assert count(asking, row, name="a", key="l" * 8) == 2
    assert counter.times == 2
    assert asking.sql("SELECT count(*) FROM audit") == [(2,)]


def test_a_refused_request_may_be_asked_again_with_its_key(database: Database) -> None:
    """What was refused was not done; the key is free for another try."""
    asking, counter = Asking(database), Counter()
    row = counter.row(keyed=True)
    assert count(asking, row, name="late", key="k" * 8) == "TOO_LATE"
    assert count(asking, row, name="in time", key="k" * 8) == 2


@pytest.mark.parametrize("key", ["", "short", "k" * 129, "with space", "é" * 8])
def test_a_key_has_a_shape(database: Database, key: str) -> None:
    """A key that could be confused with another is refused before anything is done."""
    counter = Counter()
    assert count(Asking(database), counter.row(keyed=True), name="a", key=key) == "BAD_ARGUMENT"
    assert counter.times == 0


def test_an_operation_without_keys_takes_none(database: Database) -> None:
    """Nobody is left in the belief that a repeat is harmless where it is not."""
    counter = Counter()
    assert count(Asking(database), counter.row(), name="a", key="k" * 8) == "BAD_ARGUMENT"
    assert counter.times == 0


def test_an_operation_that_needs_a_second_factor_is_refused_without(database: Database) -> None:
    """As long as nobody can show one, nobody gets there."""
    counter = Counter()
    assert count(Asking(database), counter.row(fresh=True), name="a") == "FRESH_NEEDED"
    assert counter.times == 0


def test_the_audit_names_what_was_asked_but_no_secret(database: Database) -> None:
    """Who did what to what can be read for ever; passwords and whole documents can't."""
    asking, counter = Asking(database), Counter()
    count(asking, counter.row(), name="a", word="sesame", paper="long\nstory\n")
    count(asking, counter.row(), name="late")
    rows = asking.sql("SELECT actor, operation, outcome, object, detail FROM audit ORDER BY seq")
    assert [row[:4] for row in rows] == [
        ("admin of the test", "test_count", "DONE", "a"),
        ("admin of the test", "test_count", "TOO_LATE", "late"),
    ]
    assert "sesame" not in str(rows)
    assert "story" not in str(rows)
    assert "11 characters, SHA-256 " in rows[0][4]


def test_every_wrong_argument_is_named_at_once(database: Database) -> None:
    """A form with three slips is sent back once, not three times."""
    answer = Asking(database).perform(
        Counter().row(), Door.ADMIN, Role.ADMIN, {"word": "\u202e", "nmae": "x", "token": "t"}
    )
    assert answer.code == "BAD_ARGUMENT"
    assert [fault.split(":")[0] for fault in answer.body["text"].split("; ")] == [
        "nmae", "token", "name", "word",
    ]  # fmt: skip
