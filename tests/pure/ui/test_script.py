"""The CGI script itself, as a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "cgi-bin" / "bmui.py"
# What a page may load: more would cost each page its time. All else of bmu is the daemon's.
HEAVY = "asyncio cgi dataclasses decimal email http inspect jinja2 logging ssl threading twisted typing urllib zoneinfo"


def run(conf: Path, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Run the script as a web server does."""
    environment = {"BMUI_CONF": str(conf), "REQUEST_METHOD": "GET", **environ}
    return subprocess.run([sys.executable, "-I", SCRIPT], env=environment, capture_output=True)


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """Give a settings file that leads nowhere."""
    path = tmp_path / "bmui.conf"
    path.write_text(f"socket = {tmp_path}/none\n")
    return path


def test_the_login_page_comes_without_the_daemon(conf: Path) -> None:
    """Even when all else is down, a visitor gets a page."""
    done = run(conf, PATH_INFO="/login")
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    assert b"Status: 200 OK" in head
    assert b"<h1>Log in</h1>" in body
    assert f"Content-Length: {len(body)}".encode() in head
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_page_without_the_daemon_is_a_503_and_a_line_in_the_log(conf: Path) -> None:
    """The customer reads that it can't be reached, the operator which question failed."""
    done = run(conf, PATH_INFO="/overview", HTTP_COOKIE="__Host-bm=" + "t" * 43)
    assert b"Status: 503" in done.stdout
    assert done.stderr.startswith(b"bmui: overview_show ")
    assert done.stderr.count(b"\n") == 1
    assert b"tttt" not in done.stderr


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "PYTHONPATH", "PYTHONSTARTUP", "BMUI_SOCKET"])
def test_a_request_cannot_steer_the_script(conf: Path, tmp_path: Path, variable: str) -> None:
    """Headers and variables beyond the few it reads change nothing."""
    (tmp_path / "json.py").write_text("raise SystemExit('taken over')")
    done = run(conf, PATH_INFO="/login", **{variable: str(tmp_path)})
    assert b"Status: 200 OK" in done.stdout


def test_without_settings_the_script_says_so_in_one_line(tmp_path: Path) -> None:
    """The operator finds the reason in the web server's log."""
    done = run(tmp_path / "none.conf", PATH_INFO="/login")
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.startswith(b"bmui: ")
    assert done.stderr.count(b"\n") == 1


def test_a_page_loads_little() -> None:
    """What a page need not load it does not wait for."""
    code = "import sys; import bmu.ui.script; print(*sys.modules)"
    loaded = subprocess.run(
        [
            sys.executable,
            "-IS",
            "-c",
            f"import sys; sys.path[:0] = {[str(SCRIPT.parents[1] / 'lib')]}; {code}",
        ],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {name.split(".")[0] for name in loaded} & set(HEAVY.split())
    ours = {name for name in loaded if name.startswith("bmu.")}
    assert {name.split(".")[1] for name in ours} == {"money", "ui", "wire"}
