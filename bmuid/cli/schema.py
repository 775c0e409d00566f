"""The command `bmuid schema`: make the schema in an empty database, lead an older one on, or tell its version."""

import argparse
import os
from collections.abc import Callable, Sequence
from contextlib import closing

from bmuid.cli.telling import complain
from bmuid.store import schema
from bmuid.store.schema import SCHEMA_VERSION, SchemaError, UnreachableError
from bmuid.store.transaction import Connection, DatabaseError

EPILOG = """\
examples:
  createdb --encoding UTF8 --template template0 bmuid
  bmuid schema install --dsn "dbname=bmuid user=postgres"
  bmuid schema upgrade --dsn "dbname=bmuid user=postgres"

install and upgrade need a superuser; the daemon's own roles own nothing. Before an upgrade, stop bmuid and make a backup.
"""


def main(argv: Sequence[str]) -> int:
    """Do the one thing asked; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="bmuid schema",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=sorted(ACTIONS))
    parser.add_argument("--dsn", required=True, help="how to reach the database, in libpq's words")
    arguments = parser.parse_args(argv)
    try:
        with closing(schema.connect(arguments.dsn)) as connection:
            print(ACTIONS[arguments.action](connection))
    except UnreachableError as error:
        return complain("bmuid schema", (str(error),), os.EX_UNAVAILABLE)
    except SchemaError as error:
        return complain("bmuid schema", (str(error),), 1)
    except DatabaseError as error:
        return complain("bmuid schema", (" ".join(str(error).split()),), 1)
    return os.EX_OK


def _install(connection: Connection) -> str:
    schema.install(connection)
    return f"the schema is installed, version {SCHEMA_VERSION}"


def _upgrade(connection: Connection) -> str:
    return f"the schema is of version {schema.upgrade(connection, schema.deltas())}"


def _show(connection: Connection) -> str:
    with connection, connection.cursor() as txn:
        found = schema.version(txn)
    have = "no schema" if found is None else f"version {found}"
    return f"the database has {have}; this program knows version {SCHEMA_VERSION}"


ACTIONS: dict[str, Callable[[Connection], str]] = {
    "install": _install,
    "upgrade": _upgrade,
    "show": _show,
}
