"""A made-up company of any size, and its call records: the same for the same seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import psycopg2.extensions

FIRST = datetime(2026, 8, 1, tzinfo=UTC)
DAYS = 31
HOME = "44"
PLANS = 4
COUNTRIES = (
    "1", "7", "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "45", "46", "47",
    "48", "49", "51", "52", "54", "55", "56", "57", "60", "61", "62", "63", "64", "65", "66", "81", "82",
    "84", "86", "90", "91", "92", "94", "98", "212", "213", "216", "221", "233", "234", "254", "351", "352",
    "353", "354", "356", "357", "358", "359", "370", "371", "372", "380", "385", "386", "420", "421", "852",
    "880", "886", "961", "962", "965", "966", "971", "972", "973", "974",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything there is; as many UIDs and services as accounts."""

    records: int
    accounts: int
    prefixes: int


def patterns(size: Size, chance: random.Random) -> dict[str, str]:
    """Give the number patterns with their locations: each country, and deeper and deeper places in it."""
    found = {HOME: HOME} | {country: country for country in COUNTRIES}
    grown = list(found)
    while len(found) < size.prefixes:
        base = grown[chance.randrange(len(grown))]
        digits = base + str(chance.randrange(1000)).zfill(3)[: chance.randint(1, 3)]
        if len(digits) <= 10 and digits not in found:
            # A quarter of the longer patterns are places of their own, such as a mobile network.
            place = digits if chance.randrange(3) == 0 and len(digits) <= 6 else found[base]
            found[digits] = place
            grown.append(digits)
    return found


def load(connection: psycopg2.extensions.connection, size: Size, seed: int) -> dict[str, str]:
    """Fill an empty database, as its superuser; give the patterns."""
    chance = random.Random(seed)
    found = patterns(size, chance)
    places = sorted(set(found.values()), key=lambda place: (len(place), place))
    with connection, connection.cursor() as txn:
        txn.execute("SET search_path TO bmu")
        txn.execute(
            "INSERT INTO company (name, currency, time_zone, country) VALUES ('B', 'GBP', 'Europe/London', 'GB')"
        )
        txn.execute("INSERT INTO revision (actor, note) VALUES ('benchmark', 'all')")
        txn.execute(
            """
            INSERT INTO usage_class (code, name, unit, rater, since) VALUES ('voice', 'Calls', 'TIME', 'GEOTREE', 1);
            INSERT INTO time_period (code, name, zone, windows, since) VALUES
                ('PEAK', 'Peak', 'Europe/London', '{Mon-Fri 08:00-19:00}', 1),
                ('OFFPEAK', 'Off-peak', 'Europe/London', '{Mon-Fri 00:00-08:00,Mon-Fri 19:00-24:00,Sat-Sun 00:00-24:00}', 1);
            INSERT INTO rounding (code, minimum, increment, since) VALUES ('SEC', 1, 1, 1), ('MIN', 60, 60, 1), ('30-6', 30, 6, 1);
            INSERT INTO tax (code, name, rate_ppm, valid, since) VALUES ('VAT', 'VAT', 200000, '[2000-01-01,)', 1);
            """
        )
        _copy(txn, "location (code, name, parent, since)", _locations(places, found))
        _copy(
            txn,
            "location_pattern (code, location, since)",
            (f"{digits}\t{place}\t1" for digits, place in found.items()),
        )
        for plan in range(PLANS):
            _add_plan(txn, plan, places, chance)
        _add_accounts(txn, size)
    with connection.cursor() as txn:
        connection.autocommit = True
        txn.execute("ANALYZE")
        connection.autocommit = False
    return found


def _locations(places: list[str], found: dict[str, str]) -> Iterator[str]:
    for place in places:
        above = next(
            (found[place[:n]] for n in range(len(place) - 1, 0, -1) if place[:n] in found), "\\N"
        )
        yield f"{place}\tPlace {place}\t{above}\t1"


def _add_plan(
    txn: psycopg2.extensions.cursor, plan: int, places: list[str], chance: random.Random
) -> None:
    values = {
        "plan": f"P{plan}",
        "peak": f"P{plan}-PEAK",
        "off": f"P{plan}-OFF",
        "locations": [HOME],
        "bucket": f"B{plan}",
        "quantity": 600 * (plan + 1),
        "package": f"K{plan}",
    }
    txn.execute(
        """
        INSERT INTO rate_plan (code, name, currency, places, rounding_mode, rate_groups, since)
            VALUES (%(plan)s, %(plan)s, 'GBP', 4, 'HALF_EVEN', ARRAY[%(peak)s, %(off)s], 1);
        INSERT INTO rate_group (code, name, time_period, valid, since) VALUES
            (%(peak)s, 'Peak', 'PEAK', '(,)', 1), (%(off)s, 'Off-peak', 'OFFPEAK', '(,)', 1);
        INSERT INTO bucket_type (code, name, unit, quantity, recurrence, usage_classes, locations, since)
            VALUES (%(bucket)s, 'Minutes', 'TIME', %(quantity)s, 'MONTH', '{voice}', %(locations)s, 1);
        INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types, since)
            VALUES (%(package)s, %(package)s, 1000, 'GBP', 'MONTH', %(plan)s, 'VAT', ARRAY[%(bucket)s], 1);
        """,
        values,
    )
    rates = []
    for group in (values["peak"], values["off"]):
        for place in places:
            price = chance.randrange(1, 500) * 10**7
            rates.append(
                f"{group}/voice/{place}\t{group}\tvoice\t{place}\t{chance.choice(('SEC', 'MIN', '30-6'))}\tSTANDARD\t{price}\t60\t1"
            )
    _copy(
        txn,
        "rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per, since)",
        iter(rates),
    )


def _add_accounts(txn: psycopg2.extensions.cursor, size: Size) -> None:
    txn.execute(
        """
        INSERT INTO account (number, name, currency, country, time_zone)
            SELECT 'A' || n, 'Customer ' || n, 'GBP', 'GB', 'Europe/London' FROM generate_series(1, %(n)s) AS n;
        INSERT INTO account_service (account_id, package, during)
            SELECT id, 'K' || id %% %(plans)s, '[2026-01-01,)' FROM account ORDER BY id;
        INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)
            SELECT 'phone', '4477' || lpad((id * 7919 %% 100000000)::text, 8, '0'), account_id, id, during, 1 FROM account_service ORDER BY id;
        """,
        {"n": size.accounts, "plans": PLANS},
    )


def _copy(txn: psycopg2.extensions.cursor, table: str, rows: Iterator[str]) -> None:
    txn.copy_expert(f"COPY {table} FROM STDIN", StringIO("\n".join(rows) + "\n"))


def write_calls(path: Path, size: Size, found: dict[str, str], seed: int) -> None:
    """Write the call records, as Asterisk does, in the order in which the calls ended."""
    chance = random.Random(seed + 1)
    span = DAYS * 86400
    ends = sorted(chance.randrange(span) for _ in range(size.records))
    home = [digits for digits in found if digits.startswith(HOME)]
    away = list(found)
    local = _local_texts()
    with path.open("w", encoding="ascii", newline="") as file:
        for number, end in enumerate(ends):
            account = int(size.accounts * chance.random() ** 1.5) + 1
            uid = f"4477{account * 7919 % 100000000:08d}"
            prefix = chance.choice(home) if chance.randrange(100) < 45 else chance.choice(away)
            called = prefix + str(chance.randrange(10**9)).zfill(9)[: max(2, 12 - len(prefix))]
            seconds = 1 + int(chance.expovariate(1 / 120))
            ring = chance.randrange(2, 20)
            answered = max(0, end - seconds)
            started = max(0, answered - ring)
            file.write(
                f'"A{account}","+{uid}","+{called}","outbound","""Customer {account}"" <+{uid}>",'
                f'"PJSIP/a{account}-{number:08x}","PJSIP/carrier-a-{number:08x}","Dial","PJSIP/+{called}@carrier-a,60,T",'
                f'"{local(started)}","{local(answered)}","{local(answered + seconds)}",{seconds + ring},{seconds},'
                f'"ANSWERED","DOCUMENTATION","{int(FIRST.timestamp()) + started}.{seed % 1000}{number:08d}",""\n'
            )


def _local_texts():  # type: ignore[no-untyped-def]
    """Give the function from seconds since FIRST to the switch's local time (London, summer)."""
    days = [(FIRST + timedelta(days=day)).strftime("%Y-%m-%d") for day in range(DAYS + 2)]

    def text(second: int) -> str:
        day, rest = divmod(second + 3600, 86400)
        return f"{days[day]} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"

    return text
