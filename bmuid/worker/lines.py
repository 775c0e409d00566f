"""The lines that were made of a file, made again when the spool has lost them."""

import logging

from bmuid.intake.chunk import LinesLostError
from bmuid.intake.preparing import make_again
from bmuid.intake.profiles import Profiles
from bmuid.intake.spool import Spool
from bmuid.store import parts
from bmuid.store.transaction import Connection, run

log = logging.getLogger(__name__)


def lines_again(
    connection: Connection, spool: Spool, profiles: Profiles, error: LinesLostError
) -> bool:
    """Make the lines again, or set the part aside where that can't be; False: there is no room for them now."""
    part = error.part
    log.warning("%s are made again: they are not in the spool", error)
    profile = run(connection, profiles.of, part.source)
    try:
        path = None if profile is None else make_again(spool, part, profile)
    except OSError as failed:
        log.error("%s can't be made again: %s", error, failed.strerror or failed)  # noqa: TRY400
        return False
    if path is None:
        reason = (
            "its lines can't be made again of what is kept of it: put the octets with SHA-256"
            f" {part.sha256.hex()} back into {part.source.code}/work/, and let the file be tried again"
        )
        run(connection, parts.block, part.file_id, part.part, reason)
    return True
