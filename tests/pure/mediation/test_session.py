"""Sessions told of in pieces: each unit counts once, whatever the order in which the pieces come."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count, permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.mediation.aggregation import Aggregation, Cut, Emit, Gathered, Take
from bmu.mediation.partial import Kind, Row
from bmu.mediation.session import NEW, Emission, Gathering, Session, State, Why
from bmu.mediation.session_document import document_of, session_of

NOON_S = 1_795_000_000
KINDS = {"start": Kind.START, "interim": Kind.INTERIM, "stop": Kind.STOP}
RADIUS = Aggregation(
    session=("nas", "id"),
    record=("status", "time"),
    kind="status",
    starts=("Start",),
    interims=("Interim-Update",),
    stops=("Stop",),
    gathered=(
        Gathered("octets", Take.COUNTER),
        Gathered("seconds", Take.COUNTER),
        Gathered("user", Take.FIRST),
    ),
    elapsed="seconds",
)
PARTIAL_CDR = Aggregation(
    session=("charging_id",),
    record=(),
    kind="cause",
    stops=("0", "4"),
    gathered=(
        Gathered("octets", Take.SUM),
        Gathered("fewest", Take.MIN),
        Gathered("most", Take.MAX),
    ),
    sequence="number",
)
_numbers = count(1)


def record(
    kind: str,
    minute: int,
    octets: int | None = None,
    *,
    seconds: int | None = None,
    number: int | None = None,
    **texts: str,
) -> Row:
    """Give a record as it was made so many minutes after noon; of a run that began at noon, if not said otherwise."""
    figures = {"octets": octets, "seconds": 60 * minute if seconds is None else seconds}
    at_us = (NOON_S + 60 * minute) * 1_000_000
    return Row(
        line_no=next(_numbers),
        event_key=b"",
        content=0,
        kind=KINDS[kind],
        session=b"",
        node=b"",
        name="",
        order=(at_us, number or 0, list(KINDS).index(kind), 0),
        at_us=at_us,
        elapsed_s=figures["seconds"],
        sequence=number,
        figures={name: figure for name, figure in figures.items() if figure is not None},
        texts=texts,
    )


def partial(number: int, octets: int, cause: str = "interim") -> Row:
    """Give a partial record of 3GPP: its number, and what it alone counts."""
    figures = {"octets": octets, "fewest": octets, "most": octets}
    return record(cause, number, number=number)._replace(figures=figures, elapsed_s=None)


def told(
    rows: Iterable[Row], aggregation: Aggregation = RADIUS, then: Why | None = None
) -> tuple[Session, list[Emission]]:
    """Take records in that order, and end the session for that reason; give it and the usage made of it."""
    gathering = Gathering(aggregation, "Europe/London")
    session, made = NEW, []
    for row in rows:
        session, more = gathering.taken(session, row)
        made += more
    if then is not None:
        session, more = gathering.over(session, then)
        made += more
    assert session.rows - session.told == session.rows - sum(each.rows for each in made)
    return session, made


def usage(made: Sequence[Emission], field: str = "octets") -> list[tuple[str, int]]:
    """Give why each usage was made, and how much of it."""
    return [(each.why.value, int(each.fields[field])) for each in made if each.fields is not None]


class TestASessionAsItShouldBe:
    """Start, some interims, stop, in this order."""

    ROWS = (
        record("start", 0, user="alice"),
        record("interim", 5, 500, user="alice"),
        record("interim", 10, 900),
        record("stop", 12, 1000, address="192.0.2.7"),
    )

    def test_is_one_usage_at_its_stop(self) -> None:
        """The counter's last value is charged, once, from the beginning to the end."""
        session, made = told(self.ROWS)

        assert usage(made) == [("STOPPED", 1000)]
        [one] = made
        assert one.fields == {
            "octets": "1000", "seconds": "720", "user": "alice", "address": "192.0.2.7",
        }  # fmt: skip
        assert (one.from_us, one.until_us) == (NOON_S * 1_000_000, (NOON_S + 720) * 1_000_000)
        assert (one.rows, one.missing, session.state) == (4, "", State.FINISHED)

    def test_is_charged_while_it_runs_if_so_wanted(self) -> None:
        """Each interim is usage of its own, of what came since the one before."""
        _, made = told(self.ROWS, replace(RADIUS, emit=Emit.AT_INTERIM))

        assert usage(made) == [("INTERIM", 500), ("INTERIM", 400), ("STOPPED", 100)]
        assert [each.from_us - NOON_S * 1_000_000 for each in made if each.from_us] == [
            0, 300_000_000, 600_000_000,
        ]  # fmt: skip
        assert [each.rows for each in made] == [2, 1, 1]

    def test_that_used_nothing_since_the_last_interim_makes_no_more_usage(self) -> None:
        """The stop is accounted for, and charged nothing."""
        rows = (record("interim", 5, 500, seconds=0), record("stop", 5, 500, seconds=0))
        session, made = told(rows, replace(RADIUS, emit=Emit.AT_INTERIM))

        assert usage(made) == [("INTERIM", 500)]
        assert [(each.rows, each.fields is None) for each in made] == [(1, False), (1, True)]
        assert session.state is State.FINISHED


class TestRecordsOutOfOrder:
    """What comes late, early, or never."""

    def test_a_late_interim_adds_nothing(self) -> None:
        """The stop counted what it counted; the interim is taken in, and no usage is made of it."""
        _, made = told([record("stop", 12, 1000), record("interim", 5, 500)])

        assert usage(made) == [("STOPPED", 1000)]
        assert [each.rows for each in made] == [1, 1]

    def test_an_interim_after_the_stop_that_counted_more_is_charged_what_is_more(self) -> None:
        """The highest value of a counter counts, and what was charged is not charged again."""
        _, made = told([record("stop", 12, 1000), record("interim", 12, 1040)])

        assert usage(made) == [("STOPPED", 1000), ("LATE", 40)]

    def test_a_stop_alone_is_a_session(self) -> None:
        """Start and interims were lost: everything is charged by the stop, which says what is missing."""
        _, [one] = told([record("stop", 12, 1000)])

        assert usage([one]) == [("STOPPED", 1000)]
        assert (one.missing, one.from_us) == ("start", NOON_S * 1_000_000)

    def test_a_session_whose_stop_is_lost_ends_by_itself(self) -> None:
        """After the time-out the last interim is charged, and it is told that the stop is missing."""
        session, [one] = told([record("start", 0), record("interim", 10, 900)], then=Why.TIMED_OUT)

        assert usage([one]) == [("TIMED_OUT", 900)]
        assert (one.missing, session.state) == ("stop", State.FINISHED)

    def test_a_session_that_was_given_up_goes_on(self) -> None:
        """Its records came again after the time-out: what they count more is charged at the stop."""
        gathering = Gathering(RADIUS, "Europe/London")
        session, first = told([record("interim", 10, 900)], then=Why.TIMED_OUT)
        session, second = gathering.taken(session, record("interim", 90, 950))
        session, third = gathering.taken(session, record("stop", 95, 1000))

        assert usage([*first, *second, *third]) == [("TIMED_OUT", 900), ("STOPPED", 100)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_texts_are_those_of_the_earliest_and_the_latest_record(order: tuple[int, ...]) -> None:
    """Whatever came first: the first user, the last address, and a place that only one record knows."""
    rows = (
        record("start", 0, user="alice", address="192.0.2.1"),
        record("interim", 5, 500, user="bob", address="192.0.2.2", place="London"),
        record("interim", 10, 900, user="carol", address="192.0.2.3"),
    )
    _, [one] = told([rows[each] for each in order], then=Why.TIMED_OUT)

    assert one.fields is not None
    assert {name: one.fields[name] for name in ("user", "address", "place")} == {
        "user": "alice", "address": "192.0.2.3", "place": "London",
    }  # fmt: skip


class TestASwitchThatBeginsAgain:
    """Its counters fall, and it may have the same session again."""

    def test_counts_both_times(self) -> None:
        """An interim of a session that can only have begun after the last one is of another time."""
        rows = (
            record("start", 0),
            record("interim", 10, 900),
            record("interim", 30, 70, seconds=300),
            record("stop", 40, 200, seconds=900),
        )
        session, made = told(rows)

        assert usage(made) == [("STOPPED", 1100)]
        assert usage(made, "seconds") == [("STOPPED", 600 + 900)]
        assert len(session.runs) == 2

    def test_is_no_matter_of_a_clock_that_was_put_back(self) -> None:
        """A record that says it began when the session did is of the same time, whatever its own clock says."""
        rows = (record("interim", 10, 900), record("interim", 9, 990, seconds=11 * 60))
        _, made = told(rows, then=Why.TIMED_OUT)

        assert usage(made) == [("TIMED_OUT", 990)]

    def test_begins_the_same_session_after_its_stop(self) -> None:
        """A start after the stop is no late record: the session is open again, and is charged what it then uses."""
        rows = (
            record("start", 0),
            record("stop", 10, 900),
            record("start", 60, seconds=0),
            record("stop", 70, 30, seconds=600),
        )
        _, made = told(rows)

        assert usage(made) == [("STOPPED", 900), ("STOPPED", 30)]
        assert made[1].from_us == (NOON_S + 3600) * 1_000_000

    def test_for_ever_takes_no_more_room(self) -> None:
        """A thousand beginnings of one session are counted, and kept in the room of fifty."""
        rows = [record("interim", 10 * n, 7, seconds=60) for n in range(1, 1001)]
        session, made = told(rows, then=Why.NODE)

        assert usage(made) == [("NODE", 7000)]
        assert len(session.runs) == 50


class TestPartialRecordsWithNumbers:
    """3GPP: each counts for itself, and is numbered."""

    def test_are_summed(self) -> None:
        """Whatever their order, the last of them closes the session."""
        _, made = told([partial(2, 30), partial(1, 50), partial(3, 1, "stop")], PARTIAL_CDR)

        assert usage(made) == [("STOPPED", 81)]
        assert usage(made, "fewest") == [("STOPPED", 1)]
        assert usage(made, "most") == [("STOPPED", 50)]

    def test_that_are_missing_are_told_of(self) -> None:
        """A session that stopped without some of its records is charged what it has, and says which it lacks."""
        _, [one] = told([partial(2, 30), partial(5, 1, "stop")], PARTIAL_CDR)

        assert (usage([one]), one.missing) == ([("STOPPED", 31)], "1 3-4")

    def test_that_come_late_are_charged_late(self) -> None:
        """What was missing is usage of its own once it comes."""
        _, made = told([partial(2, 1, "stop"), partial(1, 30)], PARTIAL_CDR)

        assert usage(made) == [("STOPPED", 1), ("LATE", 30)]

    def test_are_waited_for_if_so_wanted(self) -> None:
        """With a time to wait, the session is charged once its last missing record is there, or the time is over."""
        waiting = replace(PARTIAL_CDR, wait_s=3600)
        stopped, made = told([partial(3, 1, "stop"), partial(1, 50)], waiting)
        assert (stopped.state, made) == (State.STOPPED, [])

        _, made = Gathering(waiting, "UTC").taken(stopped, partial(2, 30))
        assert (usage(made), made[0].missing) == ([("STOPPED", 81)], "")

        _, made = Gathering(waiting, "UTC").over(stopped, Why.TIMED_OUT)
        assert (usage(made), made[0].missing) == ([("TIMED_OUT", 51)], "2")


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        (Cut.DAY, [("CUT", 300), ("STOPPED", 200)]),
        (Cut.HOUR, [("CUT", 100), ("CUT", 200), ("STOPPED", 200)]),
        (Cut.MONTH, [("STOPPED", 500)]),
    ],
)
def test_a_long_session_is_cut_at_the_turns_of_the_local_clock(
    cut: Cut, expected: list[tuple[str, int]]
) -> None:
    """What came before midnight (in summer, an hour ahead of UTC) is usage of that day, the rest of the next."""
    began = datetime(2026, 8, 3, 22, 30, tzinfo=ZoneInfo("Europe/London"))
    offset = (int(began.timestamp()) - NOON_S) // 60
    rows = [
        record(kind, offset + minute, octets, seconds=minute * 60)
        for kind, minute, octets in (
            ("start", 0, None), ("interim", 20, 100), ("interim", 80, 300), ("stop", 100, 500),
        )
    ]  # fmt: skip
    _, made = told(rows, replace(RADIUS, cut=cut))

    assert usage(made) == expected


@st.composite
def sessions(draw: st.DrawFn) -> tuple[list[Row], int]:
    """Records of one session of a switch that may begin again, and what all of them count in truth."""
    rows: list[Row] = []
    began, truth = 0, 0
    for _ in range(draw(st.integers(1, 3))):
        minutes, octets = draw(st.integers(1, 20)), 0
        rows.append(record("start", began, seconds=0))
        for minute in sorted(draw(st.sets(st.integers(1, minutes), max_size=5))):
            octets += draw(st.integers(0, 2**40))
            jitter = draw(st.integers(-2, 2))
            rows.append(record("interim", began + minute, octets, seconds=60 * minute + jitter))
        octets += draw(st.integers(0, 2**40))
        rows.append(record("stop", began + minutes, octets, seconds=60 * minutes))
        truth += octets
        began += minutes + draw(st.integers(1, 600))
    return rows, truth


@given(sessions(), st.data())
def test_each_unit_counts_once_whatever_the_order(
    of_one: tuple[list[Row], int], data: st.DataObject
) -> None:
    """Shuffled, cut, charged as it goes or at the end, stored and read between: the same total, never less than before."""
    rows, truth = of_one
    aggregation = replace(
        RADIUS,
        emit=data.draw(st.sampled_from(Emit)),
        cut=data.draw(st.sampled_from(Cut)),
    )
    gathering = Gathering(aggregation, "Europe/London")
    session, made = NEW, []
    for row in data.draw(st.permutations(rows)):
        session, more = gathering.taken(again(session), row)
        made += more
        if data.draw(st.booleans()):
            session, more = gathering.over(session, Why.TIMED_OUT)
            made += more
    session, more = gathering.over(session, Why.TIMED_OUT)
    made += more

    assert sum(octets for _, octets in usage(made)) == truth
    assert all(octets >= 0 for _, octets in usage(made))
    assert [each.number for each in made] == list(range(1, len(made) + 1))
    assert sum(each.rows for each in made) == len(rows) == session.rows == session.told


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=12), st.data())
def test_sums_and_ranges_are_the_same_in_any_order(octets: list[int], data: st.DataObject) -> None:
    """Partial records that count for themselves: all are there, none is missing, in whatever order they came."""
    rows = [partial(n, each) for n, each in enumerate(octets, 1)]
    rows[-1] = rows[-1]._replace(kind=Kind.STOP)
    session, made = told(data.draw(st.permutations(rows)), PARTIAL_CDR)

    assert sum(each for _, each in usage(made)) == sum(octets)
    assert made[-1].missing == ""
    assert again(session).seen == ((1, len(octets)),)


def again(session: Session) -> Session:
    """Give a session as it is after it was stored."""
    kept = json.loads(document_of(session))
    read = session_of(kept, session.state.value, session.rows, session.told, session.number)
    assert read == session
    return read
