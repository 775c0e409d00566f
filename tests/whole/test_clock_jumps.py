"""The clock of the workers' host jumps while files come in: charges are those of a clock that is right."""

import os
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg2.extensions
import usage_world as world
from bad_files import Truth, Writer
from conftest import Database
from workplace import Workplace, check, lay

CUSTOMERS = 4
SEED = 17
FILES = 24
# An hour, a day and ten years, ahead and back.
JUMPS = ("+0", "+3600", "-3600", "+86400", "-86400", "+315360000", "-315360000")


def test_a_jump_of_the_clock_changes_no_verdict_and_no_charge(
    database: Database, tmp_path: Path
) -> None:
    """An hour, a day, ten years, ahead and back: each line ends as it must, each call is charged once, none is lost."""
    with closing(database.connect("postgres")) as owner:
        world.found(owner, CUSTOMERS)

    def connect() -> psycopg2.extensions.connection:
        return database.connect("postgres")

    [library] = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    clock = tmp_path / "clock"
    clock.write_text(JUMPS[0], encoding="ascii")
    faked = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        # What tells how long something took does not jump on any host.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    place = Workplace(database.dsn(), tmp_path / "spool", connect, os.environ | faked)
    truth = Truth(CUSTOMERS)
    files = list({file.octets: file for file in Writer(SEED, CUSTOMERS).files(FILES)}.values())
    with ExitStack() as workers:
        for kind in ("intake", "rating", "rating"):
            workers.enter_context(place.worker(kind))
        for number, file in enumerate(files, 1):
            clock.write_text(JUMPS[number % len(JUMPS)], encoding="ascii")
            lay(place.spool, file, f"{number:04}.csv")
            place.wait_until_done(number - 1)
        place.wait_until_done(len(files))

    check(connect, truth, [truth.verdicts(file) for file in files])
