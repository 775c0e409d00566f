"""The database's disk is full while files come in: nothing that was acknowledged is lost, and work goes on once there is room."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
from bad_files import Truth, Writer
from workplace import DATABASE, DAYS_BACK, SECONDS_MAX, Workplace, check, lay, server_of_its_own

from bmuid import cluster as clusters
from bmuid.cluster import Cluster

CUSTOMERS = 4
SEED = 23
FILES = 12
DISK_MIB = 240
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "32MB",
    "max_wal_size": "64MB",
}
WORKER = (
    "import sys; from pathlib import Path; from bmuid.intake.spool import Spool;"
    "from bmuid.worker.main import KINDS, Settings; kind, dsn, spool = sys.argv[1:];"
    f"KINDS[kind](Settings(dsn, Spool(Path(spool)), parts=1, chunk_lines=5, days_back={DAYS_BACK}))"
)


@pytest.fixture
def disk(short_path: Path) -> Iterator[Path]:
    """Give a small disk of its own."""
    place = short_path / "disk"
    place.mkdir(mode=0o755)
    mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=755", "tmpfs", str(place))
    if (
        os.geteuid() != 0
        or subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode
    ):
        pytest.skip("only who may mount can have a small disk")
    yield place
    subprocess.run(("umount", "--lazy", str(place)), check=True)


@pytest.fixture
def server(disk: Path) -> Iterator[Cluster]:
    """Give a server on that disk, with the small company on it."""
    with server_of_its_own(disk / "server", CUSTOMERS, SETTINGS) as made:
        yield made


def wait_for_words(process: subprocess.Popen[bytes], words: bytes) -> None:
    """Wait until a worker says that."""
    assert process.stderr is not None
    said = b""
    while words not in said:
        assert select.select([process.stderr], [], [], SECONDS_MAX)[0], said
        piece = os.read(process.stderr.fileno(), 1 << 16)
        assert piece, said
        said += piece


def test_a_full_disk_of_the_database_only_holds_up_the_work(
    server: Cluster, disk: Path, tmp_path: Path
) -> None:
    """The disk fills up in the middle; when there is room again, each line ends once and each call is charged once."""

    def connect() -> psycopg2.extensions.connection:
        return psycopg2.connect(server.dsn(DATABASE, "postgres"))

    place = Workplace(server.dsn(DATABASE, "bmuid"), tmp_path / "spool", connect)
    truth = Truth(CUSTOMERS)
    files = list({file.octets: file for file in Writer(SEED, CUSTOMERS).files(FILES)}.values())
    words = (sys.executable, "-c", WORKER, "rating", place.dsn, str(place.spool))
    with ExitStack() as workers:
        workers.enter_context(place.worker("intake"))
        lay(place.spool, files[0], "0000.csv")
        rating = workers.enter_context(subprocess.Popen(words, stderr=subprocess.PIPE))
        workers.callback(rating.kill)
        place.wait_until_done(1)
        filler = disk / "filler"
        filler.write_bytes(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize))
        for number, file in enumerate(files[1:], 1):
            lay(place.spool, file, f"{number:04}.csv")
        wait_for_words(rating, b"database is away")
        filler.unlink()
        # A server that can't write its log ends itself.
        clusters.start(server, SETTINGS)
        place.wait_until_done(len(files))

    check(connect, truth, [truth.verdicts(file) for file in files])
