"""Whoever holds the rating service's role can't make usage or money wrong: the database refuses it."""

import random
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import psycopg2.extensions
import pytest
from conftest import Database
from two_customers import ADA, BERT, FIRST_CALL, furnish

AT = "'2026-08-03 11:01:00+00'"
CHARGE = (
    "INSERT INTO {table} (account_id, started_at, udr_id, version, replaces, account_service_id, rated_at, revision,"
    " usage_class_id, plan_level, rate_plan_id, rate_group_id, rate_id, tax_id, quantity, rounded, billable,"
    " rated_e11, amount_e11, tax_e11, currency, file_id, line_no, uid_id, origin, destination, extras)"
    " VALUES ({account}, {at}, {udr}, {version}, {replaces}, {account}, now(), 1, 1, 3, 1, 1, 1, 1,"
    " {quantity}, {rounded}, {billable}, 5, 5, 1, 'GBP', {file}, {line}, {uid}, {origin}, {destination}, {extras})"
)
DRAW = (
    "INSERT INTO {table} (account_id, started_at, bucket_id, kind, udr_id, version, quantity)"
    " VALUES ({account}, {at}, {bucket}, '{kind}', {udr}, {version}, {quantity})"
)


# What a first charge says of its usage, and a later one does not.
USAGE = {"file": 1, "line": 9, "uid": ADA.id, "origin": "'4420'", "destination": "'4470'"}
FIRST = {"version": 1, "replaces": "NULL", "at": "'2026-08-03 11:09:00+00'", "udr": ADA.id + 50}


def charge(**changes: object) -> str:
    """Give the statement that charges Ada's first call again, with changes."""
    values = {
        "table": "charge",
        "account": ADA.id,
        "at": AT,
        "udr": ADA.id + 1,
        "version": 2,
        "replaces": 1,
        "quantity": 1,
        "rounded": 1,
        "billable": 1,
        **dict.fromkeys(USAGE, "NULL"),
        "extras": "NULL",
    }
    return CHARGE.format(**(values | changes))


def draw(**changes: object) -> str:
    """Give the statement that draws from Ada's allowance, with changes."""
    values = {
        "table": "draw",
        "account": ADA.id,
        "at": AT,
        "bucket": ADA.id,
        "kind": "DRAW",
        "udr": ADA.id + 1,
        "version": 9,
        "quantity": -1,
    }
    return DRAW.format(**(values | changes))


def journal(key: str, *postings: tuple[int, str, str, str]) -> str:
    """Give the statements of a journal with postings of line, ledger account, currency, amount."""
    return (
        f"INSERT INTO journal (idempotency_key, kind, posted_on) VALUES ('{key}', 'INVOICE', '2026-09-01');"
        + "".join(
            "INSERT INTO posting (journal_id, line_no, ledger_account_id, currency, amount_minor)"
            f" SELECT max(id), {line}, {account}, '{currency}', {amount} FROM journal WHERE idempotency_key = '{key}';"
            for line, account, currency, amount in postings
        )
    )


# Ledger accounts of the world: 1 usage revenue, 2 tax, 3 Ada's and 4 Bert's receivable.
BALANCED = ((1, "3", "GBP", "100"), (2, "1", "GBP", "-100"))
LATER = (
    "INSERT INTO posting (journal_id, line_no, ledger_account_id, currency, amount_minor)"
    " SELECT max(id), 9, 1, 'GBP', {amount} FROM journal WHERE idempotency_key = 'k-12345678'"
)
NEW_INVOICE = (
    "INSERT INTO invoice (account_id, number, during, bill_run_id, issued_at, issued_on, due_on, currency, net_minor,"
    " tax_minor, total_minor, customer_name) VALUES ({account}, '{number}', '{during}', 1, now(), '2026-10-01',"
    " '2026-10-15', '{currency}', {net}, {tax}, {total}, 'x')"
)
SEPTEMBER = "[2026-08-31 23:00+00,2026-09-30 23:00+00)"


def invoice(**changes: object) -> str:
    """Give the statement that issues an empty invoice of September for Ada, with changes."""
    values = {
        "account": ADA.id,
        "number": "X-1",
        "during": SEPTEMBER,
        "currency": "GBP",
        "net": 0,
        "tax": 0,
        "total": 0,
    }
    return NEW_INVOICE.format(**(values | changes))


LEDGER = {
    "an unbalanced journal": journal("k-12345678", (1, "3", "GBP", "100"), (2, "1", "GBP", "-99")),
    "a journal of one posting": journal("k-12345678", (1, "3", "GBP", "100")),
    "a journal of none": journal("k-12345678"),
    "pounds against euros": journal("k-12345678", (1, "3", "GBP", "100"), (2, "1", "EUR", "-100")),
    "a posting in a currency that the account is not in": journal(
        "k-12345678", (1, "3", "EUR", "100"), (2, "1", "EUR", "-100")
    ),
    "postings of nothing": journal("k-12345678", (1, "3", "GBP", "0"), (2, "1", "GBP", "0")),
    "fractions of a penny": journal("k-12345678", (1, "3", "GBP", "0.4"), (2, "1", "GBP", "-0.4")),
    "what is no number": journal("k-12345678", (1, "3", "GBP", "'NaN'"), (2, "1", "GBP", "'NaN'")),
    "infinite amounts": journal(
        "k-12345678", (1, "3", "GBP", "'Infinity'"), (2, "1", "GBP", "'-Infinity'")
    ),
    "amounts beyond all": journal("k-12345678", (1, "3", "GBP", "1e21"), (2, "1", "GBP", "-1e21")),
    "a key that was used": journal(f"invoice {ADA.invoice}", *BALANCED),
    "an account that is not there": journal(
        "k-12345678", (1, "99", "GBP", "1"), (2, "1", "GBP", "-1")
    ),
    "a line added to an old journal": (
        "INSERT INTO posting (journal_id, line_no, ledger_account_id, currency, amount_minor)"
        f" VALUES ({ADA.id}, 4, 3, 'GBP', 5), ({ADA.id}, 5, 1, 'GBP', -5)"
    ),
    "a line with a transaction's number supplied": (
        "INSERT INTO posting (journal_id, line_no, ledger_account_id, currency, amount_minor, xid, at)"
        f" SELECT id, 9, 3, 'GBP', 5, xid, at FROM journal WHERE id = {ADA.id}"
    ),
    "a journal with a transaction's number supplied": (
        "INSERT INTO journal (idempotency_key, kind, posted_on, xid)"
        " VALUES ('k-12345678', 'INVOICE', '2026-09-01', '1')"
    ),
    "a line after an early check": (
        journal("k-12345678", *BALANCED)
        + "SET CONSTRAINTS ALL IMMEDIATE;"
        + LATER.format(amount=5)
    ),
    "a line after an early check, deferred again": (
        journal("k-12345678", *BALANCED)
        + "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;"
        + LATER.format(amount=5)
    ),
    "a second reversal of a journal": (
        "INSERT INTO journal (idempotency_key, kind, posted_on, reverses)"
        f" VALUES ('k-1234567a', 'REVERSAL', '2026-09-01', {ADA.id}), ('k-1234567b', 'REVERSAL', '2026-09-01', {ADA.id})"
    ),
    "a revenue account of a customer's": (
        f"INSERT INTO ledger_account (kind, account_id, currency) VALUES ('TAX', {ADA.id}, 'GBP')"
    ),
    "a second receivable": (
        f"INSERT INTO ledger_account (kind, account_id, currency) VALUES ('RECEIVABLE', {ADA.id}, 'GBP')"
    ),
}
AFTER_REVERSAL = (
    "INSERT INTO charge_reversal (account_id, started_at, udr_id, version, reason)"
    f" VALUES ({ADA.id}, {AT}, {ADA.id + 1}, 1, 'x');"
)
CHARGES = {
    "a second live charge": charge(),
    "a second live charge, straight into its day": charge(table="charge_20260803"),
    "a second first charge": charge(version=1, replaces="NULL", **USAGE),
    "a second first charge, straight into its day": charge(
        table="charge_20260803", version=1, replaces="NULL", **USAGE
    ),
    "a version that replaces nothing": charge(version=2, replaces="NULL"),
    "a version that replaces itself": charge(version=2, replaces=2),
    "a version that skips one": charge(
        udr=ADA.id + 2, at="'2026-08-03 11:02:00+00'", version=4, replaces=3
    ),
    "a version on one that is still live": charge(
        udr=ADA.id + 2, at="'2026-08-03 11:02:00+00'", version=3, replaces=2
    ),
    "version nought": charge(version=0, replaces="NULL"),
    "a charge of a call that was never made": charge(udr=ADA.id + 99, version=1, replaces="NULL"),
    "a charge of such a call, straight into its day": charge(
        table="charge_20260803", udr=ADA.id + 99, version=1, replaces="NULL"
    ),
    "a charge of another's call": charge(
        account=BERT.id, udr=ADA.id + 1, version=1, replaces="NULL"
    ),
    "a version of another's call": charge(
        account=BERT.id, udr=ADA.id + 2, at="'2026-08-03 11:02:00+00'"
    ),
    "a version on another day than its call's": charge(
        udr=ADA.id + 2, at="'2026-08-01 11:02:00+00'"
    ),
    "a charge in the wrong day's partition": charge(
        table="charge_20260801", version=1, replaces="NULL", **USAGE
    ),
    **{
        f"a first charge without its {name}": charge(**FIRST, **(USAGE | {name: "NULL"}))
        for name in USAGE
    },
    **{
        f"a version that tells another {name}": (AFTER_REVERSAL + charge(**{name: value}))
        for name, value in (USAGE | {"extras": "'{}'"}).items()
    },
    "less counted than measured": charge(
        udr=ADA.id + 2, at="'2026-08-03 11:02:00+00'", quantity=5, rounded=4
    ),
    "more billed than counted": charge(udr=ADA.id + 2, at="'2026-08-03 11:02:00+00'", billable=2),
    "a negative bill": charge(udr=ADA.id + 2, at="'2026-08-03 11:02:00+00'", billable=-1),
    "a second reversal": (
        "INSERT INTO charge_reversal (account_id, started_at, udr_id, version, reason)"
        f" VALUES ({ADA.id}, '2026-08-03 11:02:00+00', {ADA.id + 2}, 1, 'x')"
    ),
    "a reversal without a reason": AFTER_REVERSAL.replace("'x'", "''"),
    "a version that reverses another without a reason": (
        "SELECT set_config('bmu.reversed_for', ' ', true);"
        + charge(
            udr=ADA.id + 2,
            at="'2026-08-03 11:02:00+00'",
            table="charge_20260803",
            version=3,
            replaces=2,
        )
    ),
    "a reversal of nothing": (
        "INSERT INTO charge_reversal (account_id, started_at, udr_id, version, reason)"
        f" VALUES ({ADA.id}, {AT}, {ADA.id + 1}, 7, 'x')"
    ),
    "the same call twice": f"INSERT INTO charge SELECT * FROM charge WHERE udr_id = {ADA.id + 1}",
    "usage without a charge": (
        "INSERT INTO udr SELECT account_id, started_at, id + 50, file_id, line_no, account_service_id, uid_id, quantity,"
        f" usage_class_id, origin, destination, extras FROM udr WHERE id = {ADA.id + 1}"
    ),
    "the same event twice": (
        "INSERT INTO usage_key VALUES ('00000000-0000-0000-0000-000000000001', 1, 1, 1),"
        " ('00000000-0000-0000-0000-000000000001', 2, 1, 2)"
    ),
    "a call of negative length": charge(**FIRST, **USAGE, quantity=-1),
    "a day that no usage is of": "SELECT ensure_day('1999-12-31')",
}
BUCKETS = {
    "more than is left": draw(quantity=-541),
    "more than is left, straight into its day": draw(table="draw_20260803", quantity=-541),
    "another customer's allowance": draw(bucket=BERT.id),
    "another customer's allowance, straight into its day": draw(
        table="draw_20260803", bucket=BERT.id
    ),
    "an allowance that is not there": draw(bucket=1),
    "the same draw twice": draw(version=1),
    "a draw that gives": draw(quantity=1),
    "a return that takes": draw(kind="RETURN", quantity=-1),
    "a draw for no call": draw(udr=0),
    "a grant for a call": draw(kind="GRANT", quantity=1),
    "a grant on top": draw(kind="GRANT", quantity=600, udr=0, version=0),
    "more given back than was taken": draw(kind="RETURN", quantity=61),
    "the balance set by hand": f"UPDATE bucket SET balance = 600 WHERE id = {ADA.id}",
    "the balance moved without a draw": f"UPDATE bucket SET moved = 0 WHERE id = {ADA.id}",
    "the grant raised": f"UPDATE bucket SET granted = 6000 WHERE id = {ADA.id}",
    "a bucket born full": (
        "INSERT INTO bucket (account_id, account_service_id, code, during, unit, granted, balance)"
        f" VALUES ({ADA.id}, {ADA.id}, 'MINUTES', '[2027-01-01,2027-02-01)', 'TIME', 600, 600)"
    ),
    "a bucket born with less": (
        "INSERT INTO bucket (account_id, account_service_id, code, during, unit, granted, moved)"
        f" VALUES ({ADA.id}, {ADA.id}, 'MINUTES', '[2027-01-01,2027-02-01)', 'TIME', 600, -60)"
    ),
    "a grant of an allowance that is there, straight into its day": draw(
        table="draw_20260803", kind="GRANT", quantity=600, udr=0, version=0
    ),
    "the same month's allowance again": (
        "INSERT INTO bucket (account_id, account_service_id, code, during, unit, granted)"
        " SELECT account_id, account_service_id, code, during, unit, granted FROM bucket"
    ),
    "an allowance of another's service": (
        "INSERT INTO bucket (account_id, account_service_id, code, during, unit, granted)"
        f" VALUES ({ADA.id}, {BERT.id}, 'MINUTES', '[2027-01-01,2027-02-01)', 'TIME', 600)"
    ),
}
INVOICES = {
    "a second invoice for a period": invoice(during="[2026-08-15 00:00+00,2026-09-15 00:00+00)"),
    "a number that was given": invoice(number=ADA.invoice),
    "an invoice that is not the sum of its lines": invoice(net=100, total=100),
    "a total that is no sum": invoice(net=100, tax=20, total=100),
    "an invoice in another currency": invoice(currency="EUR"),
    "an invoice without an end": invoice(during="[2026-09-01 00:00+00,)"),
    "a charge on two invoices": (
        invoice()
        + ";INSERT INTO invoice_charge (account_id, started_at, udr_id, version, invoice_id, line_no)"
        f" SELECT {ADA.id}, {AT}, {ADA.id + 1}, 1, id, 1 FROM invoice WHERE number = 'X-1'"
    ),
    "a charge on another's invoice": (
        "INSERT INTO invoice_charge (account_id, started_at, udr_id, version, invoice_id, line_no)"
        f" VALUES ({ADA.id}, '2026-08-03 11:03:00+00', {ADA.id + 3}, 1, {BERT.id}, 1)"
    ),
    "a charge that is not there": (
        "INSERT INTO invoice_charge (account_id, started_at, udr_id, version, invoice_id, line_no)"
        f" VALUES ({ADA.id}, '2026-08-03 11:03:00+00', {ADA.id + 3}, 5, {ADA.id}, 1)"
    ),
    "a line added to an issued invoice": (
        "INSERT INTO invoice_line (account_id, invoice_id, line_no, kind, description, during, amount_e11, amount_minor)"
        f" VALUES ({ADA.id}, {ADA.id}, 3, 'USAGE', 'x', '{SEPTEMBER}', 1, 1)"
    ),
    "a line on another's invoice": (
        "INSERT INTO invoice_line (account_id, invoice_id, line_no, kind, description, during, amount_e11, amount_minor)"
        f" VALUES ({ADA.id}, {BERT.id}, 3, 'USAGE', 'x', '{SEPTEMBER}', 0, 0)"
    ),
    "something to pay and nothing posted": (
        invoice(net=100, total=100)
        + ";INSERT INTO invoice_line (account_id, invoice_id, line_no, kind, description, during, amount_e11, amount_minor)"
        f" SELECT {ADA.id}, id, 1, 'USAGE', 'x', '{SEPTEMBER}', 1, 100 FROM invoice WHERE number = 'X-1'"
    ),
    "a gap in the numbers": "INSERT INTO invoice_number VALUES ('2027', 1); UPDATE invoice_number SET last = 3",
    "a number given again": (
        "INSERT INTO invoice_number VALUES ('2027', 1); UPDATE invoice_number SET last = 0"
    ),
    "numbers that start later": "INSERT INTO invoice_number VALUES ('2027', 7)",
}
FILES = {
    "the same file again": (
        "INSERT INTO usage_file (source_id, sha256, name, octets, lines, parts, revision, profile, time_zone,"
        " country_code, trunk_prefix, international_prefix) SELECT source_id, sha256, 'renamed', octets, lines,"
        " parts, revision, profile, time_zone, country_code, trunk_prefix, international_prefix FROM usage_file"
    ),
    "a file closed with a line unaccounted for": (
        "UPDATE usage_file SET state = 'DONE', done_at = now(), new = 3, duplicate = 1, suspended = 1, rejected = 0"
    ),
    "a file closed without counts": "UPDATE usage_file SET state = 'DONE', done_at = now()",
    "a closed file's counts changed": (
        "UPDATE usage_file SET state = 'DONE', done_at = now(), new = 6, duplicate = 0, suspended = 0, rejected = 0;"
        "UPDATE usage_file SET new = 5, duplicate = 1"
    ),
    "a closed file opened again": (
        "UPDATE usage_file SET state = 'DONE', done_at = now(), new = 6, duplicate = 0, suspended = 0, rejected = 0;"
        "UPDATE usage_file SET state = 'OPEN', done_at = NULL, new = NULL, duplicate = NULL, suspended = NULL,"
        " rejected = NULL"
    ),
    "the number of lines corrected": "UPDATE usage_file SET lines = 5",
    "a done part begun again": (
        "UPDATE usage_file_part SET state = 'DONE'; UPDATE usage_file_part SET state = 'OPEN', next_line = 1"
    ),
    "a bill run done again": (
        "UPDATE bill_run SET state = 'DONE', done_at = now(); UPDATE bill_run SET state = 'OPEN', done_at = NULL"
    ),
    "a suspended line without its key": (
        "INSERT INTO verdict (file_id, line_no, verdict, reason, detail, line, at)"
        " VALUES (1, 1, 'SUSPENDED', 'NO_UID', '', '', now())"
    ),
    "a line with two verdicts": (
        "INSERT INTO verdict (file_id, line_no, verdict, reason, detail, line, at) VALUES"
        " (1, 1, 'REJECTED', 'BAD_TIME', '', '', now()), (1, 1, 'REJECTED', 'BAD_TIME', '', '', now())"
    ),
    "a verdict changed": (
        "INSERT INTO verdict (file_id, line_no, verdict, reason, detail, line, at) VALUES"
        " (1, 1, 'REJECTED', 'BAD_TIME', '', '', now()); UPDATE verdict SET line = 'other'"
    ),
    "a rejected line called mended": (
        "INSERT INTO verdict (file_id, line_no, verdict, reason, detail, line, at) VALUES"
        " (1, 1, 'REJECTED', 'BAD_TIME', '', '', now()); UPDATE verdict SET resolved_at = now()"
    ),
}
HISTORY = (
    "udr",
    "charge",
    "charge_reversal",
    "draw",
    "journal",
    "posting",
    "invoice",
    "invoice_line",
    "invoice_charge",
    "invoice_credit",
    "audit",
    "revision",
    "rework",
    "rerating_due",
)
WITHOUT_ACCOUNT = ("journal", "posting", "audit", "revision", "rework", "rerating_due")
REWRITING = {
    f"{verb} {table}": statement.format(
        table=table, column="at" if table in WITHOUT_ACCOUNT else "account_id"
    )
    for table in (
        *HISTORY,
        "charge_20260803",
        "draw_20260803",
        "invoice_charge_20260803",
    )
    for verb, statement in (
        ("update", "UPDATE {table} SET {column} = {column}"),
        ("delete", "DELETE FROM {table}"),
        ("truncate", "TRUNCATE {table} CASCADE"),
    )
    # It is a view: there is nothing to truncate.
    if (verb, table) != ("truncate", "udr")
} | {
    "the owner's role": "SET ROLE bmu_owner",
    "the superuser's role": "SET SESSION AUTHORIZATION postgres",
    "triggers off": "ALTER TABLE posting DISABLE TRIGGER ALL",
    "triggers off by replication": "SET session_replication_role TO replica",
    "a constraint dropped": "ALTER TABLE posting DROP CONSTRAINT posting_amount_minor_check",
    "a table dropped": "DROP TABLE charge_20260803",
    "a partition detached": "ALTER TABLE charge DETACH PARTITION charge_20260803",
    "a function replaced": "CREATE OR REPLACE FUNCTION bmu.journal_balances() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "a function in public": "CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "a shadow of a table": "CREATE TEMP TABLE udr (id bigint)",
    "a file of the server read": "SELECT pg_read_file('PG_VERSION')",
    "a program run": "COPY journal TO PROGRAM 'id'",
    "the audit written by hand": "INSERT INTO audit VALUES (1, now(), 'a', 'd', 'o', 'x', '', '', '', '', '')",
    "passwords read": "SELECT password FROM login",
    "sessions read": "SELECT * FROM session",
    "a session opened": "SELECT session_open(1, sha256('x'), NULL)",
    "a customer entered": f"SELECT enter('{ADA.token}')",
    "prices changed": "UPDATE rate SET price_e11 = 1",
    "prices added": "INSERT INTO rate (code) VALUES ('x')",
    "owners changed": "UPDATE uid_history SET during = '[2020-01-01,)'",
    "the company changed": "UPDATE company SET currency = 'EUR'",
    "an account added": "INSERT INTO account (number) VALUES ('X')",
    "the schema's version changed": "UPDATE schema_version SET version = 2",
}
OF_THE_STAFF = (
    "udr",
    "charge",
    "charge_reversal",
    "bucket",
    "draw",
    "ledger_account",
    "journal",
    "posting",
    "invoice",
    "invoice_line",
    "invoice_charge",
    "invoice_credit",
    "invoice_number",
    "usage_file",
    "usage_file_part",
    "usage_key",
    "verdict",
    "audit",
    "outbox",
    "entered",
    "schema_version",
)


@pytest.fixture
def engine(database: Database) -> Iterator[psycopg2.extensions.connection]:
    """Give a connection of the rating service to a database with two customers."""
    furnish(database)
    with closing(database.connect("bmuid")) as connection:
        yield connection


def outcome(connection: psycopg2.extensions.connection, statements: str) -> str:
    """Run statements as one committed transaction; give the error's state, or "done"."""
    try:
        with connection, connection.cursor() as txn:
            txn.execute(statements)
    except psycopg2.Error as error:
        return error.pgcode or "lost"
    return "done"


def state_of(connection: psycopg2.extensions.connection) -> list[object]:
    """Give all that matters of usage and money."""
    with connection, connection.cursor() as txn:
        seen: list[object] = []
        for table in (
            *HISTORY,
            "bucket",
            "usage_file",
            "usage_file_part",
            "verdict",
            "bill_run",
            "invoice_number",
        ):
            if table != "audit":
                txn.execute(f"SELECT t::text FROM {table} AS t ORDER BY 1")
                seen.append((table, txn.fetchall()))
    return seen


@pytest.mark.parametrize("attacks", [LEDGER, CHARGES, BUCKETS, INVOICES, FILES, REWRITING], ids=[
    "ledger", "charges", "allowances", "invoices", "files", "history",
])  # fmt: skip
def test_the_database_refuses_what_would_be_wrong(
    engine: psycopg2.extensions.connection, attacks: dict[str, str]
) -> None:
    """Each of these is refused, by a rule and not by chance, and leaves usage and money as they were."""
    before = state_of(engine)
    outcomes = {name: outcome(engine, statements) for name, statements in attacks.items()}
    # A rule: keys, checks, exclusions, rights, numbers and days out of range, what is only ever computed; not a slip of
    # this test.
    by_rule = ("23503", "23505", "23514", "23P01", "42501", "22003", "22008", "428C9")

    assert {n: o for n, o in outcomes.items() if not o.startswith(by_rule)} == {}
    assert state_of(engine) == before


def test_what_is_right_is_taken(engine: psycopg2.extensions.connection) -> None:
    """The same statements, without the fault, are accepted: so it is the fault that is refused."""
    right = {
        "a balanced journal": journal("k-12345678", *BALANCED),
        "a reversal": AFTER_REVERSAL,
        "the next version after it": charge(),
        "a version that reverses another, straight into its day": (
            "SELECT set_config('bmu.reversed_for', 'x', true);"
            + charge(
                udr=ADA.id + 2,
                at="'2026-08-03 11:02:00+00'",
                table="charge_20260803",
                version=3,
                replaces=2,
            )
        ),
        "a first charge of new usage": charge(**FIRST, **USAGE),
        "one with fields of the company's own, straight into its day": charge(
            **(FIRST | {"udr": ADA.id + 51}),
            **USAGE,
            extras='\'{"trunk": "7"}\'',
            table="charge_20260803",
        ),
        "a draw": draw(quantity=-540),
        "an empty invoice of a new period": invoice(),
        "the first invoice number, and the next": (
            "INSERT INTO invoice_number VALUES ('2027', 1); UPDATE invoice_number SET last = 2"
        ),
        "a file closed with all its lines": (
            "UPDATE usage_file SET state = 'DONE', done_at = now(), new = 4, duplicate = 1, suspended = 1, rejected = 0"
        ),
    }

    assert {
        name: outcome(engine, statements) for name, statements in right.items()
    } == dict.fromkeys(right, "done")


def test_the_owner_can_not_change_history_by_a_slip(database: Database) -> None:
    """Not even a database administrator's hasty UPDATE or DELETE changes what was charged or issued."""
    furnish(database)
    with closing(database.connect("postgres")) as connection:
        with connection, connection.cursor() as txn:
            txn.execute("SET search_path TO bmu")
        outcomes = {
            name: outcome(connection, f"SET search_path TO bmu; {statements}")
            for name, statements in REWRITING.items()
            if name.startswith(("update ", "delete ", "truncate "))
        }

    assert {name: found for name, found in outcomes.items() if found != "42501"} == {}


def test_a_customers_service_can_not_be_lost_by_a_slip(database: Database) -> None:
    """Allowances lean on their customer's services, so these are ended, never deleted, whoever tries."""
    furnish(database)
    with closing(database.connect("postgres")) as connection:
        outcomes = [
            outcome(connection, f"SET search_path TO bmu; {statement}")
            for statement in ("DELETE FROM account_service", "TRUNCATE account_service CASCADE")
        ]

    assert outcomes == ["42501", "42501"]


def test_a_new_bucket_is_full_and_says_so(engine: psycopg2.extensions.connection) -> None:
    """Whoever makes a bucket finds its grant among the draws, at the start of its period, and the balance is their sum."""
    with engine, engine.cursor() as txn:
        txn.execute("SELECT ensure_day('2027-01-01')")
        txn.execute(
            "INSERT INTO bucket (account_id, account_service_id, code, during, unit, granted)"
            f" VALUES ({ADA.id}, {ADA.id}, 'MINUTES', '[2027-01-01,2027-02-01)', 'TIME', 600) RETURNING id, balance"
        )
        (bucket, balance) = txn.fetchone()
        txn.execute(
            "SELECT kind, quantity, started_at = '2027-01-01', udr_id, version FROM draw WHERE bucket_id = %s",
            (bucket,),
        )
        draws = txn.fetchall()

    assert (balance, draws) == (600, [("GRANT", 600, True, 0, 0)])


def test_a_file_can_not_be_closed_behind_its_lines_back(
    engine: psycopg2.extensions.connection,
) -> None:
    """Lines and verdicts are as many, or the file stays open."""
    counts = [(6, 0, 0, 0), (0, 0, 0, 6), (3, 1, 1, 1), (5, 0, 0, 0), (7, 0, 0, 0), (3, 3, 3, -3)]
    found = []
    for new, duplicate, suspended, rejected in counts:
        with engine.cursor() as txn:
            try:
                txn.execute(
                    "UPDATE usage_file SET state = 'DONE', done_at = now(), new = %s, duplicate = %s, suspended = %s,"
                    " rejected = %s",
                    (new, duplicate, suspended, rejected),
                )
                found.append(True)
            except psycopg2.errors.CheckViolation:
                found.append(False)
        engine.rollback()

    assert found == [True, True, True, False, False, False]


def test_the_staffs_role_touches_neither_usage_nor_money(database: Database) -> None:
    """Whoever has the admin door's rights can change customers and prices, but no call, charge, posting or invoice."""
    with closing(database.connect("postgres")) as connection, connection.cursor() as txn:
        txn.execute(
            """
            SELECT t.name, p.privilege FROM unnest(%(tables)s) AS t (name)
            CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p (privilege)
            WHERE has_table_privilege('bmuid_admin', 'bmu.' || t.name, p.privilege)
            OR (p.privilege IN ('INSERT', 'UPDATE')
                AND has_any_column_privilege('bmuid_admin', 'bmu.' || t.name, p.privilege))
            """,
            {"tables": list(OF_THE_STAFF)},
        )
        granted = txn.fetchall()
        txn.execute(
            "SELECT has_column_privilege('bmuid_admin', 'bmu.login', 'password', 'SELECT'),"
            " has_column_privilege('bmuid_admin', 'bmu.session', 'token_hash', 'SELECT')"
        )
        secrets = txn.fetchone()

    assert (granted, secrets) == ([], (False, False))


def test_no_role_of_the_service_owns_anything(database: Database) -> None:
    """Each part of the program has just the rights it uses: none owns a table, and none is a superuser."""
    with closing(database.connect("postgres")) as connection, connection.cursor() as txn:
        txn.execute(
            "SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) LIKE 'bmuid%'"
            " UNION ALL SELECT proname FROM pg_proc WHERE pg_get_userbyid(proowner) LIKE 'bmuid%'"
        )
        owned = txn.fetchall()
        txn.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'bmu%' AND (rolsuper OR rolbypassrls OR rolcreatedb"
            " OR rolcreaterole OR rolreplication)"
        )
        mighty = txn.fetchall()
        txn.execute(
            "SELECT m.rolname FROM pg_auth_members JOIN pg_roles AS m ON m.oid = member WHERE m.rolname LIKE 'bmu%'"
        )
        members = txn.fetchall()

    assert (owned, mighty, members) == ([], [], [])


def test_whatever_races_a_call_is_charged_once(database: Database) -> None:
    """Four workers rate the same calls again and again at random: each call has one live charge at the end, at most."""
    furnish(database)
    refused: list[str] = []
    committed: list[int] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        with closing(database.connect("bmuid")) as connection:
            for _ in range(60):
                number = chance.randint(1, 3)
                values = {
                    "account": ADA.id,
                    "at": FIRST_CALL.replace(minute=number),
                    "udr": ADA.id + number,
                }
                found = _rate_again(connection, values)
                (committed if found == "done" else refused).append(found)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(database.connect("bmuid")) as connection, connection.cursor() as txn:
        txn.execute(
            """
            SELECT count(*) FILTER (WHERE r.version IS NULL), count(*) FROM charge AS c
            LEFT JOIN charge_reversal AS r USING (account_id, started_at, udr_id, version)
            WHERE account_id = %(account)s GROUP BY udr_id
            """,
            {"account": ADA.id},
        )
        live = txn.fetchall()

    assert [count for count, _ in live] == [1, 1, 1]
    assert sum(versions for _, versions in live) == len(committed) + 4
    assert set(refused) <= {"23505", "23503", "40P01"}


def _rate_again(connection: psycopg2.extensions.connection, values: dict[str, object]) -> str:
    """Reverse the newest charge and make the next version, without looking whether others do the same."""
    try:
        with connection, connection.cursor() as txn:
            txn.execute(
                "SELECT max(version) FROM charge WHERE account_id = %(account)s AND started_at = %(at)s"
                " AND udr_id = %(udr)s",
                values,
            )
            (version,) = txn.fetchone()
            values = {**values, "version": version}
            txn.execute(
                "INSERT INTO charge_reversal (account_id, started_at, udr_id, version, reason)"
                " VALUES (%(account)s, %(at)s, %(udr)s, %(version)s, 'again')",
                values,
            )
            txn.execute(
                """
                INSERT INTO charge (account_id, started_at, udr_id, version, replaces, account_service_id, rated_at,
                    revision, usage_class_id, plan_level, rate_plan_id, rate_group_id, rate_id, location_pattern_id,
                    tax_id, quantity, rounded, billable, rated_e11, amount_e11, tax_e11, currency)
                SELECT account_id, started_at, udr_id, version + 1, version, account_service_id, now(), revision,
                    usage_class_id, plan_level, rate_plan_id, rate_group_id, rate_id, location_pattern_id, tax_id,
                    quantity, rounded, billable, rated_e11, amount_e11, tax_e11, currency FROM charge
                WHERE account_id = %(account)s AND started_at = %(at)s AND udr_id = %(udr)s AND version = %(version)s
                """,
                values,
            )
    except psycopg2.Error as error:
        return error.pgcode or "lost"
    return "done"
