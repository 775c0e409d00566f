"""Two customers with usage, charges, an allowance, an invoice and a login each; all of one's values are canaries."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg2.extensions
from conftest import Database
from usage_world import found

FIRST_CALL = datetime(2026, 8, 3, 11, tzinfo=UTC)
CALLS = 3
PASSWORD_OF_NOBODY = "$argon2id$v=19$m=47104,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43


@dataclass(frozen=True, slots=True)
class Customer:
    """One of the two; *id* is that of account, service, UID, bucket, invoice and journal; UDRs count up from it."""

    id: int
    number: str
    name: str
    uid: str
    called: str
    invoice: str
    amount_e11: int
    token: str

    @property
    def canaries(self) -> tuple[str, ...]:
        """What nobody else may ever be shown, in the forms it may be written."""
        return (
            str(self.id)[:8],
            self.number,
            self.name,
            self.uid,
            self.called,
            self.invoice,
            str(self.amount_e11)[:8],
            self.token,
            hashlib.sha256(self.token.encode()).hexdigest(),
        )


ADA = Customer(
    id=4100000000000,
    number="A41",
    name="Ada c0ffee11",
    uid="447700900041",
    called="442079460041",
    invoice="INV-41-c0ffee",
    amount_e11=4141414100,
    token="ada-" + "a" * 39,
)
BERT = Customer(
    id=7700000000000,
    number="B77",
    name="Bert deadbeef",
    uid="447700900077",
    called="442079460077",
    invoice="INV-77-deadbeef",
    amount_e11=7777777700,
    token="bert-" + "b" * 38,
)


def furnish(database: Database) -> None:
    """Make the company and both customers, as the superuser."""
    connection = database.connect("postgres")
    found(connection, 0)
    with connection, connection.cursor() as txn:
        txn.execute(
            """
            SET search_path TO bmu;
            SELECT ensure_day(date '2026-08-01'), ensure_day(date '2026-08-03'), ensure_day(date '2026-07-31');
            INSERT INTO usage_file (source_id, sha256, name, octets, lines, parts, revision, profile, time_zone,
                country_code, trunk_prefix, international_prefix)
                SELECT id, sha256('calls'), 'calls.csv', 5, 6, 1, 1, profile, time_zone, country_code, trunk_prefix,
                    international_prefix FROM source;
            INSERT INTO usage_file_part (file_id, part) VALUES (1, 0);
            INSERT INTO bill_run (as_of, actor) VALUES ('2026-09-01', 'test');
            INSERT INTO ledger_account (kind, currency) VALUES ('REVENUE_USAGE', 'GBP'), ('TAX', 'GBP');
            """
        )
        for customer in (ADA, BERT):
            _account(txn, customer)
            _usage(txn, customer)
            _invoice(txn, customer)
            _session(txn, customer)
    connection.close()


def _account(txn: psycopg2.extensions.cursor, customer: Customer) -> None:
    txn.execute(
        """
        INSERT INTO account (id, number, name, currency, country, time_zone) OVERRIDING SYSTEM VALUE
            VALUES (%(id)s, %(number)s, %(name)s, 'GBP', 'GB', 'Europe/London');
        INSERT INTO account_service (id, account_id, package, during) OVERRIDING SYSTEM VALUE
            VALUES (%(id)s, %(id)s, 'PACKAGE', tstzrange('2026-08-01 00:00+01', NULL));
        INSERT INTO uid_history (id, uid_type, value, account_id, account_service_id, during, since)
            OVERRIDING SYSTEM VALUE
            VALUES (%(id)s, 'phone', %(uid)s, %(id)s, %(id)s, tstzrange('2026-08-01 00:00+01', NULL), 1);
        INSERT INTO bucket (account_id, id, account_service_id, code, during, unit, granted) OVERRIDING SYSTEM VALUE
            VALUES (%(id)s, %(id)s, %(id)s, 'MINUTES', tstzrange('2026-08-01 00:00+01', '2026-09-01 00:00+01'), 'TIME', 600);
        """,
        {"id": customer.id, "number": customer.number, "name": customer.name, "uid": customer.uid},
    )


def _usage(txn: psycopg2.extensions.cursor, customer: Customer) -> None:
    """Three calls of 120 seconds, 20 of each from the allowance; the second was charged twice, the first time wrongly."""
    for number in range(1, CALLS + 1):
        call = {
            "id": customer.id,
            "at": FIRST_CALL + timedelta(minutes=number),
            "udr": customer.id + number,
            "amount": customer.amount_e11 + number,
            "tax": customer.amount_e11 // 5,
        }
        record = {
            "file": 1,
            "line": number if customer is ADA else CALLS + number,
            "uid": customer.id,
            "origin": customer.uid,
            "called": customer.called,
        }
        for version in (1, 2) if number == 2 else (1,):
            txn.execute(
                """
                INSERT INTO charge (account_id, started_at, udr_id, version, replaces, account_service_id, rated_at,
                    revision, usage_class_id, plan_level, rate_plan_id, rate_group_id, rate_id, location_pattern_id,
                    tax_id, quantity, rounded, billable, rated_e11, amount_e11, tax_e11, currency, file_id, line_no,
                    uid_id, origin, destination)
                    VALUES (%(id)s, %(at)s, %(udr)s, %(version)s, nullif(%(version)s - 1, 0), %(id)s, %(at)s,
                    1, 1, 3, 1, 1, 1, 1, 1, 120, 120, 100, %(amount)s, %(amount)s, %(tax)s, 'GBP', %(file)s, %(line)s,
                    %(uid)s, %(origin)s, %(called)s);
                INSERT INTO draw (account_id, started_at, bucket_id, kind, udr_id, version, quantity)
                    VALUES (%(id)s, %(at)s, %(id)s, 'DRAW', %(udr)s, %(version)s, -20);
                """,
                {
                    **call,
                    **(record if version == 1 else dict.fromkeys(record)),
                    "version": version,
                },
            )
            if (number, version) == (2, 1):
                txn.execute(
                    """
                    INSERT INTO charge_reversal (account_id, started_at, udr_id, version, reason)
                        VALUES (%(id)s, %(at)s, %(udr)s, 1, 'rated again');
                    INSERT INTO draw (account_id, started_at, bucket_id, kind, udr_id, version, quantity)
                        VALUES (%(id)s, %(at)s, %(id)s, 'RETURN', %(udr)s, 1, 20);
                    """,
                    call,
                )


def _invoice(txn: psycopg2.extensions.cursor, customer: Customer) -> None:
    """August, with the first call on it: 10.00 and 2.00 tax."""
    txn.execute(
        """
        INSERT INTO ledger_account (kind, account_id, currency) VALUES ('RECEIVABLE', %(id)s, 'GBP');
        INSERT INTO journal (id, idempotency_key, kind, posted_on) OVERRIDING SYSTEM VALUE
            VALUES (%(id)s, 'invoice ' || %(invoice)s, 'INVOICE', '2026-09-01');
        INSERT INTO posting (journal_id, line_no, ledger_account_id, currency, amount_minor)
            SELECT %(id)s, line_no, l.id, 'GBP', amount FROM ledger_account AS l JOIN (VALUES
                (1, 'RECEIVABLE', 1200), (2, 'REVENUE_USAGE', -1000), (3, 'TAX', -200)) AS p (line_no, kind, amount)
            USING (kind) WHERE coalesce(l.account_id, %(id)s) = %(id)s;
        INSERT INTO invoice (account_id, id, number, during, bill_run_id, journal_id, issued_at, issued_on, due_on,
            currency, net_minor, tax_minor, total_minor, customer_name) OVERRIDING SYSTEM VALUE
            VALUES (%(id)s, %(id)s, %(invoice)s, tstzrange('2026-08-01 00:00+01', '2026-09-01 00:00+01'), 1, %(id)s,
            '2026-09-01 06:00+01', '2026-09-01', '2026-09-15', 'GBP', 1000, 200, 1200, %(name)s);
        INSERT INTO invoice_line (account_id, invoice_id, line_no, kind, description, account_service_id, events, unit,
            quantity, included, tax_code, tax_ppm, during, amount_e11, amount_minor) VALUES
            (%(id)s, %(id)s, 1, 'USAGE', %(name)s || ': calls', %(id)s, 1, 'TIME', 120, 20, 'VAT', 200000,
                tstzrange('2026-08-01 00:00+01', '2026-09-01 00:00+01'), 1000000000000, 1000),
            (%(id)s, %(id)s, 2, 'TAX', 'VAT 20%%', NULL, NULL, NULL, NULL, NULL, 'VAT', 200000,
                tstzrange('2026-08-01 00:00+01', '2026-09-01 00:00+01'), 200000000000, 200);
        INSERT INTO invoice_charge (account_id, started_at, udr_id, version, invoice_id, line_no)
            VALUES (%(id)s, %(at)s, %(udr)s, 1, %(id)s, 1);
        """,
        {
            "id": customer.id,
            "invoice": customer.invoice,
            "name": customer.name,
            "at": FIRST_CALL + timedelta(minutes=1),
            "udr": customer.id + 1,
        },
    )


def _session(txn: psycopg2.extensions.cursor, customer: Customer) -> None:
    txn.execute(
        """
        INSERT INTO login (account_id, name, password) VALUES (%(id)s, lower(%(name)s), %(password)s);
        INSERT INTO session (token_hash, login_id, account_id, created_at, seen_at, ends_at)
            SELECT sha256(convert_to(%(token)s, 'UTF8')), id, account_id, clock_timestamp(), clock_timestamp(),
                clock_timestamp() + interval '12 hours' FROM login WHERE account_id = %(id)s;
        """,
        {
            "id": customer.id,
            "name": customer.name,
            "password": PASSWORD_OF_NOBODY,
            "token": customer.token,
        },
    )
