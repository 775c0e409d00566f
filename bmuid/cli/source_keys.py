"""The command `bmuid source-keys`: the good SSH keys of a source, as OpenSSH's server asks for them."""

import argparse
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bmuid.cli.telling import complain
from bmuid.config import DEFAULT_PATH, ConfigError, load
from bmuid.store import schema, source_keys
from bmuid.store.schema import UnreachableError
from bmuid.store.transaction import DatabaseError

EPILOG = """\
For AuthorizedKeysCommand of sshd_config (etc/sshd-bmuid.conf): prints one line a key, and nothing for a source that has none. Reads the
database as the engine does, so it runs as the daemon's user.
"""


def main(argv: Sequence[str]) -> int:
    """Print the keys; give the exit status."""
    parser = argparse.ArgumentParser(prog="bmuid source-keys", description=__doc__, epilog=EPILOG)
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, help="the configuration file")
    parser.add_argument("source", help="the source's code, which is its user's name")
    arguments = parser.parse_args(argv)
    try:
        config = load(arguments.config)
        with (
            closing(schema.connect(config.database.engine_dsn)) as connection,
            connection.cursor() as txn,
        ):
            keys = source_keys.public_keys(txn, arguments.source)
    except ConfigError as error:
        return complain("bmuid source-keys", error.faults, os.EX_CONFIG)
    except (UnreachableError, DatabaseError) as error:
        said = " ".join(str(error).split())
        return complain("bmuid source-keys", (f"database: {said}",), os.EX_UNAVAILABLE)
    for key in keys:
        # Whatever else the server allows, this one does not.
        print(f"restrict {key}")
    return os.EX_OK
