"""Files that are no plain lines: made lines on arrival, whole or not at all, and kept as they came."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import usage_world as world
from asking import Asking
from conftest import Database
from decoded import PROFILE, document, made_call, packed, put_octets
from offices import NeverStopped, Office, opened
from usage_world import AWAY, call, put

from bmu.mediation import BUILT_IN, Decoding, Format
from bmuid.intake import keeping
from bmuid.intake.profiles import Profiles
from bmuid.intake.spool import Spool
from bmuid.worker.arriving import Arriving

NIGHT = (
    "[layout]",
    '[[filter]]\nname = "by night"\nwhen = [{ field = "to", is = ["night"] }]\n\n[layout]',
)
MSC = Path(__file__).parents[1] / "samples" / "3gpp" / "msc.ber"


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


@pytest.fixture
def staff(office: Office) -> Asking:
    """Give one who asks at the admin door, and whose profile the switch has."""
    asking = Asking(office.database)
    assert asking.staff("profile_load", document=PROFILE).done
    assert asking.staff("source_set", code=world.SOURCE, profile="json-calls").done
    return asking


def work(office: Office) -> None:
    """Take in and rate what there is."""
    office.take_in()
    office.rate()


def state(office: Office, file_id: int = 1) -> tuple[object, ...]:
    """Give the state of a file, and why it is held."""
    [found] = office.all("SELECT state, held FROM usage_file WHERE id = %(id)s", id=file_id)
    return found


class TestADocument:
    """A file whose rows are no lines."""

    @pytest.mark.parametrize("form", [bytes, packed])
    @pytest.mark.usefixtures("staff")
    def test_is_charged_row_by_row(self, office: Office, form: object) -> None:
        """Each call of the document becomes a charge, whether it came compressed or not; it is kept as it came."""
        assert callable(form)
        octets = form(document([made_call("1", 1, AWAY, 90), made_call("2", 2)]))
        put_octets(office.spool, "a.json", octets)
        work(office)

        assert office.verdicts("a.json") == {
            "new": 2,
            "duplicate": 0,
            "suspended": 0,
            "rejected": 0,
        }
        [(amount,)] = office.all("SELECT amount_e11 FROM charge WHERE account_id = 1")
        assert amount == 90 * 10**9
        assert office.names("work") == []
        [kept] = office.names("done")
        assert kept == hashlib.sha256(octets).hexdigest()
        assert (office.spool / world.SOURCE / "done" / kept).read_bytes() == octets

    @pytest.mark.usefixtures("staff")
    def test_has_a_verdict_for_each_row(self, office: Office) -> None:
        """A row that comes twice, one nobody pays for, and one that can't be read each end as what they are."""
        calls = [made_call("1", 1), made_call("1", 1), made_call("2", 400), made_call("3", 2)]
        calls[3]["seconds"] = "long"
        put_octets(office.spool, "a.json", document(calls))
        work(office)

        assert office.verdicts("a.json") == {
            "new": 1,
            "duplicate": 1,
            "suspended": 1,
            "rejected": 1,
        }
        [(line,)] = office.all("SELECT line FROM verdict WHERE verdict = 'REJECTED'")
        assert b'"seconds":"long"' in bytes(line)

    @pytest.mark.usefixtures("staff")
    def test_is_made_lines_again_when_those_are_lost(self, office: Office) -> None:
        """Who deletes what was made of a file loses nothing."""
        put_octets(office.spool, "a.json", document([made_call("1", 1), made_call("2", 2)]))
        office.take_in()
        [lines] = [name for name in office.names("work") if name.endswith(".lines")]
        (office.spool / world.SOURCE / "work" / lines).unlink()
        office.rate()

        assert office.verdicts("a.json")["new"] == 2

    @pytest.mark.usefixtures("staff")
    def test_with_two_bodies_of_a_call_shows_both(self, office: Office) -> None:
        """The first body is found in the document it came in, though its lines are gone."""
        put_octets(office.spool, "a.json", document([made_call("0", 2), made_call("1", 1)]))
        work(office)
        put_octets(office.spool, "b.json", packed(document([made_call("1", 1, seconds=70)])))
        work(office)

        [(detail,)] = office.all("SELECT detail FROM verdict WHERE reason = 'CONFLICT'")
        first, second = str(detail).splitlines()
        assert first.startswith("file 1 line 2: {")
        assert '"seconds":"60"' in first
        assert '"seconds":"70"' in second

    def test_is_read_by_the_profile_it_came_under(self, office: Office, staff: Asking) -> None:
        """A profile that is changed counts for the files from then on; what is in work keeps its version."""
        put_octets(office.spool, "a.json", document([made_call("1", 1, AWAY, 60)]))
        office.take_in()
        changed = PROFILE.replace('quantity = "seconds"', 'quantity = "billed"').replace(
            '"seconds"]', '"seconds", "billed"]'
        )
        assert staff.staff("profile_load", document=changed).body["version"] == 2
        billed = made_call("2", 1, AWAY, 60) | {"billed": "10"}
        put_octets(office.spool, "b.json", document([billed]))
        work(office)

        assert office.all("SELECT profile_version FROM usage_file ORDER BY id") == [(1,), (2,)]
        assert office.all("SELECT quantity FROM udr ORDER BY file_id") == [(60,), (10,)]


class TestAFileThatIsHeld:
    """It waits, says why, and nothing waits for it."""

    @pytest.mark.parametrize(
        ("octets", "said"),
        [
            (b"this is no JSON", "can't be read as JSON"),
            (
                packed(b'{"calls": [' + b" " * (20 << 20)),
                "more than 100 octets come out of each of its own",
            ),
            (packed(packed(b"{}")), "a compressed file within a compressed one"),
            (
                packed(b'{"calls": []}')[:-6],
                "damaged file (gz): it ends early; have it sent again",
            ),
        ],
    )
    def test_is_one_that_nothing_can_be_made_of(
        self, office: Office, staff: Asking, octets: bytes, said: str
    ) -> None:
        """Another kind of file, a bomb, a damaged one: none of it is rated, and all of it is kept."""
        put_octets(office.spool, "odd.json", octets)
        put_octets(office.spool, "ok.json", document([made_call("1", 1)]))
        work(office)

        held, why = state(office)
        assert (held, said in str(why)) == ("HELD", True), why
        assert office.verdicts("ok.json")["new"] == 1
        assert office.names("work") == [hashlib.sha256(octets).hexdigest()]
        queue = staff.staff("status_show").body
        assert queue["queue"]["held"] == 1
        assert "files that are held: 1; see `bmadmin file list --state HELD`" in queue["warnings"]

    @pytest.mark.parametrize(
        ("profile", "octets", "said"),
        [
            ("broadworks-cdr", b"no CDR at all\n", "no row in 14 octets, read as CSV_BLOCK: see"),
            ("cisco-cucm-cdr", b"no CDR at all\n", "has none called 'cdrRecordType', "),
            ("cisco-cucm-cdr", b"id,from,to\nINT,TEXT,TEXT\n1,2,3\n", "has none called 'cdrRec"),
            ("cisco-cucm-cdr", MSC.read_bytes(), "the line that names the columns"),
        ],
    )
    def test_is_one_that_another_profile_reads(
        self, office: Office, staff: Asking, profile: str, octets: bytes, said: str
    ) -> None:
        """A file of another switch is not passed over as one without calls, and waits for its profile."""
        staff.staff("source_set", code=world.SOURCE, profile=profile)
        put_octets(office.spool, "odd", octets)
        work(office)

        held, why = state(office)
        assert (held, said in str(why)) == ("HELD", True), why
        assert len(str(why)) < 500
        assert staff.staff("file_show", id="1").body["file"]["held"] == why
        [listed] = staff.staff("file_list").body["files"]
        assert listed["held"] == f"{str(why)[:80]}..."

    def test_is_dismissed_and_may_be_replayed(self, office: Office, staff: Asking) -> None:
        """What nobody wants is warned of no more; the reason and the octets stay, for who wants it after all."""
        octets = f"{call('1.1', 1)}\n".encode()
        put_octets(office.spool, "a.csv", octets)
        work(office)
        assert staff.staff("file_dismiss", id="1", reason="a trial").done
        work(office)
        shown = staff.staff("file_show", id="1").body["file"]
        assert (shown["state"], shown["lines"]) == ("DONE", 0)
        assert shown["dismissed"] == "admin of the test: a trial"
        assert not staff.staff("status_show").body["warnings"]
        assert (office.names("work"), len(office.names("done"))) == ([], 1)
        assert staff.staff("file_dismiss", id="1", reason="again").code == "NOT_HELD"
        staff.staff("source_set", code=world.SOURCE, profile="asterisk-master-csv")
        assert staff.staff("file_replay", id="1").done
        work(office)

        assert office.all("SELECT state, new, dismissed FROM usage_file WHERE id = 2") == [
            ("DONE", 1, None)
        ]

    @pytest.mark.usefixtures("staff")
    def test_has_no_row_and_is_done_once_released(self, office: Office, staff: Asking) -> None:
        """Who says that a file rightly has no row is asked no more."""
        put_octets(office.spool, "odd.json", b'{"alarms": [1, 2]}')
        work(office)
        assert "no row in 18 octets" in str(state(office)[1])
        staff.staff("file_release", id="1")
        work(office)

        assert state(office) == ("DONE", None)
        assert office.verdicts("odd.json") == dict.fromkeys(office.verdicts("odd.json"), 0)
        assert office.names("work") == []

    def test_is_read_by_the_mended_profile_once_released(
        self, office: Office, staff: Asking
    ) -> None:
        """The source's profile was the wrong one: mended, and the file released, each call is charged."""
        staff.staff("source_set", code=world.SOURCE, profile="json-calls")
        put_octets(office.spool, "a.csv", f"{call('1.1', 1)}\n".encode())
        work(office)
        assert state(office)[0] == "HELD"
        staff.staff("source_set", code=world.SOURCE, profile="asterisk-master-csv")
        assert staff.staff("file_release", id="1").body["file"]["state"] == "ARRIVING"
        work(office)

        assert office.verdicts("a.csv")["new"] == 1
        assert office.all("SELECT profile FROM usage_file") == [("asterisk-master-csv",)]

    def test_is_one_that_the_program_fails_at(self, office: Office) -> None:
        """A fault of ours holds the file that it was met in, with what went wrong, and no other source's."""
        block = Decoding(Format.FIXED_BLOCK, ())
        broken = replace(BUILT_IN["asterisk-master-csv"], decoding=block)
        world.put(office.spool, "a.csv", [call("1.1", 1)])
        profiles = Profiles({"asterisk-master-csv": broken})
        arriving = Arriving(Spool(office.spool), 2, NeverStopped(), profiles=profiles)
        arriving.scan(office.connection)
        assert "KeyError" in str(state(office)[1])
        assert Asking(office.database).staff("file_release", id="1").done
        work(office)

        assert office.verdicts("a.csv")["new"] == 1

    def test_goes_on_where_it_was(self, office: Office) -> None:
        """Held by a clerk after its first lines: what is done stays, the rest is done when it is released."""
        asking = Asking(office.database)
        office.chunk_lines = 2
        put(office.spool, "a.csv", [call(f"1.{n}", 1) for n in range(6)])
        office.take_in()
        assert asking.staff("file_hold", id="1", reason="wrong month").done
        office.rate()
        assert state(office) == ("HELD", "admin of the test: wrong month")
        assert office.all("SELECT count(*) FROM udr") == [(0,)]
        assert asking.staff("file_hold", id="1", reason="again").code == "NOT_OPEN"
        assert asking.staff("file_release", id="1").body["file"]["state"] == "OPEN"
        office.rate()

        assert office.verdicts("a.csv")["new"] == 6
        assert asking.staff("file_release", id="1").code == "NOT_HELD"
        assert asking.staff("file_hold", id="1", reason="late").code == "NOT_OPEN"


class TestAFileOfWhichNoLineCouldBeRead:
    """It is done, since each line has its verdict; yet somebody should look at it."""

    def test_is_warned_of_until_it_is_replayed(self, office: Office, staff: Asking) -> None:
        """A file that the wrong profile rejected whole shows where staff look every day; one that was filtered doesn't."""
        staff.staff("profile_load", document=PROFILE.replace(*NIGHT))
        put_octets(office.spool, "ok.json", document([made_call("1", 1), {"id": "x"}]))
        put_octets(office.spool, "night.json", document([made_call("2", 1) | {"to": "night"}]))
        work(office)
        assert not self.warned(staff)
        put_octets(office.spool, "odd.json", document([{"id": "y"}, {"id": "z"}]))
        work(office)
        assert "without one line that could be read: 1; see" in self.warned(staff)[0]
        staff.staff("file_replay", id="3")

        assert not self.warned(staff)

    @staticmethod
    def warned(staff: Asking) -> list[str]:
        """Give the warnings of such files."""
        return [one for one in staff.staff("status_show").body["warnings"] if "one line" in one]


class TestAReplay:
    """The octets of a file taken in once more, as a file of its own."""

    @pytest.mark.parametrize("times", [1, 2])
    def test_charges_nothing_twice(self, office: Office, staff: Asking, times: int) -> None:
        """However often a file is replayed, each of its calls is a duplicate of the first time."""
        put_octets(
            office.spool, "a.json", packed(document([made_call("1", 1), made_call("2", 2)]))
        )
        work(office)
        before = office.charged(), office.balances()
        for n in range(1, times + 1):
            replayed = staff.staff("file_replay", id="1").body["file"]
            assert (replayed["id"], replayed["replay"], replayed["state"]) == (
                1 + n,
                n,
                "ARRIVING",
            )
            assert staff.staff("file_replay", id="1").code == "NOT_REPLAYABLE"
            work(office)
            [counts] = office.all(
                "SELECT state, new, duplicate FROM usage_file WHERE id = %(id)s", id=1 + n
            )
            assert counts == ("DONE", 0, 2)

        assert (office.charged(), office.balances()) == before
        assert office.names("work") == []
        assert len(office.names("done")) == 1

    def test_charges_what_a_wrong_profile_rejected(self, office: Office, staff: Asking) -> None:
        """Rows that the first profile could not read are charged by the mended one, the others stay as they are."""
        odd = made_call("2", 2, AWAY, 60)
        odd["to"] = ""
        calls = [made_call("1", 1), odd | {"dialled": f"+{AWAY}"}]
        put_octets(office.spool, "a.json", document(calls))
        work(office)
        assert office.verdicts("a.json")["rejected"] == 1
        mended = PROFILE.replace('destination = "to"', 'destination = "dialled"').replace(
            '"seconds"]', '"seconds", "dialled"]'
        )
        staff.staff("profile_load", document=mended)
        staff.staff("file_replay", id="1")
        work(office)

        [counts] = office.all("SELECT new, duplicate, rejected FROM usage_file WHERE id = 2")
        assert counts == (1, 0, 1)

    def test_goes_on_when_the_octets_come_again(self, office: Office, staff: Asking) -> None:
        """A source that sends a file once more while staff have it replayed takes nothing from under the replay."""
        octets = document([made_call("1", 1), made_call("2", 2)])
        put_octets(office.spool, "a.json", octets)
        work(office)
        for _ in keeping.pack_all(Spool(office.spool)):
            pass
        staff.staff("file_replay", id="1")
        office.take_in()
        put_octets(office.spool, "again.json", octets)
        work(office)

        assert office.all("SELECT state, duplicate FROM usage_file WHERE id = 2") == [("DONE", 2)]
        assert (office.names("work"), len(office.names("done"))) == ([], 1)

    def test_is_held_when_its_rows_would_be_other_events(
        self, office: Office, staff: Asking
    ) -> None:
        """The profile was given other identities since: what was charged once waits for a clerk to be charged again."""
        put_octets(office.spool, "a.json", document([made_call("1", 1), made_call("2", 2)]))
        work(office)
        other = PROFILE.replace('[["id"]]', '[["id", "at"]]')
        refused = staff.staff("profile_load", document=other)
        assert (refused.code, "charged again" in refused.body["text"]) == ("OTHER_EVENTS", True)
        assert staff.staff("profile_load", document=other, other_events="yes").done
        staff.staff("file_replay", id="1")
        work(office)

        held, why = state(office, 2)
        assert (held, "would be charged again" in str(why)) == ("HELD", True), why
        assert len(office.charged()) == 2

        staff.staff("profile_load", document=PROFILE, other_events="yes")
        staff.staff("file_release", id="2")
        work(office)
        assert office.all("SELECT state, duplicate FROM usage_file WHERE id = 2") == [("DONE", 2)]

    def test_is_refused_for_what_has_no_octets(self, office: Office, staff: Asking) -> None:
        """A file in work, one that is not there, and one whose original was dropped say what to do instead."""
        put_octets(office.spool, "a.json", document([made_call("1", 1)]))
        office.take_in()
        refused = staff.staff("file_replay", id="1")
        assert (refused.code, "once it is done" in refused.body["text"]) == (
            "NOT_REPLAYABLE",
            True,
        )
        assert staff.staff("file_replay", id="9").code == "NOT_FOUND"
        office.rate()
        office.as_owner("INSERT INTO original_dropped (file_id, at) VALUES (1, '2027-01-02')")
        refused = staff.staff("file_replay", id="1")

        assert refused.code == "NOT_REPLAYABLE"
        assert "were kept until 2027-01-02" in refused.body["text"]


class TestAStoredProfile:
    """How records are read, as staff keep it."""

    def test_comes_out_as_it_went_in(self, staff: Asking) -> None:
        """What is shown can be loaded again; the same again makes no new version."""
        assert staff.staff("profile_show", code="json-calls").body == {"document": PROFILE}
        again = staff.staff("profile_load", document=PROFILE).body
        assert (again["version"], again["stored"], again["sources"]) == (1, False, [world.SOURCE])
        changed = PROFILE.replace("one JSON", "a JSON")
        assert staff.staff("profile_load", document=changed).body["version"] == 2
        assert (
            staff.staff("profile_show", code="json-calls", version="1").body["document"] == PROFILE
        )
        assert staff.staff("profile_show", code="json-calls").body["document"] == changed
        assert staff.staff("profile_show", code="json-calls", version="3").code == "NOT_FOUND"
        listed = {one["code"]: one for one in staff.staff("profile_list").body["profiles"]}
        assert (listed["json-calls"]["version"], listed["json-calls"]["name"]) == (
            2,
            "Calls as a JSON document",
        )
        assert listed["asterisk-master-csv"]["version"] == 0

    def test_is_refused_with_all_that_is_wrong(self, office: Office, staff: Asking) -> None:
        """Each fault is named with its place, and nothing is stored; a ready one can't be replaced."""
        wrong = PROFILE.replace('quantity = "seconds"', 'quantity = "duration"').replace(
            'destination = "to"', 'destination = "callee"'
        )
        refused = staff.staff("profile_load", document=wrong)
        assert refused.code == "BAD_DOCUMENT"
        assert "duration" in refused.body["text"]
        assert "callee" in refused.body["text"]
        taken = staff.staff("profile_show", code="asterisk-master-csv").body["document"]
        assert "comes with bmuid" in staff.staff("profile_load", document=taken).body["text"]
        assert office.all("SELECT count(*) FROM profile") == [(1,)]

    def test_has_types_of_identifiers_that_can_be_assigned(self, staff: Asking) -> None:
        """What a stored profile reads records by is no slip of the pen when a clerk assigns it."""
        wanted = {"value": "7001", "account": "A1", "from_": "2026-08-01"}
        assert staff.staff("uid_assign", type="meter", **wanted).code == "BAD_ARGUMENT"
        metered = PROFILE.replace('type = "phone"', 'type = "meter"')
        assert staff.staff("profile_load", document=metered).done
        assert staff.staff("uid_assign", type="meter", **wanted).done

    def test_that_is_not_there_is_none_of_a_source(self, staff: Asking) -> None:
        """A source that names an unknown profile is refused, and told which there are."""
        refused = staff.staff("source_set", code=world.SOURCE, profile="json-cals")
        assert refused.code == "BAD_ARGUMENT"
        assert "there is no profile json-cals; there are" in refused.body["text"]
        assert "json-calls" in refused.body["text"]


def test_no_staff_can_change_how_a_file_was_read(office: Office) -> None:
    """What a file was read by is on record for good, once it is worked."""
    put(office.spool, "a.csv", [call("1.1", 1)])
    work(office)
    with pytest.raises(Exception, match="refused"):
        office.as_owner("UPDATE usage_file SET profile = 'other' WHERE id = 1")
    put(office.spool, "b.csv", [call("1.2", 1)])
    office.take_in()
    with pytest.raises(Exception, match="append-only"):
        office.as_owner("UPDATE usage_file SET profile = 'other' WHERE id = 2")
