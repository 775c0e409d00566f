"""`make demo-clean` where the environment is gone: the shell alone stops what runs and removes it."""

import hashlib
import os
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from bmuid import cluster as clusters

SCRIPT = Path(__file__).parents[2] / ".ci" / "demo-clean"


def clean(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run the script as make does."""
    return subprocess.run(
        ["sh", str(SCRIPT), directory.name],
        cwd=directory.parent, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def near_to(demo: Path) -> Path:
    """Say where the demo puts what can't be in its own directory, as bmuid/demo/places.py does."""
    digest = hashlib.sha256(os.fsencode(demo)).hexdigest()[:12]
    return Path("/var/tmp") / f"bmuid-demo-{os.geteuid()}-{digest}"


@pytest.mark.parametrize("beside", [False, True], ids=["in its directory", "elsewhere"])
def test_stops_the_server_and_nobody_else(short_path: Path, *, beside: bool) -> None:
    """The demo's server ends and its files go; a process that merely has a number of ours lives on."""
    demo = short_path / ".demo"
    home = near_to(demo) if beside else demo
    for place in {demo, home}:
        place.mkdir()
        (place / ".bmuid-demo").touch()
    server = clusters.create(home / "database")
    clusters.start(server, {"fsync": "off"})
    with closing(psycopg2.connect(server.dsn("postgres", "postgres"))):
        pass
    for name in ("demo", "bmuid", "webhost"):
        (demo / f"{name}.pid").write_text(f"{os.getpid()}\n", encoding="ascii")

    done = clean(demo)

    assert (done.returncode, done.stderr) == (0, "")
    assert not clusters.is_running(server)
    assert not demo.exists()
    assert not home.exists()


def test_removes_nothing_that_is_no_demo(short_path: Path) -> None:
    """A directory of somebody's own, named by mistake, stays as it is."""
    (short_path / "letters").mkdir()
    (short_path / "letters" / "dear").touch()

    done = clean(short_path / "letters")

    assert done.returncode == 1
    assert "is not a demo; nothing was removed" in done.stderr
    assert (short_path / "letters" / "dear").exists()


def test_a_demo_that_never_was_is_clean(short_path: Path) -> None:
    """Cleaning twice, or before anything, is no fault."""
    assert clean(short_path / "none").returncode == 0
