"""What must be there before anything runs: certificates, secrets, configuration, database, schema."""

import hashlib
import json
import os
import secrets
import shutil
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import bmu
from bmuid import cluster as clusters
from bmuid import pki
from bmuid.cluster import Cluster
from bmuid.demo.places import DemoError, Places
from bmuid.pki import Authority, Purpose
from bmuid.store import schema
from bmuid.store.transaction import Connection, DatabaseError

DATABASE = "bmuid"
DUPLICATE_DATABASE = "42P04"
SERVER, WEB, HTTPS = "bmuid", "web", "https"
HOSTS = ("localhost", "127.0.0.1", "::1")
# Certificates are good for 397 days; a demo that lay that long gets new ones in time.
CERTIFICATES_KEPT = timedelta(days=300)
SECRET_OCTETS = 32


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of this run: the public door's, the portal's."""

    door: int
    portal: int


def certificates(places: Places, now: datetime) -> None:
    """Make two authorities and what they issue: for the public door and its web host, and for the browser."""
    leaf = places.https_pki / f"{HTTPS}.pem"
    if leaf.exists():
        age = now.timestamp() - leaf.stat().st_mtime
        if age < CERTIFICATES_KEPT.total_seconds():
            pki.renew_crl(Authority(places.door_pki), now)
            return
    for directory in (places.door_pki, places.https_pki):
        shutil.rmtree(directory, ignore_errors=True)
    door = pki.init_ca(places.door_pki, "bmuid demo: public door", now)
    pki.issue(door, SERVER, Purpose.SERVER, HOSTS, now)
    pki.issue(door, WEB, Purpose.CLIENT, (), now)
    https = pki.init_ca(places.https_pki, "bmuid demo: portal", now)
    pki.issue(https, HTTPS, Purpose.SERVER, HOSTS, now)


def keys(places: Places) -> None:
    """Make the secrets, unless they are there: with other ones no password would fit any more."""
    for name in ("pepper", "csrf", "sources"):
        path = places.secrets / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(secrets.token_bytes(SECRET_OCTETS))


def configuration(places: Places, ports: Ports, company: str) -> None:
    """Write the files that the daemon, the web host and the script read."""
    dsn = clusters.Cluster(places.database, Path()).dsn(DATABASE, "postgres")
    door, https = places.door_pki, places.https_pki
    daemon: dict[str, dict[str, object]] = {
        "database": {"dsn": dsn.removesuffix(" user=postgres")},
        "public": {
            "port": ports.door,
            "certificate": door / f"{SERVER}.pem",
            "key": door / f"{SERVER}.key",
            "client_ca": Authority(door).certificate,
            "client_crl": Authority(door).crl,
            "client_names": [WEB],
        },
        "admin": {"socket": places.admin_socket, "admins": [str(os.geteuid())]},
        "spool": {"directory": places.spool, "days_back_max": 36500},
        "process": {"pid_file": places.pid_file("bmuid")},
        "log": {"file": places.logs / "bmuid.log"},
        "secrets": {
            "pepper_file": places.secrets / "pepper",
            "csrf_key_file": places.secrets / "csrf",
            "source_key_file": places.secrets / "sources",
        },
    }
    web: dict[str, dict[str, object]] = {
        "https": {
            "port": ports.portal,
            "certificate": https / f"{HTTPS}.pem",
            "key": https / f"{HTTPS}.key",
        },
        "portal": {"script": script(), "settings": places.script_conf, "static": static()},
        "door": {
            "socket": places.relay_socket,
            "port": ports.door,
            "ca": Authority(door).certificate,
            "certificate": door / f"{WEB}.pem",
            "key": door / f"{WEB}.key",
        },
    }
    places.conf.write_text(toml(daemon), encoding="utf-8")
    places.webhost_conf.write_text(toml(web), encoding="utf-8")
    places.script_conf.write_text(
        f"socket = {places.relay_socket}\ncompany = {company}\n", encoding="utf-8"
    )


def toml(document: dict[str, dict[str, object]]) -> str:
    """Write tables of texts, numbers, lists and paths as TOML, whose strings are JSON's but for DEL."""
    lines = ["# Written by `bmuid demo` at each start."]
    for name, table in document.items():
        lines.append(f"\n[{name}]")
        for key, value in table.items():
            plain = str(value) if isinstance(value, Path) else value
            lines.append(f"{key} = {json.dumps(plain, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def script() -> Path:
    """Give the portal's script: of this checkout, else where it was installed."""
    beside = Path(__file__).parents[2] / "cgi-bin" / "bmui.py"
    found = beside if beside.exists() else Path(sys.prefix) / "bin" / "bmui.py"
    if not found.exists():
        raise DemoError(f"{found} is missing: install bmuid again")
    return found


def static() -> Path:
    """Give the portal's static files."""
    assert bmu.__file__ is not None
    return Path(bmu.__file__).parent / "ui" / "static"


def database(places: Places) -> Cluster:
    """
    Start the private server and make the database, unless they are there.

    Errors:
        ClusterError, SchemaError, UnreachableError: one line what is wrong.
    """
    server = clusters.create(places.database)
    clusters.start(server)
    with closing(schema.connect(server.dsn("postgres", "postgres"))) as connection:
        connection.autocommit = True
        try:
            with connection.cursor() as txn:
                txn.execute("CREATE DATABASE bmuid ENCODING 'UTF8' TEMPLATE template0")
        except DatabaseError as error:
            if error.pgcode != DUPLICATE_DATABASE:
                raise
    with closing(schema.connect(server.dsn(DATABASE, "postgres"))) as connection:
        _schema(places, connection)
    return server


def _schema(places: Places, connection: Connection) -> None:
    """Make the schema, or lead it on; note which text it is of, since a checkout may change it between versions."""
    text = hashlib.sha256(schema.schema_path().read_bytes()).hexdigest()
    noted = places.root / "schema.sha256"
    with connection, connection.cursor() as txn:
        found = schema.version(txn)
    if found is None:
        schema.install(connection)
    elif schema.upgrade(connection, schema.deltas()) == found and _noted(noted) != text:
        raise DemoError(
            f"the demo in {places.root} was made by another bmuid: remove it with --clean, then start anew"
        )
    noted.write_text(text, encoding="ascii")


def _noted(path: Path) -> str:
    return path.read_text(encoding="ascii") if path.exists() else ""
