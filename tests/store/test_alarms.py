"""What is amiss with a source: missing numbers, numbers twice, silence; told once each, over by themselves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asking import Asking
from conftest import Database
from offices import Office, opened
from usage_world import SOURCE, call, number_of, put

from bmuid.intake import watching
from bmuid.operations.registry import Role
from bmuid.store.transaction import run


class Watched:
    """The office of the small company, whose switch numbers its files, and a clock that a test sets."""

    def __init__(self, office: Office, asking: Asking) -> None:
        self.office = office
        self.asking = asking
        self.now = datetime.now(UTC)

    def set(self, **texts: str) -> None:
        """Say what is missed of the switch."""
        assert self.asking.staff("source_set", role=Role.CLERK, code=SOURCE, **texts).done

    def come(self, *numbers: int) -> list[str]:
        """Have files of these numbers handed in, each with octets of its own, and give what is raised."""
        for number in numbers:
            name = f"cdr-20260803-{number:04}.csv"
            unique = f"{number}.{len(self.office.all('SELECT 1 FROM usage_file'))}"
            put(self.office.spool, name, [call(unique, 1)])
            self.office.take_in()
        return self.look()

    def look(self, minutes: int = 0) -> list[str]:
        """Look at the sources so many minutes later, and give what is raised."""
        self.now += timedelta(minutes=minutes)
        return run(self.office.connection, watching.look, self.now)

    def open(self) -> list[str]:
        """Give the alarms that are not over, the oldest first."""
        listed = self.asking.staff("alarm_list", role=Role.AUDITOR).body["alarms"]
        return [f"{one['kind']} {one['text'].split(' did ')[0].split(' came ')[0]}" for one in reversed(listed)]  # fmt: skip


@pytest.fixture
def switch(database: Database, tmp_path: Path) -> Iterator[Watched]:
    """Give the switch that numbers its files; a number may be an hour late."""
    with opened(database, tmp_path) as office:
        made = Watched(office, Asking(database))
        made.set(sequence_pattern="cdr-*-#.csv", late_minutes="60")
        yield made


class TestNumbers:
    """Numbers in the names of files."""

    def test_in_and_out_of_order_are_normal(self, switch: Watched) -> None:
        """Files that come late and out of order, within the time for it, raise nothing, also long after."""
        assert switch.come(5, 6, 9, 7) == []
        assert switch.look(59) == []
        assert switch.come(8, 4, 10) == []
        assert switch.look(1000) == []
        assert switch.open() == []

    def test_that_are_missed_raise_an_alarm_once(self, switch: Watched) -> None:
        """Files 7 and 8 don't come: an hour later it is told, once, also to whoever takes what is in the outbox."""
        switch.come(5, 6, 9)

        [said] = switch.look(60)
        assert said.startswith("pbx: files 7 to 8 did not come")
        assert switch.look(60) == []
        assert switch.office.all("SELECT kind, dedup_key, payload ->> 'source' FROM outbox") == [
            ("WEBHOOK", "alarm:1", "pbx")
        ]
        assert "alarms of sources: 1; see `bmadmin alarm list`" in switch.asking.staff("status_show").body["warnings"]  # fmt: skip

    def test_that_come_after_all_clear_it(self, switch: Watched) -> None:
        """One of three missed files comes: the other two stay missed, and nothing is raised anew; they come, and all is well."""
        switch.come(1, 5)
        switch.look(60)
        assert switch.open() == ["GAP files 2 to 4"]

        assert switch.come(3) == []
        assert switch.open() == ["GAP file 2", "GAP file 4"]
        assert switch.come(4, 2) == []
        assert switch.open() == []
        assert switch.look(1000) == []
        assert len(switch.asking.staff("alarm_list", all="yes").body["alarms"]) == 3

    def test_twice_with_other_octets_raise_an_alarm(self, switch: Watched) -> None:
        """The same number with other calls is told of; the same octets again are the same file, and nothing."""
        assert switch.come(1, 2) == []
        name = "cdr-20260803-0002.csv"
        put(switch.office.spool, name, [call("2.1", 1)])
        switch.office.take_in()
        assert switch.look() == []

        [said] = switch.come(2)
        assert said.startswith("pbx: file 2 came twice, with other octets, from file ")
        assert switch.look(1000) == []

    def test_begin_anew_where_that_is_said(self, switch: Watched) -> None:
        """After 9999 comes 0, and that is no repeat of the 0 of a round ago; what is missed between is missed."""
        switch.set(sequence_range="0-9999")
        assert switch.come(0, 4000, 8000) == []
        switch.asking.staff("source_set", code=SOURCE, sequence_pattern="cdr-*-#.csv")
        assert switch.come(9998, 0, 1) == []
        [*raised] = switch.look(60)
        assert max(raised).startswith("pbx: files 8001 to 9997 did not come")
        assert "GAP file 9999" in switch.open()

    def test_that_count_anew_are_one_alarm(self, switch: Watched) -> None:
        """A switch set up anew counts from 1 again: one alarm for all its repeats; with its pattern set again it begins anew."""
        switch.come(1, 2, 3, 4)

        assert len(switch.come(1)) == 1
        assert switch.come(2, 3) == []
        assert switch.open() == ["TWICE files 1 to 3"]
        switch.set(sequence_pattern="")
        switch.set(sequence_pattern="cdr-*-#.csv")
        assert switch.open() == []
        assert switch.come(1, 2) == []

    def test_a_clerk_may_clear_what_nobody_will_send(self, switch: Watched) -> None:
        """File 2 never was: the alarm is cleared, by name; a number that is no alarm is refused."""
        switch.come(1, 3)
        switch.look(60)

        assert switch.asking.staff("alarm_clear", role=Role.CLERK, id="1").body["alarms"] == []
        assert switch.asking.staff("alarm_clear", id="1").code == "NOT_FOUND"
        [cleared] = switch.asking.staff("alarm_list", all="yes").body["alarms"]
        assert cleared["cleared_by"] == "clerk of the test"
        assert switch.look(60) == []

    def test_of_long_ago_and_of_other_names_are_left_alone(self, switch: Watched) -> None:
        """Files from before a pattern was set, and such whose names have no number, count for nothing."""
        switch.come(1, 2)
        switch.set(sequence_pattern="cdr-????????-#.csv")
        put(switch.office.spool, "manual.csv", [call("9.9", 1)])
        switch.office.take_in()

        assert switch.come(7, 8) == []
        assert switch.look(1000) == []


class TestSilence:
    """A source that says nothing."""

    def test_raises_an_alarm_once_until_it_speaks(self, switch: Watched) -> None:
        """Nothing for two hours is told of once; with the next file it is over; and it may fall silent again."""
        switch.set(silent_minutes="120")
        assert switch.come(1) == []

        assert switch.look(119) == []
        [said] = switch.look(2)
        assert said.startswith("pbx: nothing has come since")
        assert switch.look(1000) == []
        switch.now = datetime.now(UTC)
        switch.come(2)
        assert switch.open() == []
        assert len(switch.look(122)) == 1

    def test_is_broken_by_events_in_real_time(self, switch: Watched) -> None:
        """A source that tells of events one by one is not silent, though no file of it comes."""
        switch.set(silent_minutes="120")
        switch.asking.now = switch.now
        for minute in range(3):
            assert switch.look(100) == []
            told = switch.asking.staff("usage_rate", source=SOURCE, event=f"e{minute}", class_="voice",
                uid=number_of(1), started_at="2026-08-03T11:00:00Z", quantity="60", destination="442079460999")  # fmt: skip
            assert told.done, told.body
            assert switch.look() == []
        assert len(switch.look(121)) == 1

    def test_is_nothing_where_nobody_asked(self, switch: Watched) -> None:
        """A source of which nothing is said may be silent for years; and one is forgiven when the limit is taken away."""
        assert switch.look(1_000_000) == []
        switch.set(silent_minutes="1")
        assert len(switch.look(2)) == 1
        switch.set(silent_minutes="none")
        assert switch.look() == []
        assert switch.open() == []
