"""The demo's life so far: documents loaded, call records arrived and rated, months invoiced."""

import os
import shutil
import time

from bmuid.demo.asking import Staff
from bmuid.demo.children import Children
from bmuid.demo.examples import BILLED, Examples, UsageFile
from bmuid.demo.places import Places
from bmuid.demo.telling import Teller
from bmuid.intake.spool import Spool

LOOK_SECONDS = 0.5
# Where there is no terminal to draw on, a line so often.
LINE_SECONDS = 5
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
    told = began

    def is_rated() -> bool:
        nonlocal told
        states = _states(staff)
        done = sum(states.get(one.sha256, ("", 0))[1] for one in missing)
        seconds = time.monotonic() - began
        if teller.is_terminal or time.monotonic() - told >= LINE_SECONDS:
            told = time.monotonic()
            teller.progress("call records", done, sum(one.lines for one in missing), seconds)
        return all(states.get(one.sha256, ("", 0))[0] == "DONE" for one in missing)

    while not is_rated():
        children.pause(LOOK_SECONDS)
    seconds = time.monotonic() - began
    count = sum(one.lines for one in missing)
    teller.step("call records", f"{count:,} rated in {seconds:.1f} seconds")


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


def bill(staff: Staff, children: Children, teller: Teller) -> None:
    """Invoice each month of which there are calls, in order."""
    for as_of in BILLED:
        run = _run(staff.ask("bill_run", as_of=as_of))
        while run["state"] != "DONE":
            children.pause(LOOK_SECONDS)
            run = _run(staff.ask("bill_show", as_of=as_of))
        teller.step("invoices", f"{run['invoices']} for the month that ended before {as_of}")


def _run(answer: dict[str, object]) -> dict[str, object]:
    run = answer["run"]
    assert isinstance(run, dict), answer
    return run
