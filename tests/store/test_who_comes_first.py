"""What a group of companies draws from together: who calls first has it, however a file is cut, and whoever works it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from asking import Asking
from conftest import Database
from offices import Office
from rich_world import CATALOGUE, DAY, GB, HOUR, found, lines_of

# Of its two branches; each month the group has ten minutes.
FIRST, SECOND = 8, 9


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at the operator's database."""
    return found(Asking(database))


@pytest.fixture
def office(asking: Asking, tmp_path: Path) -> Iterator[Office]:
    """Give the operator's workers."""
    with closing(asking.database.connect()) as connection:
        yield Office(asking.database, connection, tmp_path, parts=4)


@pytest.mark.parametrize(("chunk_lines", "parts"), [(1, 1), (2, 4), (3, 2), (100, 1), (100, 4)])
def test_minutes_go_to_who_calls_first(office: Office, chunk_lines: int, parts: int) -> None:
    """Two branches call in turn: the first three calls are free, whoever made them, and the next two are paid for."""
    office.chunk_lines, office.parts = chunk_lines, parts
    calls = [
        (line, GB, 200, number * HOUR)
        for number, line in enumerate((FIRST, SECOND, FIRST, SECOND, FIRST))
    ]
    assert office.hand_in("calls", lines_of("calls", *calls))["new"] == 5

    billable = office.all("SELECT billable FROM charge ORDER BY started_at")

    assert billable == [(0,), (0,), (0,), (200,), (200,)]


def test_a_file_is_shared_by_workers_where_companies_share_nothing(
    office: Office, asking: Asking
) -> None:
    """Only where several draw from one allowance does one worker go through all lines; else each takes its part."""
    assert office.hand_in("before", lines_of("before", (FIRST, GB, 1, DAY)))["new"] == 1
    apart = CATALOGUE.replace('scope = "TREE"', 'scope = "ACCOUNT"')
    assert asking.staff("catalogue_load", document=apart).done
    assert office.hand_in("after", lines_of("after", (FIRST, GB, 1, 2 * DAY)))["new"] == 1

    assert office.all("SELECT parts FROM usage_file ORDER BY id") == [(1,), (4,)]
