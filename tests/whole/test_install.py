"""What is installed: a web host gets the pages and needs nothing but Python; nothing shipped is missing."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".*",
    "__pycache__",
    "*.egg-info",
    "benchmarks",
    "build",
    "compiled",
    "docs",
    "examples",
    "tests",
)


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """Give a directory with bmuid installed from a clean copy of the checkout, and nothing else."""
    with tempfile.TemporaryDirectory(prefix="bmuid-install-") as place:
        shutil.copytree(ROOT, Path(place, "checkout"), ignore=LEFT_OUT)
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation",
             "--target", str(Path(place, "host")), str(Path(place, "checkout"))],
            check=True,
        )  # fmt: skip
        yield Path(place, "host")


def run(host: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run Python with what is installed and the standard library: no other package can be found."""
    return subprocess.run(
        [sys.executable, "-S", *words],
        env={"PATH": os.defpath, "PYTHONPATH": str(host), **environment},
        capture_output=True, stdin=subprocess.DEVNULL, timeout=30,
    )  # fmt: skip


def test_a_page_needs_nothing_but_python(installed: Path, tmp_path: Path) -> None:
    """On a web host with bmuid alone, a customer gets the page to log in."""
    conf = tmp_path / "bmui.conf"
    conf.write_text(f"socket = {tmp_path / 'none'}\ncompany = Harbour\n", encoding="utf-8")
    done = run(
        installed, str(installed / "bin" / "bmui.py"),
        BMUI_CONF=str(conf), REQUEST_METHOD="GET", SCRIPT_NAME="/cgi-bin/bmui.py", PATH_INFO="/login",
        QUERY_STRING="", SERVER_NAME="localhost", SERVER_PORT="443", SERVER_PROTOCOL="HTTP/1.1", HTTPS="on",
    )  # fmt: skip

    assert done.stderr == b""
    head, _, page = done.stdout.partition(b"\r\n\r\n")
    assert b"Status: 200" in head
    assert b"Harbour" in page
    assert b'type="password"' in page


def test_what_the_database_host_reads_is_there(installed: Path) -> None:
    """The schema, its deltas, the examples of configuration and the init files come with bmuid."""
    share = installed / "share" / "bmuid"
    for folder in ("etc", "init"):
        shipped = {path.name for path in (ROOT / folder).iterdir()}
        assert {path.name for path in (share / folder).iterdir()} == shipped
    assert (share / "schema.sql").read_bytes() == (ROOT / "schema.sql").read_bytes()
    deltas = {path.name for path in (ROOT / "bmuid/store/deltas").glob("*.sql")}
    assert {path.name for path in (installed / "bmuid/store/deltas").glob("*.sql")} == deltas
    static = {path.name for path in (ROOT / "lib/bmu/ui/static").iterdir()}
    assert {path.name for path in (installed / "bmu/ui/static").iterdir()} == static
