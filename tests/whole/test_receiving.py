"""The process of receivers: what an administrator meets when starting it."""

import os
import signal
from pathlib import Path

from conftest import Database
from daemons import make_site, refused_start, running


def test_there_must_be_a_way_in(database: Database, short_path: Path) -> None:
    """Receivers alone, where none is configured: told at once, and nothing is started."""
    site = make_site(short_path, database.dsn("bmuid").replace(" user=bmuid", ""))

    status, lines = refused_start(site, "--only", "receiving")

    assert status == os.EX_CONFIG
    assert len(lines) == 1
    assert "no section of the configuration names a way in" in lines[0]


def test_a_new_way_in_is_told_to_wait_for_the_next_start(
    database: Database, short_path: Path
) -> None:
    """Who writes a section of a receiver and reloads is not left to wonder why nobody listens."""
    site = make_site(short_path, database.dsn("bmuid").replace(" user=bmuid", ""))
    door = {"port": 0, "host_key": str(site.directory / "host_key")}
    site.write(sftp=door)
    with running(site, "--only", "receiving") as daemon:
        secret = site.directory / "radius"
        secret.write_text("harbour-radius-demo-secret")
        secret.chmod(0o600)
        client = {"network": "127.0.0.1", "source": "bras", "secret_file": str(secret)}
        site.write(sftp=door, radius={"port": 0}, **{"radius.clients.bras": client})
        daemon.signal(signal.SIGHUP)
        daemon.event("configuration, certificates and lists were read anew")
        daemon.event("[radius] is new: it takes effect at the next start of bmuid")
