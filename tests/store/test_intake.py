"""From a switch's files to charges: every line has one verdict, every call is charged once, to the last digit."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2.errors
import pytest
import usage_world as world
from conftest import Database
from offices import CUSTOMERS, NeverStopped, Office, opened
from usage_world import AWAY, HOME, MONDAY_NOON, UNPRICED, call, put

from bmu.period import to_us
from bmu.rating import Grant
from bmu.usage import Unit
from bmuid.intake import chunk
from bmuid.intake.chunk import Bench, FileBlockedError
from bmuid.intake.spool import Spool
from bmuid.store import buckets, files, parts
from bmuid.store.buckets import Span, Wanted
from bmuid.store.transaction import run
from bmuid.worker.rating import Rating


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


class TestACall:
    """What one call becomes."""

    def test_is_charged_by_the_second_and_taxed(self, office: Office) -> None:
        """A call abroad of 90 seconds at 60 pence a minute costs 90 pence and 18 pence of tax."""
        found = office.hand_in("a.csv", [call("1.1", 1, AWAY, 90)])

        assert found == {"new": 1, "duplicate": 0, "suspended": 0, "rejected": 0}
        [(account, started, billable, amount, tax)] = office.all(
            "SELECT account_id, started_at, billable, amount_e11, tax_e11 FROM charge"
        )
        assert (account, started, billable) == (1, MONDAY_NOON, 90)
        assert (amount, tax) == (90 * 10**9, 18 * 10**9)

    def test_keeps_its_line_number_and_numbers(self, office: Office) -> None:
        """The usage record names file and line it was read from, caller and called."""
        office.hand_in("a.csv", [call("1.1", 2, UNPRICED), call("1.2", 1, AWAY, 90)])

        assert office.all("SELECT line_no, origin, destination, quantity FROM udr") == [
            (2, world.number_of(1), AWAY, 90)
        ]

    def test_draws_from_the_allowance_first(self, office: Office) -> None:
        """Ten minutes are included: of a call of eleven, the last minute is paid for, 6 pence."""
        office.hand_in("a.csv", [call("1.1", 1, HOME, 660)])

        [(rounded, billable, amount)] = office.all(
            "SELECT rounded, billable, amount_e11 FROM charge"
        )
        assert (rounded, billable, amount) == (660, 60, 6 * 10**9)
        assert office.balances() == {1: 0}
        assert office.all("SELECT kind, quantity FROM draw ORDER BY kind") == [
            ("DRAW", -600),
            ("GRANT", 600),
        ]

    def test_of_the_next_month_has_an_allowance_of_its_own(self, office: Office) -> None:
        """What was used up in August is there again in September, by the customer's own clock."""
        last = MONDAY_NOON.replace(day=31, hour=22, minute=59)  # one minute to September in London
        office.hand_in(
            "a.csv",
            [
                call("1.1", 1, HOME, 600, last),
                call("1.2", 1, HOME, 100, last + timedelta(minutes=2)),
            ],
        )

        assert office.all("SELECT billable FROM charge") == [(0,), (0,)]
        assert office.all("SELECT balance, lower(during) FROM bucket ORDER BY 2") == [
            (0, MONDAY_NOON.replace(day=1, month=7, hour=23) + timedelta(days=30)),
            (500, MONDAY_NOON.replace(day=31, hour=23)),
        ]


class TestALine:
    """How each line of a file ends."""

    def test_has_exactly_one_verdict(self, office: Office) -> None:
        """A file of every kind of line is done with as many verdicts as lines, and the reasons say why."""
        found = office.hand_in(
            "a.csv",
            [
                call("1.1", 1),
                call("1.1", 1),
                call("1.1", 1, seconds=61),
                call("1.2", 400),
                call("1.3", 2, UNPRICED),
                call("1.4", 2, disposition="NO ANSWER"),
                "what is this",
                "",
            ],
        )

        assert found == {"new": 1, "duplicate": 1, "suspended": 3, "rejected": 3}
        assert office.all("SELECT line_no, verdict, reason FROM verdict ORDER BY line_no") == [
            (2, "DUPLICATE", "REPEATED"),
            (3, "SUSPENDED", "CONFLICT"),
            (4, "SUSPENDED", "NO_UID"),
            (5, "SUSPENDED", "NO_RATE"),
            (6, "REJECTED", "FILTERED"),
            (7, "REJECTED", "MALFORMED_LINE"),
            (8, "REJECTED", "MALFORMED_LINE"),
        ]

    def test_that_is_no_usage_is_kept_as_it_came(self, office: Office) -> None:
        """Octets that no character set explains are in the list of rejected lines, unchanged."""
        put(office.spool, "a.csv", [])
        path = office.spool / world.SOURCE / "in" / "a.csv"
        path.write_bytes(b"\xff\x00\x01 odd\r\n" + call("1.1", 1).encode())
        office.take_in()
        office.rate()

        assert office.verdicts("a.csv") == {
            "new": 1,
            "duplicate": 0,
            "suspended": 0,
            "rejected": 1,
        }
        [(line, key)] = office.all("SELECT line, event_key FROM verdict")
        assert (bytes(line), key) == (b"\xff\x00\x01 odd\r", None)

    def test_longer_than_any_record_harms_no_other(self, office: Office) -> None:
        """Of a line of three mebioctets the beginning is kept; the lines around it are charged."""
        huge = "x" * (3 << 20)
        found = office.hand_in(
            "a.csv", [call("1.1", 1), huge, call("1.2", 1), "y" * 65_537, call("1.3", 1)]
        )

        assert found == {"new": 3, "duplicate": 0, "suspended": 0, "rejected": 2}
        assert office.all("SELECT line_no, reason, length(line) FROM verdict ORDER BY 1") == [
            (2, "LINE_TOO_LONG", 65_536),
            (4, "LINE_TOO_LONG", 65_536),
        ]

    def test_from_the_future_or_the_far_past_waits_for_a_person(self, office: Office) -> None:
        """A clock set wrong makes no charge: beyond an hour ahead, or too long ago, is suspended."""
        [(now,)] = office.all("SELECT date_trunc('second', transaction_timestamp())")
        office.days_back = 30
        found = office.hand_in(
            "a.csv",
            [
                call("1.1", 1, answered=now + timedelta(hours=2)),
                call("1.2", 1, answered=now - timedelta(days=31)),
                call("1.3", 1, answered=now - timedelta(days=29)),
            ],
        )

        assert found == {"new": 1, "duplicate": 0, "suspended": 2, "rejected": 0}
        assert office.all("SELECT DISTINCT reason FROM verdict") == [("OUT_OF_WINDOW",)]


class TestTheSameAgain:
    """Nothing is charged twice, and nothing is dropped for looking alike."""

    def test_file_changes_nothing(self, office: Office) -> None:
        """The same octets under another name are answered with the first result."""
        lines = [call("1.1", 1), call("1.2", 2)]
        office.hand_in("a.csv", lines)
        before = office.charged(), office.balances()
        put(office.spool, "b.csv", lines)
        office.take_in()
        office.rate()

        assert (office.charged(), office.balances()) == before
        assert office.all("SELECT name FROM usage_file") == [("a.csv",)]
        assert office.names("in") == []

    def test_call_in_another_file_is_a_duplicate(self, office: Office) -> None:
        """A switch that sends yesterday's records once more is paid no attention, line by line."""
        office.hand_in("a.csv", [call("1.1", 1), call("1.2", 2)])
        before = office.charged(), office.balances()
        found = office.hand_in("b.csv", [call("1.3", 400), call("1.2", 2), call("1.1", 1)])

        assert found == {"new": 0, "duplicate": 2, "suspended": 1, "rejected": 0}
        assert (office.charged(), office.balances()) == before
        assert office.all("SELECT detail FROM verdict WHERE line_no = 2") == [
            ("the same as file 1 line 2",)
        ]

    def test_call_twice_in_another_file_is_two_duplicates(self, office: Office) -> None:
        """A file that tells of yesterday's call twice: each of its lines has its one verdict."""
        office.hand_in("a.csv", [call("1.1", 1)])
        before = office.charged(), office.balances()
        lines = [call("1.1", 1), call("1.2", 400), call("1.1", 1), call("1.1", 1, AWAY, 70)]
        found = office.hand_in("b.csv", lines)

        assert found == {"new": 0, "duplicate": 2, "suspended": 2, "rejected": 0}
        assert (office.charged(), office.balances()) == before
        assert office.all("SELECT line_no FROM verdict ORDER BY 1") == [(1,), (2,), (3,), (4,)]

    def test_call_with_other_content_waits_with_both_bodies(self, office: Office) -> None:
        """Two records of one call that disagree: the first stays charged, a clerk sees both."""
        first, second = call("1.1", 1, AWAY, 60), call("1.1", 1, AWAY, 70)
        office.hand_in("a.csv", [call("1.0", 2), first])
        before = office.charged()
        found = office.hand_in("b.csv", [second])
        again = office.hand_in("c.csv", [call("1.9", 2), second])

        assert office.charged()[:1] == before[:1]
        assert found == {"new": 0, "duplicate": 0, "suspended": 1, "rejected": 0}
        assert again == {"new": 1, "duplicate": 0, "suspended": 1, "rejected": 0}
        [(detail,), _] = office.all(
            "SELECT detail FROM verdict WHERE reason = 'CONFLICT' ORDER BY file_id"
        )
        assert detail == f"file 1 line 2: {first}\nthis line: {second}"

    def test_call_that_waits_is_not_taken_a_second_time(self, office: Office) -> None:
        """A suspended record has claimed its key: the same record later is a duplicate of it."""
        office.hand_in("a.csv", [call("1.1", 400)])

        assert office.hand_in("b.csv", [call("1.0", 400), call("1.1", 400)]) == {
            "new": 0,
            "duplicate": 1,
            "suspended": 1,
            "rejected": 0,
        }

    def test_call_that_was_no_usage_may_come_as_usage(self, office: Office) -> None:
        """A rejected record claims nothing: its call, recorded well the next time, is charged."""
        office.hand_in("a.csv", [call("1.1", 1, disposition="NO ANSWER")])

        assert office.hand_in("b.csv", [call("1.1", 1)])["new"] == 1


class TestTheSpool:
    """What becomes of the files themselves."""

    def test_keeps_a_file_read_only_under_its_digest(self, office: Office) -> None:
        """A finished file lies in done/, as it came, named by what it holds."""
        office.hand_in("a.csv", [call("1.1", 1)])

        [kept] = (office.spool / world.SOURCE / "done").iterdir()
        [(digest,)] = office.all("SELECT encode(sha256, 'hex') FROM usage_file")
        assert kept.name == digest
        assert kept.stat().st_mode & 0o777 == 0o400
        assert kept.read_text(encoding="utf-8") == call("1.1", 1) + "\n"
        for stage in ("in", "taking", "work"):
            assert office.names(stage) == []

    def test_leaves_alone_what_is_unfinished_or_no_file(self, office: Office) -> None:
        """Names with a dot ahead or .part behind, links, pipes and directories stay where they are."""
        arriving = put(office.spool, "a.csv.part", [call("1.1", 1)]).parent
        put(office.spool, ".hidden", [call("1.2", 1)])
        (arriving / "link.csv").symlink_to("/etc/passwd")
        (arriving / "directory.csv").mkdir()
        os.mkfifo(arriving / "pipe.csv")
        office.take_in()

        assert office.names("in") == [
            ".hidden", "a.csv.part", "directory.csv", "link.csv", "pipe.csv",
        ]  # fmt: skip
        assert office.all("SELECT count(*) FROM usage_file") == [(0,)]

    def test_leaves_alone_what_no_source_sent(self, office: Office) -> None:
        """A directory that no source is named after: its files are not lost, and not taken."""
        put(office.spool, "a.csv", [call("1.1", 1)], source="stranger")
        office.take_in()
        office.rate()

        assert office.all("SELECT count(*) FROM usage_file") == [(0,)]
        assert [path.name for path in (office.spool / "stranger").rglob("*.csv")] == ["a.csv"]

    def test_is_done_with_an_empty_file_at_once(self, office: Office) -> None:
        """A file without a line has no verdicts to wait for."""
        put(office.spool, "empty.csv", [])
        office.take_in()

        assert office.verdicts("empty.csv") == {
            "new": 0,
            "duplicate": 0,
            "suspended": 0,
            "rejected": 0,
        }
        assert len(office.names("done")) == 1

    def test_takes_up_what_a_crash_left_half_way(self, office: Office) -> None:
        """Power gone between taking a file and knowing it: it is known after the next start, by its name."""
        path = put(office.spool, "a.csv", [call("1.1", 1)])
        taken = office.spool / world.SOURCE / "taking" / "a.csv"
        path.rename(taken)
        os.link(taken, office.spool / world.SOURCE / "work" / ("0" * 64))
        office.take_in()
        office.rate()

        assert office.verdicts("a.csv")["new"] == 1

    def test_waits_while_there_is_no_catalogue(self, database: Database, tmp_path: Path) -> None:
        """A file that comes before the catalogue was loaded is taken in once it is."""
        with closing(database.connect()) as connection:
            office = Office(database, connection, tmp_path)
            with closing(database.connect("postgres")) as owner:
                with owner, owner.cursor() as txn:
                    txn.execute(
                        "INSERT INTO source (code, name, profile, time_zone, country_code, trunk_prefix, international_prefix)"
                        " VALUES ('early', 'E', 'asterisk-master-csv', 'UTC', '44', '0', '00')"
                    )
                put(tmp_path, "a.csv", [call("1.1", 1)], source="early")
                office.take_in()
                assert office.all("SELECT count(*) FROM usage_file") == [(0,)]
                world.found(owner, CUSTOMERS)
            office.take_in()
            office.rate()

            assert office.verdicts("a.csv")["new"] == 1

    def test_says_when_a_file_has_gone_and_goes_on_once_it_is_back(self, office: Office) -> None:
        """An original deleted by mistake holds up its file, loudly; put back, it is rated."""
        put(office.spool, "a.csv", [call("1.1", 1)])
        office.take_in()
        [kept] = (office.spool / world.SOURCE / "work").iterdir()
        elsewhere = kept.rename(office.spool / "elsewhere")
        bench = Bench(Spool(office.spool), days_back=office.days_back)
        with pytest.raises(FileBlockedError, match=kept.name):
            run(office.connection, chunk.work, bench)
        elsewhere.rename(kept)
        office.rate()

        assert office.verdicts("a.csv")["new"] == 1


@dataclass(frozen=True, slots=True)
class Made:
    """A call as the customers made it, before any switch wrote it down."""

    unique: str
    customer: int
    called: str
    seconds: int
    answered: datetime
    disposition: str = "ANSWERED"

    def line(self) -> str:
        """Give the switch's line."""
        return call(
            self.unique, self.customer, self.called, self.seconds, self.answered, self.disposition
        )


CALLS = [
    Made(
        unique=f"2.{n % 390}",
        customer=1 + n * 7 % CUSTOMERS if n % 37 else 400,
        called=HOME if n % 3 else AWAY,
        seconds=20 + n * 13 % 90,
        answered=MONDAY_NOON + timedelta(minutes=n % 390 * 17 % 4000),
        disposition="ANSWERED" if n % 11 else "BUSY",
    )
    for n in range(400)
]


def naively(calls: Sequence[Made]) -> tuple[dict[int, int], list[tuple[int, datetime, int, int]]]:
    """
    Give what is left of each allowance, and (customer, start, paid seconds, amount in 10^-11 pounds) of each call.

    Written from what the company promises, knowing nothing of how it is worked.
    """
    left, seen, charged = {}, set(), []
    for made in calls:
        if made.disposition == "BUSY" or made.unique in seen:
            continue
        seen.add(made.unique)
        if made.customer > CUSTOMERS:
            continue
        left.setdefault(made.customer, world.ALLOWANCE)
        covered = min(left[made.customer], made.seconds) if made.called == HOME else 0
        left[made.customer] -= covered
        pence_a_minute = 6 if made.called == HOME else 60
        amount = (made.seconds - covered) * pence_a_minute * 10**9 // 60
        charged.append((made.customer, made.answered, made.seconds - covered, amount))
    return left, sorted(charged)


class TestHoweverItIsWorked:
    """The result is one and the same."""

    @pytest.mark.parametrize(
        ("parts", "chunk_lines"), [(1, 100_000), (1, 7), (2, 7), (2, 1000), (3, 100_000), (8, 50)]
    )
    def test_chunks_and_parts_change_no_digit(
        self, office: Office, parts: int, chunk_lines: int
    ) -> None:
        """One worker or several, in small steps or large: each charge and balance is what was promised."""
        office.parts, office.chunk_lines = parts, chunk_lines
        office.hand_in("a.csv", [made.line() for made in CALLS[:300]])
        office.hand_in("b.csv", [made.line() for made in CALLS[300:]])
        left, charged = naively(CALLS)

        assert office.balances() == left
        assert 0 in left.values(), "an allowance is used up, or the order would not matter"
        assert (
            sorted(office.all("SELECT account_id, started_at, billable, amount_e11 FROM charge"))
            == charged
        )
        assert office.all("SELECT count(*) FROM charge WHERE tax_e11 <> amount_e11 / 5") == [(0,)]
        assert office.all(
            "SELECT account_id, sum(quantity) FROM draw GROUP BY 1 ORDER BY 1"
        ) == sorted(left.items())

    def test_a_later_file_waits_for_the_same_accounts_of_an_earlier_one(
        self, office: Office
    ) -> None:
        """Usage of an account is rated in the order it arrived, even with two workers."""
        for name in ("a.csv", "b.csv"):
            put(office.spool, name, [call(f"{name}.{n}", n) for n in range(1, CUSTOMERS + 1)])
        office.take_in()
        with (
            closing(psycopg2.connect(office.connection.dsn)) as second,
            second.cursor() as other,
            office.connection.cursor() as one,
        ):
            first = parts.take_part(one)
            next_ = parts.take_part(other)
            assert first is not None
            assert next_ is not None
            assert (first.file_id, first.part) == (1, 0)
            assert (next_.file_id, next_.part) == (1, 1)
            with (
                closing(psycopg2.connect(office.connection.dsn)) as third,
                third.cursor() as last,
            ):
                assert parts.take_part(last) is None
            office.connection.rollback()
            second.rollback()

    def test_a_worker_stays_with_the_part_it_worked_last(self, office: Office) -> None:
        """It has read on there already; a part that another took, or that is done, it leaves."""
        put(office.spool, "a.csv", [call(f"a.{n}", n) for n in range(1, CUSTOMERS + 1)])
        office.take_in()
        with office.connection.cursor() as one:
            stays = parts.take_part(one, (1, 1))
            assert stays is not None
            assert (stays.file_id, stays.part) == (1, 1)
            with (
                closing(psycopg2.connect(office.connection.dsn)) as second,
                second.cursor() as other,
            ):
                moves = parts.take_part(other, (1, 1))
                assert moves is not None
                assert (moves.file_id, moves.part) == (1, 0)
                second.rollback()
            parts.advance(one, stays, stays.lines + 1, 0, files.Verdicts(), None)
            moves = parts.take_part(one, (1, 1))
            assert moves is not None
            assert (moves.file_id, moves.part) == (1, 0)
        office.connection.rollback()

    def test_a_file_with_other_parts_waits_for_the_whole_earlier_one(self, office: Office) -> None:
        """After the number of workers was changed, files split in the old way are finished first."""
        put(office.spool, "a.csv", [call("a", 1)])
        office.take_in()
        office.parts = 3
        put(office.spool, "b.csv", [call("b", 1)])
        office.take_in()
        taken = []
        with office.connection.cursor() as txn:
            for _ in range(5):
                part = parts.take_part(txn)
                assert part is not None
                taken.append((part.file_id, part.part))
                parts.advance(txn, part, part.lines + 1, 0, files.Verdicts(), None)
        office.connection.rollback()

        assert taken == [(1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]


class TestAnAllowance:
    """What the database holds against any worker."""

    def test_is_locked_by_who_draws_from_it(self, office: Office) -> None:
        """While one transaction rates an account's usage, no other reads its balance to draw from it."""
        office.hand_in("a.csv", [call("1.1", 1)])
        span = Span(to_us(MONDAY_NOON), to_us(MONDAY_NOON), ("MINUTES",))
        with (
            closing(psycopg2.connect(office.connection.dsn)) as second,
            second.cursor() as other,
            office.connection.cursor() as one,
        ):
            assert [state.balance for state in buckets.lock(one, [1], span)] == [540]
            other.execute("SET LOCAL lock_timeout = 1")
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                buckets.lock(other, [1], span)
            office.connection.rollback()

    def test_never_goes_below_zero(self, office: Office) -> None:
        """The database refuses a draw of more than is left, whoever makes it."""
        office.hand_in("a.csv", [call("1.1", 1)])
        with pytest.raises(psycopg2.errors.CheckViolation, match="bucket_never_below_zero"):
            office.all(
                "INSERT INTO draw (account_id, started_at, bucket_id, kind, udr_id, version, quantity)"
                " SELECT account_id, %(at)s, id, 'DRAW', 1, 1, -541 FROM bucket RETURNING 1",
                at=MONDAY_NOON,
            )

    def test_is_granted_once_by_two_at_a_time(self, office: Office) -> None:
        """Two that find no bucket for the month at the same time make one."""
        office.hand_in("a.csv", [call("1.1", 1)])
        [state] = office.all("SELECT lower(during), upper(during) FROM bucket")
        grant = Grant("MINUTES", to_us(state[0]), to_us(state[1]), world.ALLOWANCE, Unit.TIME)
        with office.connection, office.connection.cursor() as txn:
            buckets.grant(txn, [Wanted(1, 1, grant), Wanted(2, 2, grant)])

        assert office.balances() == {1: 540, 2: 600}
        assert office.all("SELECT account_id, sum(quantity) FROM draw GROUP BY 1 ORDER BY 1") == [
            (1, 540),
            (2, 600),
        ]


class TestAChargeInTheDayItself:
    """The rules of charges hold also for rows that are written straight to the table of their day."""

    def test_needs_its_usage_record(self, office: Office) -> None:
        """A first charge that does not say of which usage is refused."""
        office.hand_in("a.csv", [call("1.1", 1)])
        with pytest.raises(psycopg2.errors.CheckViolation, match="charge_is_of_usage"):
            office.all(
                "INSERT INTO charge_20260803 (account_id, started_at, udr_id, version, replaces, account_service_id,"
                " rated_at, revision, usage_class_id, plan_level, rate_plan_id, rate_group_id, rate_id,"
                " location_pattern_id, tax_id, quantity, rounded, billable, rated_e11, amount_e11, tax_e11, currency)"
                " SELECT account_id, started_at, udr_id + 1, version, replaces,"
                " account_service_id, rated_at, revision, usage_class_id, plan_level, rate_plan_id, rate_group_id,"
                " rate_id, location_pattern_id, tax_id, quantity, rounded, billable, rated_e11, amount_e11, tax_e11,"
                " currency FROM charge RETURNING 1"
            )

    def test_is_of_that_day(self, office: Office) -> None:
        """A usage record of another day has no place there."""
        office.hand_in("a.csv", [call("1.1", 1)])
        with pytest.raises(psycopg2.errors.CheckViolation, match="partition constraint"):
            office.all(
                "INSERT INTO charge_20260803 (account_id, started_at, udr_id, version, account_service_id,"
                " rated_at, revision, usage_class_id, plan_level, rate_plan_id, rate_group_id, rate_id,"
                " location_pattern_id, tax_id, quantity, rounded, billable, rated_e11, amount_e11, tax_e11, currency,"
                " file_id, line_no, uid_id, origin, destination)"
                " SELECT account_id, started_at + interval '1 day', udr_id, version,"
                " account_service_id, rated_at, revision, usage_class_id, plan_level, rate_plan_id, rate_group_id,"
                " rate_id, location_pattern_id, tax_id, quantity, rounded, billable, rated_e11, amount_e11, tax_e11,"
                " currency, file_id, line_no, uid_id, origin, destination FROM charge RETURNING 1"
            )


class TestWhatStandsInTheWay:
    """A file that can't be worked, or whose ground moves while it is worked."""

    def test_a_file_that_is_gone_is_set_aside_and_others_go_on(self, office: Office) -> None:
        """One file lost from the spool stops nothing else; put back and tried again, it is worked."""
        put(office.spool, "lost.csv", [call("1.1", 1, AWAY, 60)])
        office.take_in()
        [work] = (office.spool / world.SOURCE / "work").iterdir()
        elsewhere = work.rename(office.spool / "elsewhere")

        assert office.hand_in("b.csv", [call("2.1", 1, AWAY, 60)])["new"] == 1
        blocked = office.all("SELECT state, blocked FROM usage_file_part WHERE file_id = 1")
        assert {state for state, _ in blocked} == {"BLOCKED"}
        assert all("put the octets" in str(why) for _, why in blocked)

        elsewhere.rename(work)
        office.unblock(1)
        office.rate()
        assert office.verdicts("lost.csv")["new"] == 1

    def test_a_file_that_grew_after_it_was_handed_in_is_set_aside(self, office: Office) -> None:
        """A switch that went on writing is found out; no line is left unread in silence."""
        put(office.spool, "grown.csv", [call("1.1", 1, AWAY, 60)])
        office.take_in()
        [work] = (office.spool / world.SOURCE / "work").iterdir()
        work.chmod(0o600)
        with work.open("a", encoding="utf-8") as file:
            file.write(call("1.2", 1, AWAY, 60) + "\n")

        office.rate()

        assert office.all("SELECT count(*) FROM charge") == [(0,)]
        [(why, *_)] = set(office.all("SELECT blocked FROM usage_file_part"))
        assert "written to after it was handed in" in str(why)

    def test_a_file_that_nobody_foresaw_is_set_aside_and_others_go_on(
        self, office: Office
    ) -> None:
        """What the program or the database trips over again and again is one file's trouble, not all files'."""
        office.as_owner("ALTER TABLE usage_key ADD CONSTRAINT odd CHECK (file_id <> 1) NOT VALID")
        put(office.spool, "odd.csv", [call("1.1", 1, AWAY, 60)])
        office.take_in()
        office.rate()

        assert office.hand_in("b.csv", [call("2.1", 1, AWAY, 60)])["new"] == 1
        blocked = office.all(
            "SELECT blocked FROM usage_file_part WHERE file_id = 1 AND state = 'BLOCKED'"
        )
        assert len(blocked) == 1, "the part with the line; the other has none"
        assert 'violates check constraint "odd"' in str(blocked[0][0])
        assert "from line 1 on" in str(blocked[0][0])

        office.as_owner("ALTER TABLE usage_key DROP CONSTRAINT odd")
        office.unblock(1)
        office.rate()
        assert office.verdicts("odd.csv")["new"] == 1

    def test_a_file_is_read_by_the_settings_it_came_with(self, office: Office) -> None:
        """A source that is set up anew between two workers' turns makes no call double and loses none."""
        lines = [call(f"1.{n}", n, AWAY, 60).replace("+44", "0") for n in range(1, CUSTOMERS + 1)]
        put(office.spool, "a.csv", lines)
        office.take_in()
        bench = Bench(Spool(office.spool), office.days_back)
        first = Rating(bench, NeverStopped())
        while office.all("SELECT count(*) FROM usage_file_part WHERE state = 'DONE'") == [(0,)]:
            first.step(office.connection)
        office.as_owner("UPDATE source SET country_code = '49'")

        office.rate()

        assert office.verdicts("a.csv") == {
            "new": CUSTOMERS,
            "duplicate": 0,
            "suspended": 0,
            "rejected": 0,
        }

    def test_a_service_that_ends_meanwhile_takes_no_call_with_it(self, office: Office) -> None:
        """Each line of a file has its verdict, though a customer leaves while it is worked."""
        put(office.spool, "a.csv", [call(f"1.{n}", n, AWAY, 60) for n in range(1, CUSTOMERS + 1)])
        office.take_in()
        bench = Bench(Spool(office.spool), office.days_back)
        first = Rating(bench, NeverStopped())
        while office.all("SELECT count(*) FROM usage_file_part WHERE state = 'DONE'") == [(0,)]:
            first.step(office.connection)
        office.as_owner("UPDATE account_service SET during = '[2000-01-01,2020-01-01)'")

        office.rate()

        assert office.verdicts("a.csv")["new"] == CUSTOMERS

    def test_a_file_that_waits_is_not_overwritten_by_the_next_of_its_name(
        self, office: Office
    ) -> None:
        """Switches call every file Master.csv; while one waits to be taken in, the next one waits behind it."""
        waits = office.spool / world.SOURCE / "taking" / "Master.csv"
        put(office.spool, "Master.csv", [call("1.1", 1, AWAY, 60)]).rename(waits)
        put(office.spool, "Master.csv", [call("1.2", 1, AWAY, 60)])

        office.take_in()
        office.take_in()
        office.rate()

        assert office.all("SELECT count(*), sum(new) FROM usage_file") == [(2, 2)]

    def test_a_directory_that_is_none_of_ours_stops_nothing(self, office: Office) -> None:
        """Something odd in the spool is passed over; the other sources' files are taken in."""
        (office.spool / "a-plain-thing" / "in").mkdir(parents=True)
        (office.spool / "a-plain-thing" / "taking").write_text("not a directory", encoding="utf-8")

        assert office.hand_in("a.csv", [call("1.1", 1, AWAY, 60)])["new"] == 1
