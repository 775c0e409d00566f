"""A small company for tests of intake: its catalogue, customers and switch, and what the switch writes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg2.extensions

SOURCE = "pbx"
LONDON = ZoneInfo("Europe/London")
MONDAY_NOON = datetime(2026, 8, 3, 11, tzinfo=UTC)
# What the bucket of each customer holds for a month, in seconds, and which calls may draw from it.
ALLOWANCE = 600
HOME, AWAY, UNPRICED = "442079460999", "33199001234", "881600000001"
PRICES = {"44": 6, "33": 60}  # pence a minute


def found(connection: psycopg2.extensions.connection, customers: int) -> None:
    """Found the company, as its superuser: customers 1..n, each with one number and one allowance."""
    with connection, connection.cursor() as txn:
        txn.execute(
            """
            SET search_path TO bmu;
            INSERT INTO company (name, currency, time_zone, country) VALUES ('Small Ltd', 'GBP', 'Europe/London', 'GB');
            INSERT INTO revision (actor, note) VALUES ('test', 'all of it');
            INSERT INTO usage_class (code, name, unit, rater, since) VALUES ('voice', 'Calls', 'TIME', 'GEOTREE', 1);
            INSERT INTO location (code, name, since) VALUES ('44', 'Home', 1), ('33', 'Away', 1), ('881', 'Satellite', 1);
            INSERT INTO location_pattern (code, location, since) VALUES ('44', '44', 1), ('33', '33', 1), ('881', '881', 1);
            INSERT INTO rounding (code, minimum, increment, since) VALUES ('SEC', 1, 1, 1);
            INSERT INTO rate_plan (code, name, currency, places, rounding_mode, rate_groups, since)
                VALUES ('PLAN', 'Plan', 'GBP', 4, 'HALF_UP', '{ALL}', 1);
            INSERT INTO rate_group (code, name, valid, since) VALUES ('ALL', 'All', '(,)', 1);
            INSERT INTO tax (code, name, rate_ppm, valid, since) VALUES ('VAT', 'VAT', 200000, '[2000-01-01,)', 1);
            INSERT INTO bucket_type (code, name, unit, quantity, recurrence, usage_classes, locations, since)
                VALUES ('MINUTES', 'Ten minutes', 'TIME', %(allowance)s, 'MONTH', '{voice}', '{44}', 1);
            INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types, since)
                VALUES ('PACKAGE', 'Package', 1000, 'GBP', 'MONTH', 'PLAN', 'VAT', '{MINUTES}', 1);
            INSERT INTO account (number, name, currency, country, time_zone)
                SELECT 'A' || n, 'Customer ' || n, 'GBP', 'GB', 'Europe/London' FROM generate_series(1, %(customers)s) AS n;
            INSERT INTO account_service (account_id, package, during) SELECT id, 'PACKAGE', '[2000-01-01,)' FROM account ORDER BY id;
            INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)
                SELECT 'phone', 44770090000 + account_id, account_id, id, during, 1 FROM account_service;
            """,
            {"allowance": ALLOWANCE, "customers": customers},
        )
        for place, pence in PRICES.items():
            txn.execute(
                "INSERT INTO rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per, since)"
                " VALUES (%(code)s, 'ALL', 'voice', %(place)s, 'SEC', 'STANDARD', %(price)s, 60, 1)",
                {"code": f"ALL/voice/{place}", "place": place, "price": pence * 10**9},
            )
        txn.execute(
            "INSERT INTO source (code, name, profile, time_zone, country_code, trunk_prefix, international_prefix)"
            " VALUES (%(code)s, 'Switch', 'asterisk-master-csv', 'Europe/London', '44', '0', '00')",
            {"code": SOURCE},
        )


def number_of(customer: int) -> str:
    """Give the telephone number of a customer."""
    return str(44770090000 + customer)


def call(
    unique: str,
    customer: int,
    called: str = HOME,
    seconds: int = 60,
    answered: datetime = MONDAY_NOON,
    disposition: str = "ANSWERED",
) -> str:
    """Give the line that the switch writes for one call."""
    start, answer, end = (
        f"{each.astimezone(LONDON):%Y-%m-%d %H:%M:%S}"
        for each in (answered, answered, answered + timedelta(seconds=seconds))
    )
    number = number_of(customer)
    return (
        f'"A{customer}","+{number}","+{called}","outbound","""Customer {customer}"" <+{number}>",'
        f'"PJSIP/a-1","PJSIP/b-2","Dial","PJSIP/+{called}@b,60,T","{start}","{answer}","{end}",'
        f'{seconds},{seconds},"{disposition}","DOCUMENTATION","{unique}",""'
    )


def put(spool: Path, name: str, lines: Sequence[str], source: str = SOURCE) -> Path:
    """Have the switch hand in a file, as it must: written under another name, then renamed."""
    arriving = spool / source / "in"
    arriving.mkdir(parents=True, exist_ok=True)
    (spool / source / "taking").mkdir(exist_ok=True)
    (spool / source / "work").mkdir(exist_ok=True)
    (spool / source / "done").mkdir(exist_ok=True)
    (arriving / f".{name}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return (arriving / f".{name}").rename(arriving / name)
