"""RADIUS sessions from FreeRADIUS's own client to charges: each octet once, whatever comes twice, late or never."""

import select
import subprocess
from collections.abc import Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest
import usage_world as world
from asking import Asking
from conftest import Database
from daemons import SECONDS_MAX, Site, make_site, running

SECRET = "a shared secret, long"
SOURCE = "bras"
BEGAN = int(world.MONDAY_NOON.timestamp())
GIGAWORD = 2**32
READY = files("bmu.mediation") / "ready"
SERVICE = """
    INSERT INTO usage_class (code, name, unit, rater, since) SELECT code, code, 'DATA', 'CLASS', 1
        FROM unnest('{data,data-upload,data-download}'::text[]) AS code;
    INSERT INTO rate (code, rate_group, usage_class, rounding, kind, price_e11, per, since)
        SELECT 'ALL/' || code, 'ALL', code, 'SEC', 'STANDARD', 100000000000, 1000000000, 1
        FROM unnest('{data,data-upload,data-download}'::text[]) AS code;
    INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)
        SELECT 'login', 'alice@isp.example', account_id, id, during, 1 FROM account_service ORDER BY id LIMIT 1;
    INSERT INTO source (code, name, profile, time_zone, country_code, trunk_prefix, international_prefix)
        VALUES ('bras', 'Access', 'bras-sessions', 'Europe/London', '44', '0', '00')
"""


@pytest.fixture
def site(database: Database, short_path: Path) -> Site:
    """Give an installation of a small provider that takes RADIUS accounting from this host, and hands it in each second."""
    site = make_site(short_path, database.dsn("bmuid").replace(" user=bmuid", ""))
    secret = short_path / "radius.secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    client = {"network": "127.0.0.0/8", "source": SOURCE, "secret_file": "radius.secret"}
    site.write(**{"radius": {"port": 0, "file_seconds_max": 1}, "radius.clients.here": client})
    with closing(database.connect("postgres")) as connection:
        world.found(connection, 2)
        with connection, connection.cursor() as txn:
            txn.execute(SERVICE)
    return site


def load(database: Database, ready: str) -> None:
    """Load a ready profile under a name of the provider's own."""
    document = (READY / f"{ready}.toml").read_text().replace(f'"{ready}"', '"bras-sessions"', 1)
    loaded = Asking(database).staff("profile_load", document=document)
    assert loaded.done, loaded.body


def told(kind: str, session: str, seconds: int, octets: tuple[int, int] = (0, 0)) -> str:
    """Give a request as radclient reads it: octets received from, and sent to, the customer."""
    attributes = {
        "Acct-Status-Type": kind,
        "Acct-Session-Id": f'"{session}"',
        "User-Name": '"alice@isp.example"',
        "NAS-Identifier": '"bras-1"',
        "Framed-IP-Address": "198.51.100.7",
        "Acct-Session-Time": str(seconds),
        "Event-Timestamp": str(BEGAN + seconds),
    }
    for way, figure in zip(("Input", "Output"), octets, strict=True):
        attributes[f"Acct-{way}-Octets"] = str(figure % GIGAWORD)
        attributes[f"Acct-{way}-Gigawords"] = str(figure // GIGAWORD)
    return ", ".join(f"{name} = {text}" for name, text in attributes.items())


def send(address: str, requests: Sequence[str]) -> None:
    """Have radclient send them; each is answered."""
    done = subprocess.run(
        ["radclient", "-x", "-p", "1", address, "acct", SECRET],
        input="\n\n".join(requests), capture_output=True, text=True, timeout=SECONDS_MAX,
    )  # fmt: skip
    assert done.stdout.count("Received Accounting-Response") == len(requests), done


def wait_for(database: Database, charges: int) -> list[tuple[str, int]]:
    """Wait until there are so many charges; give class and quantity of each."""
    with closing(database.connect("postgres")) as watching:
        watching.autocommit = True
        txn = watching.cursor()
        txn.execute("SET search_path TO bmu; LISTEN bmu_done")
        while True:
            txn.execute(
                "SELECT c.code, u.quantity FROM udr AS u JOIN usage_class AS c ON c.id = u.usage_class_id ORDER BY 1, 2"
            )
            found = txn.fetchall()
            if len(found) >= charges:
                return found
            assert select.select([watching], [], [], SECONDS_MAX)[0], found
            watching.poll()


def test_a_session_is_charged_once_by_its_octets(site: Site, database: Database) -> None:
    """Start, interims beyond 4 GiB, one of them twice, a late one after the stop: one charge of what the stop counted."""
    load(database, "radius-accounting")
    requests = [
        told("Start", "2A", 0),
        told("Interim-Update", "2A", 600, (GIGAWORD - 1, 7)),
        told("Interim-Update", "2A", 600, (GIGAWORD - 1, 7)),
        told("Stop", "2A", 1800, (3 * GIGAWORD + 5, 2 * GIGAWORD)),
        told("Interim-Update", "2A", 1200, (GIGAWORD + 3, 9)),
    ]
    with running(site) as daemon:
        # The receivers are a process beside the others, and tell of themselves.
        send(str(daemon.event("bmuid serves")["radius"]), requests)
        found = wait_for(database, 1)
    assert found == [("data", 5 * GIGAWORD + 5)]
    [(amount,)] = Asking(database).sql("SELECT amount_e11 FROM charge")
    assert amount == 2_147_480_000_000  # 21.4748 at one a gigabyte


def test_a_switch_that_begins_again_ends_its_sessions(site: Site, database: Database) -> None:
    """The stop was lost with the power: Accounting-On says so, and what the last interim counted is charged, up and down apart."""
    load(database, "radius-accounting-split")
    on = f'Acct-Status-Type = Accounting-On, NAS-Identifier = "bras-1", Event-Timestamp = {BEGAN + 900}'
    requests = [told("Start", "2B", 0), told("Interim-Update", "2B", 600, (100, 7)), on]
    with running(site) as daemon:
        # The receivers are a process beside the others, and tell of themselves.
        send(str(daemon.event("bmuid serves")["radius"]), requests)
        found = wait_for(database, 2)
    assert found == [("data-download", 7), ("data-upload", 100)]
