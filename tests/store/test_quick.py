"""An event that is alone: charged in two trips to the database as it would be among others, or left to the longer way whole."""

import json
import select
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import usage_world as world
from conftest import Database
from offices import Office, opened
from usage_world import AWAY, HOME, MONDAY_NOON, UNPRICED, number_of

from bmu.period import to_us
from bmu.rating import TaxRequest, TaxService
from bmuid.intake.events import Event
from bmuid.intake.ours import window_of_us
from bmuid.realtime import single
from bmuid.realtime.answers import Outcome
from bmuid.realtime.counter import Counter
from bmuid.realtime.quick import Quick
from bmuid.realtime.reference import Newest
from bmuid.store import quick as store_quick
from bmuid.store import sparing
from bmuid.store.asking import AskingConnection, Progress
from bmuid.store.quick import Statement

NOW = datetime(2026, 8, 3, 12, tzinfo=UTC)
STRANGER = 400
TRUNK = {"trunk": 'it\'s \\ "7" {a,b} é', "cost": "0.05"}

# All rows of an account but for what must differ: ids, lines, accounts.
ROWS = """
    SELECT quantity, rounded, billable, rated_e11, amount_e11, tax_e11, currency, rate_id, rate_group_id, rate_plan_id,
        plan_level, location_pattern_id, tax_id, usage_class_id, version, replaces, revision, detail::text, destination,
        extras::text, started_at, account_id = account_service_id, file_id, line_no > 0, rated_at <= clock_timestamp(),
        (SELECT array_agg(ROW(d.kind, d.quantity, d.version, d.bucket_id = b.id, d.started_at = c.started_at)::text)
            FROM draw AS d JOIN bucket AS b USING (account_id) WHERE d.udr_id = c.udr_id AND d.account_id = c.account_id),
        (SELECT balance FROM bucket AS b WHERE b.account_id = c.account_id),
        (SELECT replace(convert_from(e.line, 'UTF8'), origin, 'A') || replace(e.answer, 'A' || c.account_id, 'A')
            FROM usage_event AS e WHERE e.file_id = c.file_id AND e.line_no = c.line_no),
        (SELECT count(*) FROM usage_key AS k WHERE k.file_id = c.file_id AND k.line_no = c.line_no)
    FROM charge AS c WHERE account_id = %(id)s ORDER BY udr_id
"""
STREAM = """
    SELECT next_line, new, suspended, oldest_day::text, (SELECT count(*) FROM usage_key), (SELECT count(*) FROM charge),
        (SELECT count(*) FROM usage_event), (SELECT array_agg(balance ORDER BY account_id) FROM bucket)
    FROM usage_file_part WHERE state = 'STREAM'
"""


def told(
    key: str, customer: int, seconds: int = 60, called: str = HOME, **changes: object
) -> Event:
    """Give a call."""
    began = to_us(MONDAY_NOON)
    of_call = Event(key, "phone", number_of(customer), "voice", began, seconds, "", called)
    return of_call._replace(**changes)  # type: ignore[arg-type]


class Ways:
    """Both ways of an event, over what one process keeps."""

    def __init__(self, database: Database, tax_service: TaxService | None = None) -> None:
        self.newest = Newest(tax_service)
        self.counter = Counter(self.newest, lambda now_us: window_of_us(now_us, 100))
        self.quick = Quick(self.newest, self.counter)
        self.long = sparing.connect(database.dsn("bmuid"))
        self.asking = AskingConnection(database.dsn("bmuid"))

    def take_long(self, *events: Event) -> list[object]:
        """Rate and charge events among others."""
        self.counter.begin()
        with self.long.cursor() as txn:
            found = single.rate_all(txn, self.counter, world.SOURCE, events, NOW)
        self.long.commit()
        self.counter.committed()
        assert isinstance(found, list)
        return list(found)

    def take_quick(self, event: Event) -> Outcome | None:
        """Rate and charge an event alone; None: it was left to the longer way."""
        begun = self.quick.begin(world.SOURCE, event, NOW)
        if begun is None:
            return None
        self._ask("BEGIN;", begun.statement)
        ended = self.quick.end(begun, self.asking.row())
        if ended is None:
            self._ask("ROLLBACK")
            return None
        self._ask("", ended.statement, "COMMIT")
        return ended.outcome

    def _ask(self, before: str, statement: Statement | None = None, after: str = "") -> None:
        progress = self.asking.ask(before, statement, after)
        while progress is not Progress.NOTHING:
            select.select([self.asking], [], [])
            progress = self.asking.progress()

    def close(self) -> None:
        """Close both connections."""
        self.long.close()
        self.asking.close()


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


@pytest.fixture
def ways(office: Office) -> Iterator[Ways]:
    """Give both ways of events, of which customers 1 and 2 have told before."""
    with closing(Ways(office.database)) as found:
        found.take_long(told("before 1", 1, 30), told("before 2", 2, 30))
        yield found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"quantity": 601},
        {"quantity": 0},
        {"destination": AWAY, "quantity": 61},
        {"extras": TRUNK},
        {"key": 'it\'s \\ "%s" $1 {}'},
    ],
    ids=["included", "partly", "nothing", "away", "fields", "quotes"],
)
def test_an_event_alone_is_charged_as_among_others(
    office: Office, ways: Ways, changes: dict[str, object]
) -> None:
    """Charge, draws, balance, the kept event, its answer and its key: none tells which way it came."""
    [long] = ways.take_long(told("call", 1)._replace(**changes)._replace(key="long"))  # type: ignore[arg-type]
    alone = told("alone", 2)._replace(**changes)  # type: ignore[arg-type]
    quick = ways.take_quick(alone)

    first, second = (office.all(ROWS, id=account) for account in (1, 2))
    said = json.dumps(alone.key)[1:-1]
    assert [_evened(row, 1) for row in first] == [_evened(row, 2, said) for row in second]
    assert isinstance(long, Outcome)
    assert quick is not None
    assert (quick.amount, quick.included, quick.account) == (long.amount, long.included, "A2")
    assert ways.take_long(alone) == [single.Repeated(quick)]
    assert office.all(STREAM)[0][:4] == (5, 4, 0, "2026-08-03")


def _evened(row: tuple[object, ...], account: int, said: str = "") -> list[str]:
    """Give a row without what its event and its answer are called."""
    texts = [str(value) for value in row]
    texts[-2] = texts[-2].replace(f"before {account}", "").replace(said or "long", "")
    texts[-2] = (
        texts[-2].split('"charge": "')[0] + texts[-2].split('"charge": "')[1].partition('"')[2]
    )
    return texts


def test_what_is_odd_is_left_to_the_longer_way_whole(office: Office, ways: Ways) -> None:
    """A repeat, another of its name, a stranger, no price, nothing granted yet, too late: nothing of it stays."""
    ways.take_quick(told("call", 1))
    before = office.all(STREAM)

    for event in (
        told("call", 1),
        told("call", 1, 61),
        told("stranger", STRANGER),
        told("unpriced", 1, called=UNPRICED),
        told("not granted", 3),
        told("late", 1, started_us=to_us(MONDAY_NOON) - 200 * 86_400_000_000),
        told("another month", 1, started_us=to_us(MONDAY_NOON) - 20 * 86_400_000_000),
    ):
        assert ways.take_quick(event) is None, event.key
        assert office.all(STREAM) == before, event.key


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO revision (actor, note) VALUES ('test', 'another price')",
        "UPDATE source SET days_back = 1",
        "UPDATE source SET lines_a_day_max = 3",
    ],
    ids=["revision", "limits", "lines"],
)
def test_what_changed_since_is_seen_by_the_longer_way(
    office: Office, ways: Ways, change: str
) -> None:
    """A new catalogue, and limits of the source, count from the next event on."""
    with closing(office.database.connect("postgres")) as owner, owner, owner.cursor() as txn:
        txn.execute(f"SET search_path TO bmu; {change}")
    before = office.all(STREAM)

    assert ways.take_quick(told("call", 1)) is None
    assert office.all(STREAM) == before


def test_nobody_waits_for_a_tax_service_on_the_quick_way(office: Office) -> None:
    """It may take seconds, in which a whole process would hear nobody: only the longer way, which has a thread, asks it."""
    asked: list[TaxRequest] = []
    with closing(Ways(office.database, TaxService("slow", asked.append))) as ways:
        ways.take_long(told("before", 1))
        before = len(asked)

        assert ways.take_quick(told("call", 1)) is None
        assert len(asked) == before > 0
        assert isinstance(ways.take_long(told("call", 1))[0], Outcome)


def test_text_is_read_back_as_it_was(ways: Ways) -> None:
    """Whatever a switch writes is text to the database, however the server takes backslashes."""
    for text in (
        "",
        "'",
        "''",
        "\\",
        "\\'",
        "a\\'; DROP TABLE charge; --",
        "é\u20ac\U0001f4de",
        "%s $1 {}",
    ):
        for setting in ("on", "off"):
            with ways.long.cursor() as txn:
                txn.execute(f"SET LOCAL standard_conforming_strings = {setting}")
                txn.execute(b"SELECT " + store_quick.quoted(text).encode())
                assert txn.fetchone() == (text,)
            ways.long.rollback()
    with pytest.raises(ValueError, match="NUL"):
        store_quick.quoted("a\0b")
