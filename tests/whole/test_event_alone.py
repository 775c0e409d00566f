"""A call told of alone, at a real usage door: charged once, whatever becomes of the server or of the door on its short way."""

import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import usage_world as world
from conftest import Database
from daemons import PublicClient, Site
from usage_doors import installed, leaf, rows, serving, told

from bmuid import pki

CUSTOMERS = 40
CALLS_MAX = 1000
LOOKS_MAX = 10_000
# The short way's connection has a statement of its own, and so has what waits for a lock there.
SHORT = "usename = 'bmuid' AND query LIKE '%EXECUTE \"write charge%'"
WAITS = "query LIKE '%EXECUTE \"take one\"%' AND wait_event_type = 'Lock'"
CHARGED = "SELECT count(*), sum(quantity), count(DISTINCT line_no) FROM charge"
# Each second of the month's ten minutes is drawn once, and the stream counts what it has.
SOUND = """
    SELECT (SELECT balance FROM bucket) = 600 - (SELECT sum(rounded - billable) FROM charge),
        (SELECT balance FROM bucket) = (SELECT sum(quantity) FROM draw),
        new = (SELECT count(*) FROM usage_event), new = (SELECT count(*) FROM usage_key), new = (SELECT count(*) FROM charge)
    FROM usage_file_part
"""


@pytest.fixture
def site(database: Database, short_path: Path) -> Site:
    """Give an installation whose switch may tell of usage in real time."""
    return installed(database, short_path, CUSTOMERS)


@pytest.fixture
def switch(site: Site) -> pki.Leaf:
    """Give the switch's certificate."""
    return leaf(site, world.SOURCE)


def go_short(client: PublicClient, database: Database, name: str = "call") -> int:
    """Tell of calls until one went the short way; give how many."""
    for number in range(1, CALLS_MAX):
        done, body = client.ask("usage_rate", **told(f"{name} {number}", 1, 1))
        assert (done, body["state"]) == (True, "RATED")
        if rows(database, f"SELECT 1 FROM pg_stat_activity WHERE {SHORT}"):
            return number
    raise AssertionError("no call goes the short way")


@contextmanager
def held(database: Database) -> Iterator[None]:
    """Hold the customers' allowances, as a rating worker does."""
    with closing(database.connect("postgres")) as worker, worker.cursor() as txn:
        txn.execute("SELECT FROM bmu.bucket FOR UPDATE")
        yield


def await_lock(database: Database) -> None:
    """Return once an event waits for what is held."""
    for _ in range(LOOKS_MAX):
        if rows(database, f"SELECT 1 FROM pg_stat_activity WHERE {WAITS}"):
            return
    raise AssertionError("no call waits")


def test_the_server_may_close_its_connections(
    site: Site, switch: pki.Leaf, database: Database
) -> None:
    """As when it was started anew: the next call is charged as ever, and soon goes the short way again."""
    with serving(site, switch) as door, door.connect() as client:
        told_of = go_short(client, database)
        rows(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bmuid'",
        )
        again = client.ask("usage_rate", **told("call 1", 1, 1))
        told_of += go_short(client, database, "later")

    assert again[0]
    assert rows(database, CHARGED) == [(told_of, told_of, told_of)]
    assert rows(database, SOUND) == [(True,) * 5]


def test_a_call_that_loses_its_connection_half_way_is_charged_once(
    site: Site, switch: pki.Leaf, database: Database
) -> None:
    """Waiting for an allowance that another works with: the server ends it, the door does it again, the switch hears no word of it."""
    answers: list[tuple[bool, dict[str, object]]] = []
    with serving(site, switch) as door, door.connect() as client:
        told_of = go_short(client, database)
        with held(database):
            call = told("the call", 1, 100)
            telling = threading.Thread(
                target=lambda: answers.append(client.ask("usage_rate", **call))
            )
            telling.start()
            await_lock(database)
            rows(database, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {WAITS}")
        telling.join()
        again = client.ask("usage_rate", **call)

    assert (answers[0][0], answers[0][1]["included"]) == (True, 100)
    assert again == answers[0]
    assert rows(database, CHARGED) == [(told_of + 1, told_of + 100, told_of + 1)]
    assert rows(database, SOUND) == [(True,) * 5]


def test_the_door_stands_open_while_a_call_waits(
    site: Site, switch: pki.Leaf, database: Database
) -> None:
    """Another switch comes in, shows its certificate and is greeted, while a call waits for an allowance."""
    answers: list[tuple[bool, dict[str, object]]] = []
    with serving(site, switch) as door, door.connect() as client:
        go_short(client, database)
        with held(database):
            telling = threading.Thread(
                target=lambda: answers.append(client.ask("usage_rate", **told("the call", 1, 100)))
            )
            telling.start()
            await_lock(database)
            with door.connect() as other:
                greeting = other.connection.recv(6)
        telling.join()

    assert greeting == b"BMU 1\n"
    assert answers[0][1]["state"] == "RATED"


def test_a_door_that_is_killed_half_way_leaves_nothing_behind(
    site: Site, switch: pki.Leaf, database: Database
) -> None:
    """The switch asks the next door again, and the call is charged once."""
    with serving(site, switch) as door, door.connect() as client:
        told_of = go_short(client, database)
        with held(database):
            client.send(
                b"00000000000000aa usage_rate class=voice destination=442079460999 event=the%%20call quantity=100"
                b" started_at=2026-08-03T11%%3A00%%3A00Z uid=%b\n" % world.number_of(1).encode()
            )
            await_lock(database)
            door.daemon.signal(signal.SIGKILL)
            door.daemon.wait()
    with serving(site, switch) as door:
        done, body = door.ask("usage_rate", **told("the call", 1, 100))

    assert (done, body["included"]) == (True, 100)
    assert rows(database, CHARGED) == [(told_of + 1, told_of + 100, told_of + 1)]
    assert rows(database, SOUND) == [(True,) * 5]
