"""The usage door of a real process, and switches that tell it of calls."""

import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import usage_world as world
from conftest import Database
from daemons import PublicClient, Running, Site, make_site, running
from usage_world import HOME, number_of

from bmuid import pki

SOURCE = {"uid_types": ["phone"]}
NOON = "2026-08-03T11:00:00Z"


def installed(database: Database, folder: Path, customers: int) -> Site:
    """Give an installation whose switch may tell of usage in real time."""
    with closing(database.connect("postgres")) as owner:
        world.found(owner, customers)
    made = make_site(folder, database.dsn("bmuid").replace(" user=bmuid", ""))
    write(made)
    return made


def write(site: Site, **settings: object) -> None:
    """Write the configuration with its usage door, and what the switch may."""
    site.write(usage=usage_of(site), **{f"usage.sources.{world.SOURCE}": settings or SOURCE})


def usage_of(site: Site) -> dict[str, object]:
    """Give the keys of the usage door; it has the public door's certificates, which the tests have."""
    public = site.settings["public"]
    return {key: public[key] for key in ("port", "certificate", "key", "client_ca", "client_crl")}


def leaf(site: Site, name: str) -> pki.Leaf:
    """Give the certificate of a name."""
    if name == "web":
        return site.web
    return pki.issue(site.authority, name, pki.Purpose.CLIENT, (), datetime.now(UTC))


class Sources:
    """A daemon's usage door, for sources with certificates."""

    def __init__(self, daemon: Running, certificate: pki.Leaf) -> None:
        self.daemon = daemon
        self.certificate = certificate
        host, _, port = str(daemon.events[-1]["usage"]).rpartition(":")
        daemon.address = (host, int(port))

    def connect(self) -> PublicClient:
        """Connect as the source."""
        context: ssl.SSLContext = self.daemon.site.client_context(self.certificate)
        return PublicClient(self.daemon, context)

    def ask(self, operation: str, **texts: str) -> tuple[bool, dict[str, object]]:
        """Ask one thing on a connection of its own."""
        with self.connect() as client:
            return client.ask(operation, **texts)


@contextmanager
def serving(site: Site, certificate: pki.Leaf) -> Iterator[Sources]:
    """Run the usage door alone."""
    with running(site, "--only", "realtime") as daemon:
        yield Sources(daemon, certificate)


def told(event: str, customer: int = 1, seconds: int = 60, **changes: str) -> dict[str, str]:
    """Give what a switch tells of a call."""
    return {
        "event": event,
        "class_": "voice",
        "uid": number_of(customer),
        "started_at": NOON,
        "quantity": str(seconds),
        "destination": HOME,
        **changes,
    }


def rows(database: Database, statement: str) -> list[tuple[object, ...]]:
    """Give what the database holds."""
    with closing(database.connect("postgres")) as connection, connection.cursor() as txn:
        txn.execute("SET search_path TO bmu")
        txn.execute(statement)
        return txn.fetchall()
