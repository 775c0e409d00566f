"""How much room is left where the spool lies."""

import os
from pathlib import Path


def has_room(directory: Path, octets_min: int) -> bool:
    """Tell whether so much is free there for us; a directory that can't be looked at has no room."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize >= octets_min
