"""The demo's life so far: documents loaded, call records arrived and rated, months invoiced."""

import os
import shutil
import time

from bmuid.demo.asking import Staff
from bmuid.demo.children import Children
from bmuid.demo.examples import BILLED, Examples, UsageFile
from bmuid.demo.places import DemoError, Places
from bmuid.demo.telling import Teller
from bmuid.intake.spool import Spool

LOOK_SECONDS = 0.5
# Where there is no terminal to draw on, a line so often.
LINE_SECONDS = 5
STUCK_SECONDS_MAX = 120
FILES_MAX = "1000"


def load(given: Examples, staff: Staff, teller: Teller) -> None:
    """Load the company's documents; what is there already stays as it is."""
    for operation, document in given.documents.items():
        staff.ask(operation, document=document)
    totals = staff.ask("status_show")["totals"]
    assert isinstance(totals, dict)
    teller.step("company", f"{given.company}: {totals['accounts']} customers, catalogue, sources")


def rate(
    places: Places, given: Examples, staff: Staff, children: Children, teller: Teller
) -> None:
    """Let the call records arrive, and wait until each line has its verdict."""
    known = _states(staff)
    missing = [one for one in given.files if known.get(one.sha256, ("", 0))[0] != "DONE"]
    if not missing:
        teller.step("call records", f"{given.lines:,}, rated before")
        return
    for one in missing:
        _arrive(places, one)
    began = time.monotonic()
    wanted = sum(one.lines for one in missing)
    patience = Patience("call records", places, children)
    told = began
    while not _all_done(missing, known):
        patience.wait(str(known))
        known = _states(staff)
        if teller.is_terminal or time.monotonic() - told >= LINE_SECONDS:
            told = time.monotonic()
            done = sum(known.get(one.sha256, ("", 0))[1] for one in missing)
            teller.progress("call records", done, wanted, told - began)
    teller.step("call records", f"{wanted:,} rated in {time.monotonic() - began:.1f} seconds")


def _all_done(files: list[UsageFile], states: dict[str, tuple[str, int]]) -> bool:
    return all(states.get(one.sha256, ("", 0))[0] == "DONE" for one in files)


class Patience:
    """Waits for the daemon's workers, but not for ever: one that fails again and again makes no progress."""

    def __init__(self, what: str, places: Places, children: Children) -> None:
        self._what, self._places, self._children = what, places, children
        self._seen = ""
        self._since = time.monotonic()

    def wait(self, seen: str) -> None:
        """
        Wait a moment; *seen* is how far the work is.

        Errors:
            DemoError: it has been as far for too long, or a child has ended.
        """
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        if time.monotonic() - self._since > STUCK_SECONDS_MAX:
            raise DemoError(
                f"{self._what}: nothing has moved for {STUCK_SECONDS_MAX} seconds; see {self._places.logs}"
            )
        self._children.pause(LOOK_SECONDS)


def _arrive(places: Places, one: UsageFile) -> None:
    """Put a file into its source's directory as a switch should: under its name only once it is whole."""
    spool = Spool(places.spool)
    spool.make(one.source)
    arriving = places.spool / one.source / "in"
    part = arriving / f".{one.path.name}.part"
    shutil.copyfile(one.path, part)
    os.replace(part, arriving / one.path.name)  # noqa: PTH105 - the rename that says "whole"


def _states(staff: Staff) -> dict[str, tuple[str, int]]:
    """Give of each usage file its state, and how many of its lines have a verdict, by SHA-256."""
    found = {}
    for row in staff.rows("file_list", "files", limit=FILES_MAX):
        counts = [row[name] for name in ("new", "duplicate", "suspended", "rejected")]
        done = sum(count for count in counts if isinstance(count, int))
        found[str(row["sha256"])] = (str(row["state"]), done)
    return found


def bill(places: Places, staff: Staff, children: Children, teller: Teller) -> None:
    """Invoice each month of which there are calls, in order."""
    billed = {str(row["as_of"]) for row in staff.rows("bill_list", "runs")}
    for as_of in BILLED:
        run = _run(staff.ask("bill_show" if as_of in billed else "bill_run", as_of=as_of))
        patience = Patience("invoices", places, children)
        while run["state"] != "DONE":
            patience.wait(str(run))
            run = _run(staff.ask("bill_show", as_of=as_of))
        teller.step("invoices", f"{run['invoices']} for the month that ended before {as_of}")


def _run(answer: dict[str, object]) -> dict[str, object]:
    run = answer["run"]
    assert isinstance(run, dict), answer
    return run
