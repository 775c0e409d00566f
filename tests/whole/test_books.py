"""A clerk's day with files at the command line: rejects mended, books proved, alarms seen; each with its exit status."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import usage_world as world
from conftest import Database
from daemons import SECONDS_MAX, Running, Site, make_site, running
from usage_world import AWAY, call

BMADMIN = Path(sys.executable).parent / "bmadmin"
CUSTOMERS = 3


@pytest.fixture
def site(database: Database, short_path: Path) -> Site:
    """An installation of the small company, whose administrator is who runs the tests."""
    with closing(database.connect("postgres")) as owner:
        world.found(owner, CUSTOMERS)
    return make_site(short_path, f"host={database.cluster.socket} dbname={database.name}")


@pytest.fixture
def daemon(site: Site) -> Iterator[Running]:
    """A daemon that does all its work."""
    with running(site) as made:
        yield made


def bmadmin(site: Site, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Type a command."""
    command = [str(BMADMIN), "--socket", str(site.admin_socket), *words]
    return subprocess.run(command, capture_output=True, timeout=SECONDS_MAX)


def hand_in(daemon: Running, name: str, octets: bytes) -> dict[str, object]:
    """Hand a file in, and give what the log says of its end."""
    arriving = daemon.site.directory / "spool" / world.SOURCE / "in"
    arriving.mkdir(parents=True, exist_ok=True)
    (arriving / f".{name}").write_bytes(octets)
    (arriving / f".{name}").rename(arriving / name)
    return daemon.event("file done")


def test_rejects_are_mended_and_handed_in(daemon: Running) -> None:
    """Two lines came broken: written to a file, one is mended by hand, and the file is handed in; the books add up."""
    whole = call("1.2", 2, AWAY, 90)
    broken, hopeless = whole.replace('"ANSWERED","DOCUMENTATION"', '"ANSWERED'), 'caf\u00e9,"\x07'
    lines = [call("1.1", 1, AWAY), broken, hopeless]
    first = hand_in(daemon, "a.csv", "".join(f"{line}\n" for line in lines).encode())
    assert (first["new"], first["rejected"]) == (1, 2)

    file = str(first["file"])
    written = bmadmin(daemon.site, "file", "rejects", file)
    assert (written.returncode, written.stderr) == (0, b"")
    assert written.stdout == f"{broken}\n{hopeless}\n".encode()
    explained = bmadmin(daemon.site, "file", "rejects", file, "--explain").stdout.decode()
    assert "MALFORMED_LINE" in explained
    assert "\x07" not in explained

    mended = written.stdout.replace(broken.encode(), whole.encode())
    second = hand_in(daemon, "a-mended.csv", mended)
    assert (second["new"], second["duplicate"], second["rejected"]) == (1, 0, 1)
    proved = bmadmin(daemon.site, "reconcile", "--full")
    assert (proved.returncode, proved.stderr) == (0, b"")
    assert b"adds up" in proved.stdout


def test_books_that_do_not_add_up_are_told_loudly(daemon: Running, database: Database) -> None:
    """Somebody took a charge away: the status is 1, standard error says so, standard output says where."""
    hand_in(daemon, "a.csv", f"{call('1.1', 1, AWAY)}\n".encode())
    with closing(database.connect("postgres")) as owner, owner, owner.cursor() as txn:
        txn.execute("SET session_replication_role = replica; DELETE FROM charge")

    found = bmadmin(daemon.site, "reconcile", "--file", "1")

    assert found.returncode == 1
    assert b"bmadmin: 1 thing is wrong\n" in found.stderr
    assert b"DOES NOT ADD UP" in found.stdout
    assert b"file 1 of pbx" in found.stdout


def test_an_alarm_is_raised_by_the_daemon(daemon: Running) -> None:
    """File 2 does not come: the daemon says so, and a monitor hears of it by the status."""
    set_ = (
        "source",
        "set",
        world.SOURCE,
        "--sequence-pattern",
        "cdr-#.csv",
        "--late-minutes",
        "0",
    )
    assert bmadmin(daemon.site, *set_).returncode == 0
    hand_in(daemon, "cdr-1.csv", f"{call('1.1', 1)}\n".encode())
    hand_in(daemon, "cdr-3.csv", f"{call('1.3', 1)}\n".encode())

    said = daemon.event(
        "alarm: pbx: file 2 did not come: have them sent, or clear the alarm if there are none"
    )
    assert said["level"] == "warning"
    checked = bmadmin(daemon.site, "alarm", "check")
    assert (checked.returncode, checked.stderr) == (1, b"bmadmin: 1 thing is wrong\n")
    assert bmadmin(daemon.site, "alarm", "list").returncode == os.EX_OK
