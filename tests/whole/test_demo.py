"""`bmuid demo`: begins with nothing, ends with nothing left running, and can be begun again."""

import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from demos import BMUID, Demo, remove, running, small_examples

LINES = 300


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Give a directory whose path has a space in it."""
    parent = Path(tempfile.mkdtemp(prefix="bmuid demo ", dir="/tmp"))
    parent.chmod(0o755)
    yield parent
    shutil.rmtree(parent)


@pytest.fixture(scope="module")
def few(place: Path) -> Path:
    """Give examples with few calls: what is tried here does not depend on how many there are."""
    return small_examples(place / "few examples", LINES)


@pytest.fixture
def directory(place: Path) -> Iterator[Path]:
    """Give the directory of a demo, removed afterwards with the demo's own command."""
    yield place / "a demo"
    done = remove(place / "a demo")
    assert done.returncode == 0, done.stderr
    assert not (place / "a demo").exists()


def gone(pids: set[int]) -> bool:
    """Tell whether none of these processes is left; a dead one that nobody reaped counts as gone."""
    return not any(
        Path(f"/proc/{pid}/stat").exists()
        and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        for pid in pids
    )


def test_all_of_the_examples_end_as_they_should(demo: Demo) -> None:
    """Every call record of the three months has its verdict, and each month its invoices."""
    files = demo.bmadmin("file", "list")["files"]
    assert {one["state"] for one in files} == {"DONE"}
    assert sum(one["lines"] for one in files) > 10_000
    assert all(
        one["lines"] == one["new"] + one["duplicate"] + one["suspended"] + one["rejected"]
        for one in files
    )
    runs = demo.bmadmin("bill", "list")["runs"]
    assert [run["as_of"] for run in runs] == ["2026-11-01", "2026-10-01", "2026-09-01"]
    assert {run["state"] for run in runs} == {"DONE"}
    assert all(run["invoices"] > 0 for run in runs)
    for words in ("Log in as", "ada@fenwick.example", "suspense list", "browser warns once"):
        assert words in demo.text


def test_the_books_add_up(demo: Demo) -> None:
    """Lines, usage and money of the whole demo are proved, by its sums and row by row; the command's status says so."""
    quick, full = demo.bmadmin("reconcile"), demo.bmadmin("reconcile", "--full")
    assert quick["verdict"] == full["verdict"] == "adds up", full["differences"]
    assert quick["lines"]["lines"] > 10_000
    assert all(one["charged"] != "0" for one in quick["amounts"])


@contextmanager
def taken_port() -> Iterator[str]:
    """Give a port that somebody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield str(taken.getsockname()[1])


def stops_all(demo: Demo, number: signal.Signals) -> None:
    """See that a signal ends the demo in order, and every process that it started."""
    started = demo.processes()
    # The daemon and its three workers, the web host, PostgreSQL.
    assert len(started) >= 6
    assert demo.stop(number) == 0
    assert gone(started)
    assert demo.processes() == set()


def test_ctrl_c_stops_all_it_started_and_it_starts_again_where_it_was(
    directory: Path, few: Path
) -> None:
    """
    Ctrl-C leaves no process; the next start finds everything as it was, and changes nothing.

    A port in use is no fault, and a kill ends it as Ctrl-C does. A bmuid with another schema does not work on it,
    and says what to do.
    """
    with running(directory, "--examples", str(few)) as demo:
        before = demo.bmadmin("status", "show")["totals"]
        assert before["files"] == 1
        assert before["invoices"] > 0
        stops_all(demo, signal.SIGINT)
    with taken_port() as port, running(directory, "--examples", str(few), "--port", port) as demo:
        assert demo.port != int(port)
        assert "rated before" in demo.text
        after = demo.bmadmin("status", "show")["totals"]
        for name in ("accounts", "files", "udrs", "suspended", "invoices"):
            assert after[name] == before[name], name
        stops_all(demo, signal.SIGTERM)
    (directory / "schema.sha256").write_text("of another checkout")
    done = begin("--directory", str(directory), "--examples", str(few))
    assert done.returncode == 1
    assert "--clean" in done.stderr


def test_a_demo_that_was_killed_is_taken_over(directory: Path, few: Path) -> None:
    """After kill -9 of the demo alone, --clean ends what it left running."""
    with running(directory, "--examples", str(few)) as demo:
        left = demo.processes()
        demo.stop(signal.SIGKILL)
    done = remove(directory)
    assert done.returncode == 0, done.stderr
    assert gone(left)


def test_a_second_one_in_the_same_place_is_refused(demo: Demo) -> None:
    """Who starts it twice reads where it runs, and the first one goes on."""
    done = begin("--directory", str(demo.directory))
    assert done.returncode == 1
    assert f"process {demo.process.pid}" in done.stderr
    assert done.stderr.count("\n") == 1
    assert demo.process.poll() is None


def begin(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Begin a demo that can't start."""
    return subprocess.run(
        [*BMUID, "demo", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """Neither starting nor cleaning touches what is no demo."""
    (tmp_path / "letters").write_text("dear")
    before = set(Path("/var/tmp").glob("bmuid-demo-*"))
    for arguments in ((), ("--clean",)):
        done = begin("--directory", str(tmp_path), *arguments)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]
    assert set(Path("/var/tmp").glob("bmuid-demo-*")) == before


def test_without_examples_it_says_where_to_get_them(tmp_path: Path) -> None:
    """One line, and nothing was made."""
    done = begin("--directory", str(tmp_path / "demo"), "--examples", str(tmp_path))
    assert done.returncode == 1
    assert "--examples" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "demo").exists()


def test_cleaning_where_nothing_is_is_no_fault(tmp_path: Path) -> None:
    """make demo-clean may be said at any time."""
    assert remove(tmp_path / "none").returncode == 0


def test_a_path_too_long_for_sockets_is_no_fault(place: Path, few: Path) -> None:
    """A deep checkout works as a shallow one, also when its terminal is closed; nothing is left elsewhere."""
    deep = place / ("a directory with quite a long name " * 4)
    before = set(Path("/var/tmp").glob("bmuid-demo-*"))
    with running(deep, "--examples", str(few)) as demo:
        assert demo.bmadmin("status", "show")["totals"]["files"] == 1
        stops_all(demo, signal.SIGHUP)
    assert remove(deep).returncode == 0
    assert not deep.exists()
    assert set(Path("/var/tmp").glob("bmuid-demo-*")) == before
