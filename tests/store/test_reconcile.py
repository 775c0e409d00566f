"""The books: whatever happened to usage, lines, usage and money add up; and whatever is tampered with is found."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from again import rerated
from asking import Asking
from conftest import Database
from offices import NeverStopped, Office, opened
from usage_world import AWAY, HOME, MONDAY_NOON, SOURCE, UNPRICED, call, number_of, put

from bmuid.intake.chunk import Bench
from bmuid.intake.spool import Spool
from bmuid.operations.registry import Role
from bmuid.worker.rating import Rating

PENCE = 10**9
STRANGER = 400


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company; its customers are there since August."""
    with opened(database, tmp_path) as made:
        made.as_owner("UPDATE account_service SET during = tstzrange('2026-08-01 00:00+01', NULL)")
        yield made


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at the admin door."""
    return Asking(database)


def priced(pence: int) -> str:
    """Give the statement that makes calls abroad cost so many pence a minute from a new revision on; 0: nothing at all."""
    ended = (
        "INSERT INTO revision (actor, note) VALUES ('test', 'price');"
        "UPDATE rate SET until = (SELECT max(id) FROM revision) WHERE location = '33' AND until IS NULL;"
    )
    return ended + (
        "INSERT INTO rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per, since)"
        f" SELECT 'ALL/voice/33', 'ALL', 'voice', '33', 'SEC', 'STANDARD', {pence * PENCE}, 60, max(id) FROM revision"
        if pence
        else ""
    )


def bill(office: Office, as_of: str) -> None:
    """Have a bill run made as of a day."""
    office.as_owner(f"INSERT INTO bill_run (as_of, actor) VALUES ('{as_of}', 'test')")
    office.rate()


def live_a_little(office: Office, asking: Asking) -> None:
    """Let everything happen that can happen to usage: all verdicts, retries, takings, rerating, bills and credits."""
    office.hand_in(
        "a.csv",
        [
            call("1.1", 1, AWAY, 90),
            call("1.2", 2, AWAY, 60, MONDAY_NOON + timedelta(days=1)),
            call("1.2", 2, AWAY, 60, MONDAY_NOON + timedelta(days=1)),
            call("1.2", 2, AWAY, 61, MONDAY_NOON + timedelta(days=1)),
            call("1.3", STRANGER),
            call("1.4", 3, UNPRICED),
            call("1.5", 3, disposition="NO ANSWER"),
            "what is this",
        ],
    )
    asking.staff("usage_rate", source=SOURCE, event="e1", class_="voice", uid=number_of(4),
        started_at="2026-08-05T11:00:00Z", quantity="30", destination=AWAY, key="12345678")  # fmt: skip
    asking.staff("usage_rate", source=SOURCE, event="e2", class_="voice", uid=number_of(STRANGER),
        started_at="2026-08-05T11:00:00Z", quantity="30", destination=AWAY, key="12345679")  # fmt: skip
    office.rate()
    bill(office, "2026-09-01")
    asking.staff(
        "uid_assign", type="phone", value=number_of(STRANGER), account="A5", from_="2026-08-01"
    )
    asking.staff("suspense_retry", reason="NO_UID")
    asking.staff("suspense_take", line="1-4")
    office.rate()
    office.as_owner(priced(30))
    rerated(office, asking)
    office.hand_in("b.csv", [call("1.1", 1, AWAY, 90), call("2.1", 1, HOME, 700, MONDAY_NOON + timedelta(days=40))])  # fmt: skip


class TestTheBooks:
    """Books that nobody tampered with."""

    @pytest.mark.usefixtures("office")
    def test_of_nothing_add_up(self, asking: Asking) -> None:
        """A company that has had no usage yet has books without a line, which add up."""
        found = asking.staff("reconcile_show", role=Role.AUDITOR).body

        assert found["verdict"] == "adds up"
        assert found["lines"] == dict.fromkeys(
            ("files", "lines", "new", "partial", "duplicate", "suspended", "rejected", "left"), 0
        )

    def test_tell_every_line_every_call_and_every_penny(
        self, office: Office, asking: Asking
    ) -> None:
        """After a whole life of usage the sums are those that one counts by hand."""
        live_a_little(office, asking)

        found = asking.staff("reconcile_show").body

        assert found["verdict"] == "adds up", found["differences"]
        assert found["lines"] == {
            "files": 3, "lines": 12, "new": 4, "partial": 0, "duplicate": 2, "suspended": 4, "rejected": 2,
            "left": 0,
        }  # fmt: skip
        # Of four that were suspended only the satellite call waits on.
        assert found["usage"] == {"udrs": 8, "rated": 7, "suspended": 1, "waiting": 0}
        # Abroad at 30 pence a minute: 90 + 60 + 61 + 30 + 30 seconds; home: 100 seconds beyond the allowance at 6, one within.
        assert found["amounts"] == [
            {"currency": "GBP", "charged": "1.455", "invoiced": "1.8", "not_yet_invoiced": "-0.345", "of_periods": "0"}
        ]  # fmt: skip

    def test_add_up_at_every_moment(self, office: Office, asking: Asking) -> None:
        """In the middle of a file, after a price was taken away, after credits: always, counted either way."""
        office.hand_in("a.csv", [call("1.1", 1, AWAY, 90), call("1.2", 1, HOME, 60)])
        bill(office, "2026-09-01")
        self.all_agree(asking)
        office.as_owner(priced(0))
        rerated(office, asking)
        assert self.all_agree(asking)["usage"] == {
            "udrs": 2, "rated": 1, "suspended": 0, "waiting": 1,
        }  # fmt: skip
        bill(office, "2026-10-01")
        self.all_agree(asking)

        put(office.spool, "b.csv", [call(f"3.{n}", 1 + n % 3) for n in range(10)])
        office.take_in()
        bench = Bench(Spool(office.spool), office.days_back, chunk_lines=4)
        worker = Rating(bench, NeverStopped())
        left = set()
        while worker.step(office.connection):
            left.add(self.all_agree(asking)["lines"]["left"])
        assert len(left) > 2, left
        assert min(left) == 0

    def test_of_one_source_file_or_day_are_told_apart(
        self, office: Office, asking: Asking
    ) -> None:
        """Each file's own sums; a day's are those of the files that arrived on it, by the company's clock."""
        live_a_little(office, asking)
        [today] = office.all("SELECT (max(received_at) AT TIME ZONE 'Europe/London')::date::text FROM usage_file")  # fmt: skip

        assert asking.staff("reconcile_show", file="3").body["usage"]["udrs"] == 1
        assert asking.staff("reconcile_show", file="3").body["amounts"] == [
            {"currency": "GBP", "charged": "0.1", "invoiced": "0", "not_yet_invoiced": "0.1", "of_periods": None}
        ]  # fmt: skip
        assert asking.staff("reconcile_show", day=str(today[0])).body["lines"]["lines"] == 12
        assert asking.staff("reconcile_show", day="2026-08-03").body["lines"]["lines"] == 0
        assert asking.staff("reconcile_show", source="nobody").code == "NOT_FOUND"
        assert asking.staff("reconcile_show", file="99").code == "NOT_FOUND"

    @staticmethod
    def all_agree(asking: Asking) -> dict[str, object]:
        """Give the sums, which are the same however they are counted."""
        quick, full = asking.staff("reconcile_show").body, asking.staff("reconcile_show", full="yes").body  # fmt: skip
        of_source = asking.staff("reconcile_show", source=SOURCE).body
        assert quick["verdict"] == "adds up", quick["differences"]
        assert quick == full
        assert of_source["usage"] == quick["usage"]
        assert [one | {"of_periods": "0"} for one in of_source["amounts"]] == quick["amounts"]
        return quick


TAMPERED = {
    "a file's counts": (
        "UPDATE usage_file SET lines = lines + 1, new = new + 1 WHERE id = 1",
        "file 1 of pbx",
        "the file says other counts than its parts",
    ),
    "a part's and its file's counts": (
        ("UPDATE usage_file SET new = new + 1, rejected = rejected - 1 WHERE id = 1;"
        "UPDATE usage_file_part SET new = new + 1, rejected = rejected - 1 WHERE file_id = 1 AND part = 0"),
        "file 1 of pbx",
        "lines that are usage, and usage that is rated, suspended or waiting",
    ),
    "a part that is not done": (
        ("UPDATE usage_file SET state = 'OPEN', done_at = NULL, new = NULL, duplicate = NULL, suspended = NULL,"
        " rejected = NULL WHERE id = 1; UPDATE usage_file_part SET duplicate = duplicate + 5 WHERE file_id = 1 AND part = 0"),
        "file 1 of pbx",
        "there are more verdicts than lines",
    ),
    "a suspended line that is gone": (
        "DELETE FROM verdict WHERE reason = 'NO_RATE'",
        "file 1 of pbx",
        "lines that are usage, and usage that is rated, suspended or waiting",
    ),
    "a usage record that is gone, and not what replaced its charge": (
        "DELETE FROM charge WHERE account_id = 1 AND version = 1 AND started_at < '2026-08-04'",
        "2026-08-03 UTC",
        "charges of the day that replaced others, and those whose usage record is there",
    ),
    "a charge that is gone": (
        "DELETE FROM charge WHERE account_id = 1 AND version = 2 AND started_at < '2026-08-04'",
        "file 1 of pbx",
        "lines that are usage, and usage that is rated, suspended or waiting",
    ),
    "a usage record that is gone with its charge": (
        "DELETE FROM charge WHERE account_id = 1 AND started_at > '2026-09-01'",
        "file 3 of pbx",
        "lines that are usage, and usage that is rated, suspended or waiting",
    ),
    "a reversal of a charge in force": (
        ("INSERT INTO charge_reversal (account_id, started_at, udr_id, version, reason)"
        " SELECT account_id, started_at, udr_id, version, 'planted' FROM charge WHERE account_id = 2 AND version = 2"),
        "file 1 of pbx",
        "lines that are usage, and usage that is rated, suspended or waiting",
    ),
    "a charge of another amount": (
        "UPDATE charge SET amount_e11 = amount_e11 + 1 WHERE account_id = 1 AND version = 1 AND started_at < '2026-08-04'",
        "invoice 2026-000001, line 2",
        "the line bills another amount than its charges come to",
    ),
    "a line of an invoice of another amount": (
        "UPDATE invoice_line SET amount_e11 = amount_e11 - 1 WHERE invoice_id = 1 AND line_no = 2",
        "invoice 2026-000001, line 2",
        "the line bills another amount than its charges come to",
    ),
    "a note that is gone": (
        "DELETE FROM invoice_charge WHERE account_id = 1 AND started_at < '2026-08-04'",
        "invoice 2026-000001, line 2",
        "the line counts other events than charges are noted for it",
    ),
    "a note for a line that is none": (
        "UPDATE invoice_charge SET line_no = 9 WHERE account_id = 1 AND started_at < '2026-08-04'",
        "invoice 2026-000001, line 9",
        "charges are noted for a line that is none of usage",
    ),
    "a credit of a charge that is in force": (
        ("INSERT INTO invoice_credit (account_id, started_at, udr_id, version, invoice_id, line_no)"
        " SELECT account_id, started_at, udr_id, version, 1, 2 FROM charge WHERE account_id = 1 AND started_at > '2026-09-01'"),
        "all files",
        "GBP: charged, and invoiced with what is not yet",
    ),
}  # fmt: skip
ONLY_IN_FULL = {
    "a duplicate line that is gone": (
        "DELETE FROM verdict WHERE verdict = 'DUPLICATE' AND file_id = 1",
        "file 1 of pbx",
        "duplicate lines counted, and kept",
    ),
    "a rejected line that is gone": (
        "DELETE FROM verdict WHERE reason = 'MALFORMED_LINE'",
        "file 1 of pbx",
        "rejected lines counted, and kept",
    ),
    "an event told of in real time that is gone": (
        "DELETE FROM usage_event WHERE line_no = 2",
        "file 2 of pbx",
        "events told of, and kept",
    ),
}


def tamper(office: Office, statement: str) -> None:
    """Do what no role may: as the superuser, around the triggers."""
    with closing(office.database.connect("postgres")) as owner, owner, owner.cursor() as txn:
        txn.execute("SET session_replication_role = replica; SET search_path TO bmu;" + statement)
        assert txn.rowcount > 0, "there is something to tamper with"


class TestTampering:
    """What somebody with a superuser's rights did."""

    @pytest.mark.parametrize(("statement", "place", "what"), TAMPERED.values(), ids=TAMPERED)
    def test_is_found_and_told_where(
        self, office: Office, asking: Asking, statement: str, place: str, what: str
    ) -> None:
        """Whatever is changed, the quick look says that the books don't add up, and where."""
        live_a_little(office, asking)
        tamper(office, statement)

        found = asking.staff("reconcile_show").body

        assert found["verdict"] == "DOES NOT ADD UP"
        assert (place, what) in [(one["place"], one["what"]) for one in found["differences"]], (
            found["differences"]
        )

    @pytest.mark.parametrize(
        ("statement", "place", "what"), ONLY_IN_FULL.values(), ids=ONLY_IN_FULL
    )
    def test_of_what_no_sum_holds_is_found_by_counting_rows(
        self, office: Office, asking: Asking, statement: str, place: str, what: str
    ) -> None:
        """A kept line that is no usage is missed by whoever counts the rows: of all files, or of one."""
        live_a_little(office, asking)
        tamper(office, statement)
        file = place.split()[1]

        for texts in ({"full": "yes"}, {"file": file}):
            found = asking.staff("reconcile_show", **texts).body
            assert found["verdict"] == "DOES NOT ADD UP"
            told = [(one["place"], one["what"]) for one in found["differences"]]
            assert told == [(place, what)]
