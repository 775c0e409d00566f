"""The process of receivers: what an administrator meets when starting it."""

import os
from pathlib import Path

from conftest import Database
from daemons import make_site, refused_start


def test_there_must_be_a_way_in(database: Database, short_path: Path) -> None:
    """Receivers alone, where none is configured: told at once, and nothing is started."""
    site = make_site(short_path, database.dsn("bmuid").replace(" user=bmuid", ""))

    status, lines = refused_start(site, "--only", "receiving")

    assert status == os.EX_CONFIG
    assert len(lines) == 1
    assert "no section of the configuration names a way in" in lines[0]
