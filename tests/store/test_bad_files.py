"""Three hundred bad files of a switch: each line ends as it must, and each call is on the books once."""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import usage_world as world
from bad_files import File, Truth, Writer
from conftest import Database
from offices import CUSTOMERS, Office, opened

FILES = 300
AT_ONCE = 5
PARTS = (2, 1, 3)
DAYS_BACK = 8500  # from the first years of the century on


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        made.chunk_lines, made.days_back = 7, DAYS_BACK
        yield made


def lay(office: Office, names: Iterator[int], files: list[File]) -> None:
    """Lay files before the intake worker, one after the other."""
    for file in files:
        name = f"{next(names):04}.csv"
        arriving = world.put(office.spool, f"{name}.part", [])
        arriving.write_bytes(file.octets)
        arriving.rename(arriving.with_name(name))


def verdicts_of(office: Office) -> dict[int, list[tuple[str, str]]]:
    """Give the verdict and reason of each line that has a row of its own, or that usage came of, by file."""
    rows = office.all(
        """
        SELECT file_id, line_no, verdict, reason FROM verdict
        UNION ALL SELECT file_id, line_no, 'NEW', '' FROM udr ORDER BY 1, 2
        """
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for file_id, line_no, verdict, reason in rows:
        of_file = found.setdefault(int(str(file_id)), [])
        assert line_no == len(of_file) + 1, "each line has one verdict, none has two"
        of_file.append((str(verdict), str(reason)))
    return found


@pytest.mark.parametrize("seed", range(len(PARTS)))
def test_each_line_of_bad_files_ends_as_it_must(office: Office, seed: int) -> None:
    """
    Cut, grown, shuffled, doubled, contradicted, binary, wrongly encoded, of no owner or time: a third of them each.

    The same octets again are no second file. What is charged is what the calls cost, and nothing else.
    """
    office.parts = PARTS[seed]
    truth, names = Truth(CUSTOMERS), count()
    expected: list[list[tuple[str, str]]] = []
    kinds: Counter[str] = Counter()
    seen: set[bytes] = set()
    waiting: list[File] = []
    for file in Writer(seed, CUSTOMERS).files(FILES // len(PARTS)):
        if file.octets not in seen:
            seen.add(file.octets)
            expected.append(truth.verdicts(file))
        kinds[file.kind] += 1
        waiting.append(file)
        if len(waiting) == AT_ONCE:
            lay(office, names, waiting)
            waiting.clear()
            office.take_in()
            office.rate()
    lay(office, names, waiting)
    office.take_in()
    office.rate()

    assert list(verdicts_of(office).values()) == expected
    assert office.all("SELECT count(*) FROM usage_file WHERE state <> 'DONE'") == [(0,)]
    charged = office.all(
        "SELECT account_id, quantity, billable, amount_e11 FROM charge ORDER BY 1, 2, 3, 4"
    )
    assert charged == sorted(truth.charged)
    assert office.balances().items() >= truth.left.items()
    assert min(kinds.values()) >= 5
    assert {reason for of_file in expected for _, reason in of_file} >= {
        "REPEATED", "CONFLICT", "NO_UID", "NO_RATE", "OUT_OF_WINDOW", "FILTERED", "BAD_ENCODING",
    }  # fmt: skip
