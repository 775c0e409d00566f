"""The claim that keeps a second daemon from a database."""

from contextlib import closing

import psycopg2
import pytest
from conftest import Database, execute_as_superuser

from bmuid.store.claim import Claim


def end_connections(database: Database) -> None:
    """End every connection to the database, as a restart of the server does."""
    execute_as_superuser(
        database.cluster,
        "postgres",
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database.name}'",
    )


def test_one_holds_it_and_others_wait(database: Database) -> None:
    """The second is refused until the first gives up; another part of the program has a claim of its own."""
    first, second, other = (
        Claim(database.dsn("bmuid"), name) for name in ("doors", "doors", "intake")
    )
    assert [first.hold(), first.hold(), second.hold(), other.hold()] == [True, True, False, True]
    first.release()
    assert second.hold()
    for claim in (second, other):
        claim.release()
        claim.release()


def test_a_claim_is_taken_again_after_a_restart_of_the_server(database: Database) -> None:
    """The connection is gone, and with it the claim; whoever comes first has it."""
    first, second = (Claim(database.dsn("bmuid"), "doors") for _ in range(2))
    assert first.hold()
    end_connections(database)
    assert first.hold()
    end_connections(database)
    assert second.hold()
    assert not first.hold()
    second.release()
    assert first.hold()
    first.release()


def test_a_database_that_is_away_says_nothing_of_the_claim(database: Database) -> None:
    """While nobody can look, nobody is told that another has it."""
    claim = Claim(database.dsn("bmuid"), "doors")
    assert claim.hold()
    execute_as_superuser(
        database.cluster, "postgres", f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false"
    )
    end_connections(database)
    with pytest.raises(psycopg2.OperationalError):
        claim.hold()
    execute_as_superuser(
        database.cluster, "postgres", f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true"
    )
    assert claim.hold()
    claim.release()


def test_a_claim_is_of_one_database(database: Database) -> None:
    """Another company on the same server is none of its business."""
    name = f"{database.name}_other"
    execute_as_superuser(database.cluster, "postgres", f"CREATE DATABASE {name}")
    other = Database(database.cluster, name)
    try:
        here, there = (Claim(each.dsn("postgres"), "doors") for each in (database, other))
        with closing(database.connect()):
            assert here.hold()
            assert there.hold()
        here.release()
        there.release()
    finally:
        execute_as_superuser(database.cluster, "postgres", f"DROP DATABASE {name}")
