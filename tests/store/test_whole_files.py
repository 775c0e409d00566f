"""When a file is whole, and what it must hold: by quiet time, manifest or trailer; else it waits, or is held."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Asking
from conftest import Database
from counted import COUNTED
from decoded import made_call, put_octets
from offices import NeverStopped, Office, opened
from usage_world import AWAY, SOURCE, call, number_of

from bmuid.intake.spool import Spool
from bmuid.worker.arriving import Arriving
from bmuid.worker.tending import Tending

HEADED = """
code = "headed"
name = "A switch that names its columns"
encoding = "utf-8"
fields = ["id", "from", "to", "at", "seconds"]
identities = [["id"]]
usage_class = "voice"
quantity = "seconds"
origin = "from"
destination = "to"
layout = { kind = "DELIMITED", quoting = "DOUBLED", heading = true }
uid = [{ type = "phone", field = "from", form = "NUMBER" }]
started = { field = "at", clock = "EPOCH" }
"""
BOTH_WAYS = HEADED.replace('"headed"', '"both-ways"').replace(
    'quantity = "seconds"', 'quantity = "seconds"\nsplitting = ["out", "back"]'
)
TRAILER = "TRL|2|150"


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Tell them."""
        return self.seconds


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


@pytest.fixture
def staff(office: Office) -> Asking:
    """Give one who asks at the admin door."""
    asking = Asking(office.database)
    for text in (COUNTED, HEADED, BOTH_WAYS):
        assert asking.staff("profile_load", document=text).done
    return asking


def rows(separator: str = "|") -> list[str]:
    """Give two calls of 150 seconds together, in columns."""
    calls = made_call("1", 1, AWAY, 90), made_call("2", 2, AWAY, 60)
    return [separator.join(each.values()) for each in calls]


def octets(*lines: str) -> bytes:
    """Give lines with their ends."""
    return "".join(f"{line}\n" for line in lines).encode()


def waiting(staff: Asking) -> dict[str, str]:
    """Tell what `bmadmin file list` says of files that are not taken."""
    listed = staff.staff("file_list").body["not_taken"]
    return {one["name"]: one["reason"] for one in listed}


class TestAQuietFile:
    """A writer that can't rename leaves its file alone when it is through."""

    def test_is_taken_once_nothing_of_it_changes(self, office: Office, staff: Asking) -> None:
        """While it grows it is left; when it was the same for as long as was said, it is taken."""
        staff.staff("source_set", code=SOURCE, completion="QUIET", quiet_seconds="10")
        clock = Clock()
        arriving = Arriving(Spool(office.spool), 1, NeverStopped(), clock=clock)
        path = put_octets(office.spool, "a.csv", octets(call("1.1", 1)))
        for n in range(4):
            assert not arriving.scan(office.connection)
            clock.seconds += 6
            with path.open("ab") as file:
                file.write(octets(call(f"1.{2 + n}", 1)))
        assert waiting(staff) == {"a.csv": "it was not yet left alone for 10 seconds"}
        taken = []
        for _ in range(3):
            taken.append(arriving.scan(office.connection))
            clock.seconds += 6
        assert taken == [False, False, True]
        office.rate()

        assert office.verdicts("a.csv")["new"] == 5
        assert waiting(staff) == {}

    def test_is_not_whole_when_other_octets_have_its_size_and_time(
        self, office: Office, staff: Asking
    ) -> None:
        """Rewritten in place with its old time, it is looked at anew."""
        staff.staff("source_set", code=SOURCE, completion="QUIET", quiet_seconds="10")
        clock = Clock()
        arriving = Arriving(Spool(office.spool), 1, NeverStopped(), clock=clock)
        path = put_octets(office.spool, "a.csv", octets(call("1.1", 1)))
        times = path.stat().st_atime_ns, path.stat().st_mtime_ns
        taken = []
        for n in range(5):
            taken.append(arriving.scan(office.connection))
            clock.seconds += 6
            if n == 1:
                with path.open("r+b") as file:
                    file.write(octets(call("1.2", 1)))
                os.utime(path, ns=times)
        assert taken == [False, False, False, False, True]
        office.rate()
        assert office.all("SELECT count(*) FROM udr") == [(1,)]


class TestAFileWithAManifest:
    """Another file says when it is whole."""

    @pytest.mark.parametrize("manifest", [".done", ".sha256"])
    def test_is_taken_once_that_is_there(
        self, office: Office, staff: Asking, manifest: str
    ) -> None:
        """Before, it waits; the file that speaks of it is no usage, and stays."""
        staff.staff("source_set", code=SOURCE, completion="MANIFEST")
        path = put_octets(office.spool, "a.csv", octets(call("1.1", 1)))
        office.take_in()
        assert waiting(staff) == {"a.csv": "there is no a.csv.done and no a.csv.sha256 for it"}
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        put_octets(office.spool, f"a.csv{manifest}", f"{digest}  a.csv\n".encode())
        office.take_in()
        office.rate()

        assert office.verdicts("a.csv")["new"] == 1
        assert office.names("in") == [f"a.csv{manifest}"]
        assert office.all("SELECT count(*) FROM usage_file") == [(1,)]

    def test_waits_while_its_octets_are_others(self, office: Office, staff: Asking) -> None:
        """Half an upload is not taken, whatever else is there; the whole of it is."""
        staff.staff("source_set", code=SOURCE, completion="MANIFEST")
        whole = octets(call("1.1", 1), call("1.2", 2))
        digest = hashlib.sha256(whole).hexdigest()
        put_octets(office.spool, "a.csv.sha256", digest.encode())
        path = put_octets(office.spool, "a.csv", whole[:-40])
        office.take_in()
        assert waiting(staff) == {"a.csv": "its octets are not those that a.csv.sha256 tells of"}
        path.write_bytes(whole)
        office.take_in()
        office.rate()

        assert office.verdicts("a.csv")["new"] == 2

    def test_is_not_taken_by_what_was_said_of_an_earlier_one(
        self, office: Office, staff: Asking
    ) -> None:
        """The same name comes again: the manifest of the first does not speak for the second."""
        staff.staff("source_set", code=SOURCE, completion="MANIFEST")
        put_octets(office.spool, "a.csv", octets(call("1.1", 1)))
        put_octets(office.spool, "a.csv.done", b"")
        office.take_in()
        told = office.spool / SOURCE / "in" / "a.csv.done"
        path = put_octets(office.spool, "a.csv", octets(call("1.2", 1)))
        os.utime(path, ns=(0, told.stat().st_mtime_ns + 1))
        office.take_in()
        assert list(waiting(staff)) == ["a.csv"]
        os.utime(told, ns=(0, told.stat().st_mtime_ns + 1))
        office.take_in()

        assert office.all("SELECT count(*) FROM usage_file") == [(2,)]

    def test_leaves_no_manifests_behind_for_ever(self, office: Office, staff: Asking) -> None:
        """A week after its file was taken a manifest goes; one whose file is still to be taken stays."""
        staff.staff("source_set", code=SOURCE, completion="MANIFEST")
        for name in ("a.csv.done", "b.csv.sha256", "c.csv.sha256", "c.csv"):
            os.utime(put_octets(office.spool, name, b"1"), (0, 0))
        put_octets(office.spool, "d.csv.done", b"")
        office.take_in()

        assert office.names("in") == ["c.csv", "c.csv.sha256", "d.csv.done"]


class TestATrailer:
    """A file ends with how many rows it has, and what they come to."""

    def test_tells_that_a_file_is_whole(self, office: Office, staff: Asking) -> None:
        """Without it, or with half of it, the file is still being written."""
        staff.staff("source_set", code=SOURCE, profile="counted", completion="TRAILER")
        path = put_octets(office.spool, "a.txt", octets("HDR|1", *rows()))
        office.take_in()
        assert waiting(staff) == {"a.txt": "its last line is no trailer"}
        with path.open("ab") as file:
            file.write(b"TRL|2|1")
        office.take_in()
        assert waiting(staff) == {"a.txt": "its last line has no end yet"}
        with path.open("ab") as file:
            file.write(b"50\n")
        office.take_in()
        office.rate()

        assert office.verdicts("a.txt") == {
            "new": 2,
            "duplicate": 0,
            "suspended": 0,
            "rejected": 2,
        }
        assert office.all("SELECT line_no, reason, detail FROM verdict ORDER BY 1") == [
            (1, "FILTERED", "header row"),
            (4, "FILTERED", "trailer row"),
        ]

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            ([*rows()], "the file ends without its trailer"),
            ([rows()[0], TRAILER], "the trailer says 2 rows (count), the file has 1"),
            ([*rows(), "TRL|2|151"], "the trailer says 151 as the sum of seconds"),
        ],
    )
    def test_that_disagrees_holds_the_file(
        self, office: Office, staff: Asking, lines: list[str], said: str
    ) -> None:
        """Rows were lost on the way: nothing is charged until a clerk looked; released, it is taken as it is."""
        staff.staff("source_set", code=SOURCE, profile="counted")
        put_octets(office.spool, "a.txt", octets(*lines))
        office.take_in()
        office.rate()
        [(state, held)] = office.all("SELECT state, held FROM usage_file")
        assert state == "HELD"
        assert said in str(held)
        assert office.all("SELECT count(*) FROM udr") == [(0,)]
        assert staff.staff("file_release", id="1").done
        office.take_in()
        office.rate()

        counts = office.verdicts("a.txt")
        assert counts["new"] == sum("TRL" not in line for line in lines)
        assert office.all("SELECT released FROM usage_file") == [(True,)]


class TestAHeading:
    """The first line names the columns, in whatever order they are."""

    def test_is_kept_for_every_worker(self, office: Office, staff: Asking) -> None:
        """Columns in another order are read by their names, from any chunk of the file."""
        staff.staff("source_set", code=SOURCE, profile="headed")
        office.chunk_lines = 1
        lines = [f"{AWAY},{number_of(1)},{n},60,1785754800" for n in range(5)]
        put_octets(office.spool, "a.csv", octets("To,From,ID,Seconds,At", *lines))
        office.take_in()
        office.rate()

        assert office.verdicts("a.csv") == {
            "new": 5,
            "duplicate": 0,
            "suspended": 0,
            "rejected": 1,
        }
        [(header,)] = office.all("SELECT header FROM usage_file")
        assert bytes(header) == b"To,From,ID,Seconds,At"

    def test_that_lacks_a_column_holds_the_file(self, office: Office, staff: Asking) -> None:
        """Nobody is charged from columns that nobody named."""
        staff.staff("source_set", code=SOURCE, profile="headed")
        put_octets(office.spool, "a.csv", octets("To,From,ID,At", "1,2,3,4"))
        office.take_in()
        [(state, held)] = office.all("SELECT state, held FROM usage_file")
        assert (state, "has none called 'seconds'" in str(held)) == ("HELD", True)

    def test_that_lacks_many_tells_them_once_and_nothing_of_a_call(
        self, office: Office, staff: Asking
    ) -> None:
        """A file without a heading shows no caller's number to whoever reads why it is held."""
        staff.staff("source_set", code=SOURCE, profile="headed")
        put_octets(office.spool, "a.csv", octets(f"{AWAY},{number_of(1)},7,60,1785754800"))
        office.take_in()
        [(held,)] = office.all("SELECT held FROM usage_file")
        assert str(held).count("has none called") == 1
        assert str(held).count("'seconds'") == 1
        assert AWAY not in str(held)
        assert len(str(held)) < 300

    def test_stands_before_rows_that_are_split(self, office: Office, staff: Asking) -> None:
        """Each row becomes two events, which are no repeats of each other; suspended ones are tried again."""
        staff.staff("source_set", code=SOURCE, profile="both-ways")
        line = f"{AWAY},{number_of(1)},7,60,1785754800"
        put_octets(office.spool, "a.csv", octets("To,From,ID,Seconds,At", line))
        office.take_in()
        office.rate()

        assert office.verdicts("a.csv") == {
            "new": 2,
            "duplicate": 0,
            "suspended": 0,
            "rejected": 1,
        }
        assert office.all("SELECT lines, decoded_octets > 0 FROM usage_file") == [(3, True)]


class TestAnOriginal:
    """What came is kept as long as was asked for."""

    @pytest.fixture
    def done(self, office: Office, staff: Asking) -> str:
        """Give the digest of a file that is done."""
        assert staff
        whole = octets(call("1.1", 1, AWAY, 60))
        put_octets(office.spool, "a.csv", whole)
        office.take_in()
        office.rate()
        return hashlib.sha256(whole).hexdigest()

    def test_is_compressed_and_read_all_the_same(self, office: Office, done: str) -> None:
        """Both bodies of a conflict are told, though the first is in a compressed file."""
        assert not Tending().tend(office.connection, Spool(office.spool), 60.0)
        assert office.names("done") == [f"{done}.gz"]
        found = office.hand_in("b.csv", [call("1.1", 1, AWAY, 70)])

        assert found["suspended"] == 1
        [(detail,)] = office.all("SELECT detail FROM verdict")
        assert str(detail).startswith(f"file 1 line 1: {call('1.1', 1, AWAY, 60)}\n")

    def test_is_dropped_when_its_time_is_over(
        self, office: Office, staff: Asking, done: str
    ) -> None:
        """Not before; then it is on record as dropped, a replay says so, and handed in again it can be replayed."""
        spool = Spool(office.spool)
        tending = Tending(100)
        tending.tend(office.connection, spool, 60.0)
        tending.drop(office.connection, spool, 2.0**40)
        assert office.names("done") == [f"{done}.gz"]
        office.as_owner(
            "ALTER TABLE usage_file DISABLE TRIGGER usage_file_done;"
            "UPDATE usage_file SET done_at = done_at - interval '101 days';"
            "ALTER TABLE usage_file ENABLE TRIGGER usage_file_done"
        )
        tending.drop(office.connection, spool, 0.0)
        assert office.names("done") == [f"{done}.gz"], "it came to its place later than that"
        tending.drop(office.connection, spool, 2.0**40)
        assert office.names("done") == []
        refused = staff.staff("file_replay", id="1")
        assert f"hand in a copy of them, whose SHA-256 is {done}" in refused.body["text"]
        office.hand_in("b.csv", [call("1.1", 1, AWAY, 70)])
        assert office.all("SELECT detail ~ 'its file was kept until' FROM verdict") == [(True,)]

        put_octets(office.spool, "again.csv", octets(call("1.1", 1, AWAY, 60)))
        office.take_in()
        assert done in office.names("done")
        assert staff.staff("file_replay", id="1").done
        office.take_in()
        office.rate()
        assert office.all("SELECT state, duplicate FROM usage_file WHERE replay = 1") == [
            ("DONE", 1)
        ]


def test_a_file_without_rows_is_done(office: Office, staff: Asking) -> None:
    """A night without calls is no fault."""
    staff.staff("source_set", code=SOURCE, profile="headed")
    put_octets(office.spool, "a.csv", b"To,From,ID,Seconds,At\n")
    office.take_in()
    office.rate()
    assert office.verdicts("a.csv")["rejected"] == 1
