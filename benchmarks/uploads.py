"""Files over SSH, measured: OpenSSH's sftp into the SFTP door, and the pull from OpenSSH's server."""

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg2

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # a daemon is started as the tests start it

import machine  # noqa: E402
import usage_world  # noqa: E402
from daemons import Running, Site, make_site, running  # noqa: E402
from sftps import Client, Sshd, make_key, trust  # noqa: E402

from bmuid import cluster as clusters  # noqa: E402

DATABASE = "bench"
MB = 1_000_000


def measure(octets: int, rounds: int) -> None:
    """Print how many megabytes a second come in, each file durable before its client is told; the median."""
    folder = Path(tempfile.mkdtemp(prefix="bmuid-bench-"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        site, key = stack.enter_context(founded(folder))
        file = folder / "partner" / "usage.csv"
        file.parent.mkdir()
        with file.open("wb") as written:
            for _ in range(0, octets, MB):
                written.write(os.urandom(MB))
        for name, found in (
            ("sftp put, as it is", upload(site, key, file, rounds)),
            ("sftp put, 32 KiB a request", upload(site, key, file, rounds, "-B", "32768")),
            ("pulled from sshd", pull(site, folder, octets, rounds)),
        ):
            print(
                f"{name:28}{statistics.median(found):6.0f} MB/s of {rounds}: {min(found):.0f} to {max(found):.0f}"
            )


@contextmanager
def founded(folder: Path) -> Iterator[tuple[Site, Path]]:
    """Start a server and found a company whose source has a key; give the installation and the key."""
    cluster = clusters.create(folder / "cluster")
    clusters.start(cluster, {"fsync": "on", "synchronous_commit": "on"})
    try:
        with closing(psycopg2.connect(cluster.dsn("postgres", "postgres"))) as owner:
            owner.autocommit = True
            with owner.cursor() as txn:
                txn.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
        key = make_key(folder / "id_switch")
        kind, blob = key.with_suffix(".pub").read_text(encoding="ascii").split()[:2]
        with closing(psycopg2.connect(cluster.dsn(DATABASE, "postgres"))) as owner:
            with owner, owner.cursor() as txn:
                txn.execute((ROOT / "schema.sql").read_text(encoding="utf-8"))
            usage_world.found(owner, 1)
            with owner, owner.cursor() as txn:
                txn.execute(
                    "INSERT INTO bmu.source_key (id, source_id, kind, note, fingerprint, public_key, created_by)"
                    " SELECT repeat('0', 16), id, 'SSH', '', 'SHA256:' || repeat('x', 43), %(key)s, 'bench' FROM bmu.source",
                    {"key": f"{kind} {blob}"},
                )
            print(machine.describe(owner))
        yield make_site(folder, cluster.dsn(DATABASE, "bmuid").replace(" user=bmuid", "")), key
    finally:
        clusters.stop(cluster)


def upload(site: Site, key: Path, file: Path, rounds: int, *options: str) -> list[float]:
    """Upload the file again and again; give megabytes a second, with all that goes with connecting."""
    site.write(sftp={"port": 0, "host_key": "sftp_host_key"})
    found = []
    with running(site, "--only", "receiving") as daemon:
        known = site.directory / "known_hosts"
        client = Client(trust(daemon, known), usage_world.SOURCE, key, known)
        for number in range(rounds):
            began = time.perf_counter()
            done = client.sftp(f"put {file} {number}.csv", options=options)
            found.append(file.stat().st_size / MB / (time.perf_counter() - began))
            assert done.returncode == 0, done.stderr
            taken(site)
        assert daemon.stop() == os.EX_OK
    return found


def pull(site: Site, folder: Path, octets: int, rounds: int) -> list[float]:
    """Have the daemon fetch the file, changed each time; give megabytes a second from one log line to the next."""
    with Sshd.serving(folder) as partner:
        site.write(**{"pull.partner": {
            "source": usage_world.SOURCE, "every_seconds": 1, "settled_seconds": 0, "key_file": str(partner.key),
            "host_key_file": str(partner.host_key.with_suffix(".pub")),
            "url": f"sftp://root@127.0.0.1:{partner.port}{folder}/partner",
        }})  # fmt: skip
        return [fetched(site, folder, octets, number) for number in range(rounds)]


def fetched(site: Site, folder: Path, octets: int, number: int) -> float:
    """Change the file, start the daemon, and see how long it takes from its start to the file's end."""
    os.utime(folder / "partner" / "usage.csv", (number, number))
    with running(site, "--only", "receiving") as daemon:
        began = time.perf_counter()
        daemon.event("pull: fetched")
        spent = time.perf_counter() - began
        stopped(daemon)
    taken(site)
    return octets / MB / spent


def stopped(daemon: Running) -> None:
    """End a daemon in order."""
    assert daemon.stop() == os.EX_OK


def taken(site: Site) -> None:
    """Take what was handed in out of the way."""
    for path in (site.directory / "spool" / usage_world.SOURCE / "in").iterdir():
        path.unlink()
