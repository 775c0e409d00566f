"""Batches of usage by HTTPS through a real daemon: taken once, told of row by row, whoever sends them how often."""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import usage_world as world
from asking import Asking
from batching import Sender, batch_settings, sender
from conftest import ROOT, Database, execute_as_superuser
from daemons import SECONDS_MAX, Running, Site, make_site, refused_start, running

from bmuid import pki, signing
from bmuid.config import load
from bmuid.store import source_keys
from bmuid.store.source_keys import KeyKind, NewKey

LINES = [
    world.call("1.1", 1, seconds=120),
    world.call("1.2", 2, world.UNPRICED),
    world.call("1.3", 1, disposition="NO ANSWER"),
    "no call at all",
]
BODY = "".join(f"{line}\n" for line in LINES).encode()
KEY_ID = "00112233445566aa"


@pytest.fixture
def site(database: Database, short_path: Path) -> Site:
    """Give an installation of a small company, that takes batches; its switch has a key for signing."""
    site = make_site(short_path, database.dsn("bmuid").replace(" user=bmuid", ""))
    site.write(batch=batch_settings(site, requests_a_second=10_000))
    with closing(database.connect("postgres")) as connection:
        world.found(connection, 2)
        with connection, connection.cursor() as txn:
            key = NewKey(KEY_ID, world.SOURCE, KeyKind.HMAC, "", None, None, "test")
            assert source_keys.add(txn, key)
    return site


def secret(site: Site) -> tuple[str, bytes]:
    """Give what the switch was told when its key was made."""
    return KEY_ID, signing.secret_of(load(site.conf).secrets.source_key, world.SOURCE, KEY_ID)


@contextmanager
def receiving(site: Site, *words: str) -> Iterator[tuple[Running, Sender]]:
    """Run receivers, or what the words say; give a switch that signs, too."""
    with running(site, *(words or ("--only", "receiving"))) as daemon:
        sends = sender(daemon, site, world.SOURCE, key=secret(site))
        try:
            yield daemon, sends
        finally:
            sends.close()


def arrived(site: Site) -> list[bytes]:
    """Give the files that lie in the spool of the switch, wherever."""
    folder = site.directory / "spool" / world.SOURCE
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def example(site: Site, daemon: Running, *options: str) -> subprocess.CompletedProcess[str]:
    """Send the batch with the shipped example."""
    (site.directory / "secret.hex").write_text(secret(site)[1].hex())
    (site.directory / "calls.csv").write_bytes(BODY)
    address = next(str(event["batch"]) for event in daemon.events if "batch" in event)
    command = [
        sys.executable, str(ROOT / "examples/batch/send.py"), f"https://{address}", world.SOURCE, KEY_ID,
        "secret.hex", "calls.csv", "text/csv", *options,
    ]  # fmt: skip
    return subprocess.run(
        command, cwd=site.directory, capture_output=True, text=True, timeout=SECONDS_MAX
    )


def test_a_batch_is_rated_and_each_row_is_told_of(site: Site) -> None:
    """Sent with the shipped example: what was charged, what waits, what was no call; and the same again is the same."""
    trusting = ("--ca", str(site.authority.certificate))
    with running(site) as whole, running(site, "--only", "receiving") as daemon:
        stranger = example(site, daemon)
        said = [example(site, daemon, *trusting) for _ in range(2)]
        assert whole.process.poll() is None
    assert stranger.returncode == 1
    assert stranger.stderr.count("\n") == 1
    assert "not trusted" in stranger.stderr
    assert "--ca FILE" in stranger.stderr
    assert [one.returncode for one in said] == [0, 0]
    assert said[0].stdout == said[1].stdout, said
    lines = said[0].stdout.splitlines()
    assert lines[0].startswith("taken: 4 rows, tracking ")
    assert lines[1] == "DONE: {'new': 1, 'duplicate': 0, 'suspended': 1, 'rejected': 2}"
    assert [line[: line.index(":", 8)] for line in lines[2:]] == [
        "row 2: SUSPENDED NO_RATE",
        "row 3: REJECTED FILTERED",
        "row 4: REJECTED MALFORMED_LINE",
    ]


def test_a_batch_that_is_held_is_told_with_its_reason(site: Site, database: Database) -> None:
    """More lines than the source may send a day: the example says so and fails, as a script of the source has to know."""
    statement = "UPDATE bmu.source SET lines_a_day_max = 1"
    execute_as_superuser(database.cluster, database.name, statement)
    trusting = ("--ca", str(site.authority.certificate))
    with running(site), running(site, "--only", "receiving") as daemon:
        said = example(site, daemon, *trusting)
    assert said.returncode == 1
    assert said.stdout.splitlines()[1].startswith("HELD: ")
    assert said.stderr.startswith("held, until somebody has looked at it: ")
    assert "lines_a_day_max" in said.stderr or "a day" in said.stderr


def test_the_same_key_gives_the_same_answer_for_ever(site: Site) -> None:
    """Sent again, also after a restart: the same tracking id, one file. Another body under the key is refused."""
    with receiving(site) as (_, switch):
        first = switch.send(BODY, "monday-1")
        again = switch.send(BODY, "monday-1")
        other = switch.send(BODY + b"x\n", "monday-1")
    with receiving(site) as (_, switch):
        later = switch.send(BODY, "monday-1")
        status = switch.status(first.body["tracking"])
    assert first.status == again.status == later.status == 202
    assert first.body == again.body == later.body
    assert other.status == 422
    assert other.code == "key_reused"
    assert arrived(site) == [BODY]
    assert (status.body["state"], status.body["rows"], status.body["verdicts"]) == (
        "WAITING",
        4,
        [],
    )


def test_what_a_crash_cut_off_is_settled_by_sending_it_again(
    site: Site, database: Database
) -> None:
    """The key was claimed, the file never came to be: the same batch sent again puts it there."""
    with receiving(site) as (_, switch):
        first = switch.send(BODY, "monday-1")
        [file] = (site.directory / "spool" / world.SOURCE / "in").iterdir()
        file.unlink()
        again = switch.send(BODY, "monday-1")
    assert again.body == first.body
    assert arrived(site) == [BODY]
    assert Asking(database).sql("SELECT count(*) FROM source_batch") == [(1,)]


@pytest.mark.parametrize("away", [-600, 600])
def test_a_wrong_clock_is_told_so(site: Site, away: int) -> None:
    """Ten minutes off is refused, with what to do."""
    with receiving(site) as (_, switch):
        switch.away = away
        refused = switch.send(BODY, "monday-1")
        switch.away = away // 3
        assert switch.send(BODY, "monday-1").status == 202
    assert refused.status == 401
    assert re.search("(59|60)[0-9] seconds", refused.body["detail"])


def test_who_is_nobody_gets_nothing(site: Site, database: Database) -> None:
    """No signature, another's key, a changed body, path or key, a key taken back: refused alike, nothing kept."""
    with receiving(site) as (_, switch):
        path = f"/usage/v1/{world.SOURCE}/batches"
        fields = {"Content-Type": "text/csv", "Idempotency-Key": "a"}
        good = fields | switch.signed("POST", path, BODY, fields)
        tried = [
            switch.repeat("POST", path, BODY, fields),
            switch.repeat("POST", path, BODY + b"x", good),
            switch.repeat("POST", path + "?x", BODY, good),
            switch.repeat("POST", "/usage/v1/other/batches", BODY, good),
            switch.repeat("POST", path, BODY, good | {"Idempotency-Key": "b"}),
            switch.repeat("POST", path, BODY, good | {"Authorization": "Bearer x"}),
        ]
        with (
            closing(database.connect("postgres")) as connection,
            connection,
            connection.cursor() as txn,
        ):
            assert source_keys.revoke(txn, world.SOURCE, KEY_ID)
        revoked = switch.send(BODY, "b")
    assert [answer.status for answer in tried] == [401] * 6
    assert revoked.status == 401
    assert "taken back" in revoked.body["detail"]
    assert all(
        answer.fields["WWW-Authenticate"] == "BMUID-HMAC-SHA256" for answer in (tried[0], revoked)
    )
    assert arrived(site) == []


def test_five_thousand_replays_and_reorderings_double_nothing(
    site: Site, database: Database
) -> None:
    """FED-04: recorded requests again and again, in any order: each batch is one file."""
    with receiving(site) as (_, switch):
        path = f"/usage/v1/{world.SOURCE}/batches"
        recorded = []
        for n in range(50):
            body, fields = (
                f"{n}\n".encode() + BODY,
                {"Content-Type": "text/csv", "Idempotency-Key": f"b{n}"},
            )
            recorded.append((body, fields | switch.signed("POST", path, body, fields)))
        answers = [
            switch.repeat("POST", path, *recorded[(n * 37 + n // 50) % 50]).status
            for n in range(5000)
        ]
    assert answers.count(202) == 50
    assert answers.count(401) == 4950
    assert sorted(arrived(site)) == sorted(body for body, _ in recorded)
    assert Asking(database).sql("SELECT count(*) FROM source_batch") == [(50,)]


def test_a_certificate_says_who_sends(site: Site) -> None:
    """A source with a certificate of its own name needs no signature; with another's name it is nobody."""
    own = pki.issue(site.authority, world.SOURCE, pki.Purpose.CLIENT, (), datetime.now(UTC))
    with receiving(site) as (daemon, _):
        certified = sender(daemon, site, world.SOURCE, certificate=(own.certificate, own.key))
        other = sender(
            daemon, site, world.SOURCE, certificate=(site.web.certificate, site.web.key)
        )
        assert certified.send(BODY, "a").status == 202
        assert other.send(BODY, "a").status == 401
        for one in (certified, other):
            one.close()


REFUSED: list[tuple[bytes, dict[str, str], int, str]] = [
    (b"", {}, 422, "no_batch"),
    (b"x\n" * 10_001, {}, 422, "no_batch"),
    (BODY, {"Content-Type": "application/json"}, 415, "wrong_content_type"),
    (BODY, {"Content-Encoding": "gzip"}, 415, "encoded"),
    (BODY, {"Idempotency-Key": ""}, 400, "no_key"),
    (bytes(1 << 21), {}, 413, "too_large"),
]


def test_what_is_no_batch_is_refused_with_what_to_do(site: Site) -> None:
    """Nothing is kept of it, the answer says what is wanted, and a good one goes through afterwards."""
    site.write(batch=batch_settings(site, body_mib_max=1))
    with receiving(site) as (_, switch):
        for body, fields, status, code in REFUSED:
            sent = {"Content-Type": "text/csv", "Idempotency-Key": "a"} | fields
            refused = switch.ask("POST", f"/usage/v1/{world.SOURCE}/batches", body, sent)
            assert (refused.status, refused.code) == (status, code), refused
            assert refused.fields["Content-Type"] == "application/problem+json"
        assert arrived(site) == []
        assert switch.send(BODY, "a").status == 202


def test_paths_and_methods_are_few(site: Site) -> None:
    """Anything else is told where to go; another source's batch is nobody's."""
    with receiving(site) as (_, switch):
        assert switch.ask("GET", "/", b"", {}).status == 404
        assert switch.ask("GET", f"/usage/v1/{world.SOURCE}/batches", b"", {}).status == 405
        assert switch.ask("GET", f"/usage/v1/../{world.SOURCE}/batches", b"", {}).status == 404
        assert switch.status("0" * 32).status == 404
        assert switch.status("0" * 32, "?after=-1").status == 400


def test_too_much_is_told_to_come_later(site: Site) -> None:
    """When files wait, or the disk is nearly full, the answer is 503 with a time; what was taken before stays so."""
    site.write(batch=batch_settings(site, files_waiting_max=2))
    with receiving(site) as (_, switch):
        first = switch.send(BODY, "a")
        switch.send(BODY + b"x\n", "b")
        pressed = switch.send(BODY + b"y\n", "c")
        again = switch.send(BODY, "a")
    assert (pressed.status, pressed.fields["Retry-After"]) == (503, "30")
    assert again.body == first.body
    site.write(batch=batch_settings(site), spool={"room_mib_min": 1 << 23})
    with receiving(site) as (_, switch):
        assert switch.send(BODY + b"y\n", "c").status == 503
    assert len(arrived(site)) == 2


def test_a_source_has_its_own_limit(site: Site, database: Database) -> None:
    """A source that may send little at a time is told how much."""
    Asking(database).sql(
        f"UPDATE source SET octets_max = {len(BODY)} WHERE code = '{world.SOURCE}'"
    )
    with receiving(site) as (_, switch):
        refused = switch.send(BODY + b"x", "a")
        assert switch.send(BODY, "b").status == 202
    assert (refused.status, refused.code) == (413, "too_large")


def test_while_the_database_is_away_batches_come_later(site: Site, database: Database) -> None:
    """Nothing is taken that could not be told of; when it is back, the same is taken."""
    with receiving(site) as (_, switch):
        execute_as_superuser(
            database.cluster, "postgres", f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false"
        )
        execute_as_superuser(
            database.cluster,
            "postgres",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.name}'",
        )
        away = switch.send(BODY, "a")
        execute_as_superuser(
            database.cluster, "postgres", f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true"
        )
        assert switch.send(BODY, "a").status == 202
    assert (away.status, away.fields["Retry-After"]) == (503, "5")
    assert arrived(site) == [BODY]


def test_requests_are_counted_for_each_source(site: Site) -> None:
    """A source that asks too often is told to wait, and is heard again."""
    site.write(batch=batch_settings(site, requests_a_second=1))
    with receiving(site) as (_, switch):
        answers = [switch.status("0" * 32) for _ in range(4)]
    assert [answer.status for answer in answers].count(404) >= 2
    assert answers[-1].status == 429
    assert answers[-1].fields["Retry-After"] == "1"


def test_killed_at_any_time_nothing_is_lost_or_doubled(site: Site) -> None:
    """Killed while batches come: whoever was answered finds the file, whoever was not sends again; each is there once."""
    bodies = {f"b{n}": f"{n}\n".encode() + BODY for n in range(30)}
    answered: dict[str, object] = {}
    tries = 0
    while len(answered) < len(bodies):
        tries += 1
        with receiving(site) as (daemon, switch):
            wanted = [key for key in bodies if key not in answered]
            for place, key in enumerate(wanted):
                if place == 9:
                    daemon.signal(signal.SIGKILL)
                try:
                    answered[key] = switch.send(bodies[key], key).body
                except OSError:
                    break
    assert tries > 2
    with receiving(site) as (_, switch):
        assert {key: switch.send(body, key).body for key, body in bodies.items()} == answered
    assert sorted(arrived(site)) == sorted(bodies.values())


def test_a_body_that_does_not_come_is_waited_for_a_while(site: Site) -> None:
    """Whoever dawdles is cut off; others are served meanwhile."""
    site.write(batch=batch_settings(site, request_seconds_max=1))
    with receiving(site) as (_, switch):
        slow = sender_of(switch).connection()
        slow.putrequest("POST", f"/usage/v1/{world.SOURCE}/batches")
        slow.putheader("Content-Length", "100")
        slow.endheaders()
        began = time.monotonic()
        assert switch.send(BODY, "a").status == 202
        with pytest.raises(http.client.RemoteDisconnected):
            slow.getresponse()
        assert time.monotonic() - began < 10
        slow.close()


def sender_of(switch: Sender) -> Sender:
    """Give another connection of the same source."""
    return Sender(switch.address, switch.authority, switch.source, switch.key)


def test_bad_certificates_keep_it_from_starting(site: Site) -> None:
    """A key that is not the certificate's is told at once."""
    site.write(batch=batch_settings(site, key=str(site.web.key)))

    status, lines = refused_start(site, "--only", "receiving")

    assert status == os.EX_CONFIG
    assert "batch.key" in lines[0]
