"""Whatever breaks while a file is made lines: nothing half there is ever worked, and nothing is lost."""

import gzip
import hashlib
import itertools
import os
import resource
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from asking import Asking
from conftest import Database
from cut_wire import Cut, wire
from decoded import PROFILE, document, made_call, packed, put_octets
from killing import killed_at
from offices import NeverStopped, Office, opened
from usage_world import AWAY, SOURCE

from bmuid.intake import keeping
from bmuid.intake.spool import Spool
from bmuid.store import wakeup
from bmuid.worker.arriving import FULL_SECONDS, Arriving

CALLS = 3
MIB = 1 << 20


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give workers of the small company, whose switch writes JSON documents."""
    with opened(database, tmp_path) as made:
        asking = Asking(database)
        assert asking.staff("profile_load", document=PROFILE).done
        assert asking.staff("source_set", code=SOURCE, profile="json-calls").done
        yield made


def hand_in(office: Office, tag: object, calls: int = CALLS) -> bytes:
    """Have the switch hand in a compressed document of calls; give its octets."""
    octets = packed(document([made_call(f"{tag}.{n}", 1 + n % 9, AWAY, 60) for n in range(calls)]))
    put_octets(office.spool, f"{tag}.gz", octets)
    return octets


def scan(dsn: str, spool: Path) -> None:
    """Take in what there is, as a process does that has just begun."""
    with closing(wakeup.connect(dsn)) as connection:
        arriving = Arriving(Spool(spool), 1, NeverStopped())
        arriving.begin(connection)
        arriving.scan(connection)


def is_done(office: Office, files: int, octets: bytes) -> None:
    """Work the rest, and check that so many files are done and nothing lies about."""
    scan(office.connection.dsn, office.spool)
    office.rate()
    assert office.all("SELECT count(*) FROM usage_file WHERE state = 'DONE'") == [(files,)]
    assert office.all("SELECT count(*), sum(amount_e11) FROM charge") == [
        (CALLS * files, 60 * 10**9 * CALLS * files)
    ]
    assert office.names("work") == office.names("taking") == office.names("in") == []
    kept = office.spool / SOURCE / "done" / hashlib.sha256(octets).hexdigest()
    assert kept.read_bytes() == octets


class TestAProcessThatIsKilled:
    """kill -9 before every step on a file: the next process makes what is missing, and takes nothing twice."""

    def test_takes_a_document_in_once(self, office: Office) -> None:
        """Killed at any step from in/ to the lines that are worked, each call is charged once."""
        dsn, spool = office.connection.dsn, office.spool
        for at in itertools.count(1):
            octets = hand_in(office, at)
            was_killed = killed_at(at, spool, lambda: scan(dsn, spool))
            is_done(office, at, octets)
            if not was_killed:
                break
        assert at > 12

    def test_takes_a_document_in_anew_once(self, office: Office) -> None:
        """Killed at any step of a replay, every call of it is a duplicate in the end."""
        dsn, spool = office.connection.dsn, office.spool
        octets = document([made_call(f"{n}", 1 + n) for n in range(CALLS)])
        put_octets(spool, "a.json", octets)
        office.take_in()
        office.rate()
        for _ in keeping.pack_all(Spool(spool)):
            pass
        assert office.names("done") == [f"{hashlib.sha256(octets).hexdigest()}.gz"]
        for at in itertools.count(1):
            assert Asking(office.database).staff("file_replay", id="1").done
            was_killed = killed_at(at, spool, lambda: scan(dsn, spool))
            scan(dsn, spool)
            office.rate()
            [found] = office.all(
                "SELECT state, duplicate FROM usage_file ORDER BY id DESC LIMIT 1"
            )
            assert found == ("DONE", CALLS)
            assert office.names("work") == []
            if not was_killed:
                break
        assert at > 5
        assert office.all("SELECT count(*) FROM charge") == [(CALLS,)]

    def test_never_has_neither_form_of_an_original(self, tmp_path: Path) -> None:
        """Killed at any step of compressing, the octets are there, plain or compressed, and no other file."""
        spool = Spool(tmp_path)
        spool.make("pbx")
        octets = os.urandom(3 * MIB)
        digest = hashlib.sha256(octets).digest()

        def pack() -> None:
            spool.sweep("pbx")
            for _ in keeping.pack_all(spool):
                pass

        for at in itertools.count(1):
            path = spool.done_at("pbx", digest)
            path.with_name(f"{path.name}.gz").unlink(missing_ok=True)
            path.write_bytes(octets)
            was_killed = killed_at(at, tmp_path, pack)
            kept = spool.find("pbx", digest)
            assert kept is not None
            read = kept.path.read_bytes()
            assert (gzip.decompress(read) if kept.packed else read) == octets
            pack()
            assert [each.name for each in path.parent.iterdir()] == [f"{path.name}.gz"]
            if not was_killed:
                break
        assert at > 5


class TestAWireThatIsCut:
    """The connection is lost at every message of the arrival, before the server has it and after."""

    def test_leaves_a_document_for_the_next_connection(
        self, office: Office, short_path: Path
    ) -> None:
        """Whatever message is the last, the document is taken in once."""
        files = 0
        with wire(short_path, office.database.cluster.socket) as made:
            dsn = f"host={made.directory} dbname={office.database.name} user=bmuid gssencmode=disable"
            for at in itertools.count(1):
                for cut in (Cut.BEFORE, Cut.AFTER):
                    octets = hand_in(office, f"{at}-{cut.value}")
                    files += 1
                    made.plan(at, cut)
                    with suppress(wakeup.LOST):
                        scan(dsn, office.spool)
                    reached = made.reached.is_set()
                    made.plan(None)
                    is_done(office, files, octets)
                if not reached:
                    break
        assert at > 15


@contextmanager
def little_room(octets: int) -> Iterator[None]:
    """Let no file of this process grow beyond that, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Tell them."""
        return self.seconds


class TestADiskThatIsFull:
    """Intake waits, says so, and goes on alone."""

    def test_holds_up_intake_until_there_is_room(
        self, office: Office, caplog: pytest.LogCaptureFixture
    ) -> None:
        """No room for the lines of a document: nothing half there, one warning, and it is taken once there is room."""
        calls = 30_000
        octets = hand_in(office, "large", calls)
        clock = Clock()
        arriving = Arriving(Spool(office.spool), 1, NeverStopped(), clock=clock)
        with little_room(2 * MIB):
            for _ in range(3):
                assert not arriving.scan(office.connection)
                clock.seconds += FULL_SECONDS + 1
            assert not arriving.scan(office.connection)
            arriving.scan(office.connection)
        assert [name for name in office.names("work") if len(name) != 64] == []
        assert office.all("SELECT name, reason FROM file_waiting") == [
            ("large.gz", "can't be taken: File too large")
        ]
        assert len([one for one in caplog.records if "File too large" in one.getMessage()]) == 1
        clock.seconds += FULL_SECONDS + 1
        assert arriving.scan(office.connection)
        assert not arriving.scan(office.connection)
        assert office.all("SELECT name FROM file_waiting") == []
        assert office.all("SELECT state, lines, encode(sha256, 'hex') FROM usage_file") == [
            ("OPEN", calls, hashlib.sha256(octets).hexdigest())
        ]

    def test_holds_up_who_makes_lost_lines_again(self, office: Office) -> None:
        """The lines are gone and there is no room to make them: nobody is charged half, and later all are."""
        hand_in(office, "large", 30_000)
        office.take_in()
        [lines] = (office.spool / SOURCE / "work").glob("*.lines")
        lines.unlink()
        with little_room(2 * MIB):
            office.rate()
        assert office.all("SELECT count(*) FROM udr") == [(0,)]
        assert len(office.names("work")) == 1
        office.rate()
        assert office.all("SELECT state, new FROM usage_file") == [("DONE", 30_000)]


def test_a_file_that_grows_while_it_is_made_lines_is_looked_at_anew(office: Office) -> None:
    """A writer that still has it open adds to it: what was read of it is thrown away, and what it is then is taken."""
    calls = [made_call(str(n), 1 + n) for n in range(CALLS)]
    whole = document(calls)
    path = put_octets(office.spool, "a.json", whole[:-2])
    spool = Spool(office.spool)

    with path.open("ab", buffering=0) as writer:

        class Late(Spool):
            """A spool whose source goes on writing when its file was measured."""

            def write_lines(self, path: Path, lines: Iterable[bytes]) -> None:
                """Write the lines, and the source its last octets."""
                writer.write(whole[-2:])
                spool.write_lines(path, lines)

        Arriving(Late(office.spool), 1, NeverStopped()).scan(office.connection)
    assert office.all("SELECT count(*) FROM usage_file") == [(0,)]
    assert office.names("work") == []
    office.take_in()
    office.rate()
    assert office.verdicts("a.json")["new"] == CALLS
