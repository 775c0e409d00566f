"""A company's books to bill from: accounts and charges put by hand, runs carried out, questions asked."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from conftest import Database
from psycopg2.extensions import connection as Connection  # noqa: N812

from bmuid import billrun

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
PENCE_E11 = 10**9


@dataclass(frozen=True, slots=True)
class Books:
    """A company with a catalogue, and hands to put usage and ask questions."""

    database: Database
    connection: Connection

    def ask(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Give the rows of a query, as the superuser sees them."""
        with (
            closing(self.database.connect("postgres")) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, values)
            return cursor.fetchall()

    def do(self, statement: str, *values: object, **named: object) -> None:
        """Change something, as the superuser may."""
        with (
            closing(self.database.connect("postgres")) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, named or values)

    def account(
        self,
        number: str,
        *,
        bill_day: int = 1,
        held: str = "[2026-08-01 00:00+01,)",
        package: str = "home",
    ) -> int:
        """Add an account with one service."""
        self.do(
            "INSERT INTO account (number, name, currency, country, time_zone, bill_day)"
            " VALUES (%s, %s, 'GBP', 'GB', 'Europe/London', %s)",
            number, f"Customer {number}", bill_day,
        )  # fmt: skip
        [(account_id,)] = self.ask("SELECT id FROM account WHERE number = %s", number)
        assert isinstance(account_id, int)
        self.do(
            "INSERT INTO account_service (account_id, package, during) VALUES (%s, %s, %s::tstzrange)",
            account_id, package, held,
        )  # fmt: skip
        return account_id

    def open(self) -> None:
        """Sell "home" for 12.50 a month plus 20 % tax."""
        self.do(
            """
            INSERT INTO revision (at, actor, note) VALUES ('2026-07-01', 'test', 'first');
            INSERT INTO usage_class (code, name, unit, rater, since) VALUES ('voice', 'Calls', 'TIME', 'GEOTREE', 1);
            INSERT INTO location (code, name, since) VALUES ('UK-MOB', 'UK mobile', 1);
            INSERT INTO location_pattern (code, location, since) VALUES ('447', 'UK-MOB', 1);
            INSERT INTO tax (code, name, rate_ppm, valid, since) VALUES ('VAT', 'VAT 20 %', 200000, '[2011-01-04,)', 1);
            INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types, since)
                VALUES ('home', 'Home', 1250, 'GBP', 'MONTH', 'p', 'VAT', '{}', 1)
            """.replace("%", "%%")
        )

    def charge(
        self,
        account_id: int,
        started: str,
        amount_e11: int,
        *,
        seconds: int = 60,
        detail: Mapping[str, object] | None = None,
        **ids: int | None,
    ) -> None:
        """Put one rated call of the account's first service; *ids* (of rate, tax, class) are 1 where they are not given."""
        self.do("SELECT ensure_day((%s::timestamptz AT TIME ZONE 'UTC')::date)", started)
        self.do(
            """
            WITH s AS (SELECT min(id) AS id FROM account_service WHERE account_id = %(account)s),
            n AS (SELECT nextval('udr_block') AS id)
            INSERT INTO charge (account_id, started_at, udr_id, version, account_service_id, rated_at, revision,
                usage_class_id, plan_level, rate_plan_id, rate_group_id, rate_id, location_pattern_id, tax_id, quantity,
                rounded, billable, rated_e11, amount_e11, tax_e11, currency, detail, file_id, line_no, uid_id, origin,
                destination)
            SELECT %(account)s, %(started)s, n.id, 1, s.id,
                now(), 1, %(class)s, 3, 1, 1, %(rate)s, CASE %(class)s WHEN 1 THEN 1 END, %(tax)s,
                %(seconds)s, %(seconds)s, %(seconds)s, %(amount)s, %(amount)s, %(amount)s / 5, 'GBP', %(detail)s,
                1, 1, 1, '4420', '4470' FROM s, n
            """,
            account=account_id, started=started, seconds=seconds, **{"class": ids.get("usage_class_id", 1)}, rate=ids.get("rate_id", 1), tax=ids.get("tax_id", 1), amount=amount_e11, detail=json.dumps(detail) if detail else None,
        )  # fmt: skip

    def file_worked(self, oldest_day: str) -> None:
        """Put a file that was worked just now, and whose oldest call is of that day."""
        self.do(
            """
            INSERT INTO source (code, name, profile, time_zone, country_code, trunk_prefix, international_prefix)
                VALUES ('pbx', 'PBX', 'p', 'UTC', '44', '0', '00');
            INSERT INTO usage_file (source_id, sha256, name, octets, lines, parts, revision, profile, time_zone,
                country_code, trunk_prefix, international_prefix)
                SELECT id, sha256('x'), 'x', 1, 0, 1, 1, profile, time_zone, country_code, trunk_prefix,
                    international_prefix FROM source;
            INSERT INTO usage_file_part (file_id, part, oldest_day) SELECT max(id), 0, %s FROM usage_file
            """,
            oldest_day,
        )

    def run(self, as_of: str) -> None:
        """Order a run and carry it out."""
        self.do("INSERT INTO bill_run (as_of, actor) VALUES (%s, 'test')", as_of)
        while billrun.step(self.connection, NOW):
            pass
