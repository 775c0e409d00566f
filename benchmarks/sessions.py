"""
Partial records to sessions: by themselves, and to what is durable.

Accounting of RADIUS as FreeRADIUS writes it: a start, interims and a stop each session, one of each session after the other,
so that each chunk has other sessions than the one before, and each is read from the database and written anew.
"""

import gc
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import machine
import psycopg2
from end_to_end import HERE, SOURCE, execute, server

from bmu.mediation import SourceSettings
from bmu.mediation.decoding import decode
from bmu.mediation.partials import Partials
from bmu.mediation.ready import BUILT_IN
from bmu.mediation.session import NEW, Gathering
from bmuid.intake.assembly import Sessions
from bmuid.intake.spool import Spool
from bmuid.worker.arriving import Arriving
from bmuid.worker.assembling import Assembling
from bmuid.worker.main import COLLECTING

PROFILE = BUILT_IN["freeradius-detail"]
KINDS = ("Start", "Interim-Update", "Interim-Update", "Interim-Update", "Stop")
BEGAN = 1_795_000_000
INTERIM_SECONDS = 300


class NeverStopped:
    """A process that nobody tells to stop."""

    def told(self) -> bool:
        """Nobody did."""
        return False

    def fileno(self) -> int:
        """Nothing to wait for."""
        return 0


def blocks(sessions: int) -> Iterator[bytes]:
    """Write the accounting of so many sessions, as a detail file."""
    for step, kind in enumerate(KINDS):
        for number in range(sessions):
            at = BEGAN + number % 3600 + INTERIM_SECONDS * step
            octets = (number * 7919 + 10**7) * step
            yield (
                f'Sat Nov 21 10:00:00 2026\n\tAcct-Session-Id = "{number:08X}"\n\tUser-Name = "user{number}@example.net"\n'
                f"\tNAS-IP-Address = 192.0.2.{number % 20}\n\tFramed-IP-Address = 198.51.100.{number % 250}\n"
                f"\tAcct-Status-Type = {kind}\n\tAcct-Session-Time = {INTERIM_SECONDS * step}\n"
                f"\tAcct-Input-Octets = {octets // 9}\n\tAcct-Output-Octets = {octets % 2**32}\n"
                f'\tAcct-Output-Gigawords = {octets >> 32}\n\tAcct-Unique-Session-Id = "{number:032x}"\n\tTimestamp = {at}\n\n'
            ).encode()


def measure(sessions: int, parent: Path) -> None:
    """Measure both."""
    # As the intake worker has it.
    gc.set_threshold(*COLLECTING)
    assert PROFILE.decoding is not None
    assert PROFILE.aggregation is not None
    lines = list(decode(PROFILE.decoding, blocks(sessions)))
    settings = SourceSettings(SOURCE, "Europe/London", "44", "0", "00")
    partials = Partials(PROFILE, PROFILE.aggregation, settings)
    gathering = Gathering(PROFILE.aggregation, settings.time_zone)
    began = time.process_time()
    known = {}
    for row in partials.rows(lines, 1):
        known[row.session], _ = gathering.taken(known.get(row.session, NEW), row)
    seconds = time.process_time() - began
    print(
        f"{len(lines):,} records to sessions: {len(lines) / seconds:,.0f} rows/s of processor time"
    )
    del known
    _durable(sessions, parent)


def _durable(sessions: int, parent: Path) -> None:
    with server(parent) as cluster, tempfile.TemporaryDirectory(dir=parent) as spool:
        execute(cluster.dsn("postgres", "postgres"), "CREATE DATABASE sessions TEMPLATE template0")
        owner = cluster.dsn("sessions", "postgres")
        execute(
            owner,
            (HERE.parent / "schema.sql").read_text(encoding="utf-8"),
            "INSERT INTO bmu.revision (actor, note) VALUES ('benchmark', '')",
            "INSERT INTO bmu.source (code, name, profile, time_zone, country_code, trunk_prefix, international_prefix)"
            f" VALUES ('{SOURCE}', 'Access', '{PROFILE.code}', 'Europe/London', '44', '0', '00')",
        )
        there = Spool(Path(spool))
        there.make(SOURCE)
        with (there.root / SOURCE / "in" / ".detail").open("wb") as file:
            file.writelines(blocks(sessions))
        (there.root / SOURCE / "in" / ".detail").rename(there.root / SOURCE / "in" / "detail")
        with closing(psycopg2.connect(cluster.dsn("sessions", "bmuid"))) as connection:
            Arriving(there, 2, NeverStopped()).scan(connection)
            worker = Assembling(Sessions(there, 400), 2)
            postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
            servers = [postmaster, *machine.children_of(postmaster)]
            spent = -machine.processor_seconds(servers)
            began, worked = time.perf_counter(), time.process_time()
            while worker.step(connection, datetime.now(UTC)):
                pass
            seconds, worked = time.perf_counter() - began, time.process_time() - worked
            spent += machine.processor_seconds(servers)
            with connection, connection.cursor() as txn:
                txn.execute(
                    "SELECT (SELECT sum(new) FROM bmu.usage_file_part), sum(lines) FROM bmu.usage_batch"
                )
                assert txn.fetchall() == [(sessions * len(KINDS), sessions)]
    rows = sessions * len(KINDS)
    print(
        f"{rows:,} records to durable sessions and a file of their usage: {rows / seconds:,.0f} rows/s,"
        f" {1e6 * worked / rows:.1f} us of the worker and {1e6 * spent / rows:.1f} us of the server a record"
    )
