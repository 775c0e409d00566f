"""The file as a whole: its sections, its keys and their defaults."""

import grp
import re
import tomllib
from pathlib import Path

from bmuid.config.pull import pulls
from bmuid.config.receivers import SOURCE, batch_door, radius_door, sftp_door
from bmuid.config.section import Section
from bmuid.config.values import (
    AdminDoor,
    Config,
    Database,
    Limits,
    Log,
    Process,
    PublicDoor,
    Secrets,
    Spool,
    Tax,
    UsageDoor,
    UsageSource,
)

DEFAULT_PATH = Path("/etc/bmuid/bmuid.conf")
SECTIONS = (
    "database", "public", "usage", "sftp", "admin", "radius", "batch", "pull", "spool", "process", "tax", "log", "limits", "secrets",
)  # fmt: skip
UID_TYPE = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
# Of originals of usage: what people may still ask about.
KEEP_DAYS_MIN = 90
SQL_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
SERIAL = re.compile(r"[0-9a-f]{1,40}", re.ASCII)
# sockaddr_un.sun_path is 108 octets with its end mark.
SOCKET_PATH_OCTETS_MAX = 107


class ConfigError(Exception):
    """
    Raised for a configuration that can't be used.

    Shapes:
        faults: one line each, all there are, each beginning with its place in the file.
    """

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def _database(at: Section) -> Database:
    dsn = at.text("dsn", "host=/run/postgresql dbname=bmuid")
    if "password" in dsn:
        at.fault("dsn", "must not hold a password; name a file with passfile=")
    return Database(
        dsn=dsn,
        engine_user=at.text("engine_user", "bmuid", pattern=SQL_NAME),
        admin_user=at.text("admin_user", "bmuid_admin", pattern=SQL_NAME),
        auth_user=at.text("auth_user", "bmuid_auth", pattern=SQL_NAME),
        public_user=at.text("public_user", "bmuid_public", pattern=SQL_NAME),
        connections_max=at.number("connections_max", 4, smallest=1, largest=100),
        statement_seconds_max=at.number("statement_seconds_max", 30, smallest=1, largest=3600),
    )


def _public(at: Section) -> PublicDoor:
    names = at.texts("client_names", ("web",))
    serials = at.texts("client_serials", ())
    if not names:
        at.fault("client_names", "must name at least one certificate, or nobody could connect")
    if not all(SERIAL.fullmatch(serial) for serial in serials):
        at.fault("client_serials", "must be serial numbers in lower-case hexadecimal digits")
    return PublicDoor(
        address=at.text("address", "127.0.0.1"),
        port=at.number("port", 5023, smallest=0, largest=65535),
        certificate=at.file("certificate", "/etc/bmuid/pki/public.pem"),
        key=at.file("key", "/etc/bmuid/pki/public.key", secret=True),
        client_ca=at.file("client_ca", "/etc/bmuid/pki/public-ca.pem"),
        client_crl=at.file("client_crl", "/etc/bmuid/pki/public-ca.crl"),
        client_names=names,
        client_serials=serials,
    )


def _usage(at: Section) -> UsageDoor:
    def number(key: str, default: int, largest: int) -> int:
        return at.number(key, default, smallest=1, largest=largest)

    sources = tuple(_source(code, one) for code, one in at.tables("sources"))
    if not sources:
        at.fault("sources", "must hold at least one, written [usage.sources.CODE]")
    return UsageDoor(
        address=at.text("address", "127.0.0.1"),
        port=at.number("port", 5024, smallest=0, largest=65535),
        certificate=at.file("certificate", "/etc/bmuid/pki/usage.pem"),
        key=at.file("key", "/etc/bmuid/pki/usage.key", secret=True),
        client_ca=at.file("client_ca", "/etc/bmuid/pki/usage-ca.pem"),
        client_crl=at.file("client_crl", "/etc/bmuid/pki/usage-ca.crl"),
        sources=sources,
        connections_max=number("connections_max", 512, 10_000),
        idle_seconds_max=number("idle_seconds_max", 3600, 86_400),
        group_max=number("group_max", 256, 10_000),
    )


def _source(code: str, at: Section) -> UsageSource:
    serials, uid_types = at.texts("serials", ()), at.texts("uid_types", ())
    if not SOURCE.fullmatch(code):
        at.fault("code", f"{code!r} is not the code of a source: small letters, digits, - and _")
    if not all(SERIAL.fullmatch(serial) for serial in serials):
        at.fault("serials", "must be serial numbers in lower-case hexadecimal digits")
    if not all(UID_TYPE.fullmatch(uid_type) for uid_type in uid_types):
        at.fault("uid_types", "must be types of usage identifiers, like phone")
    requests = at.number("requests_a_second", 1000, smallest=1, largest=100_000)
    at.end()
    return UsageSource(code, serials, uid_types, requests)


def _admin(at: Section) -> AdminDoor:
    socket = at.path("socket", "/run/bmuid/admin.sock")
    if not socket.parent.is_dir():
        at.fault("socket", f"{socket.parent}: there is no such directory")
    if len(bytes(socket)) > SOCKET_PATH_OCTETS_MAX:
        at.fault("socket", f"is longer than the {SOCKET_PATH_OCTETS_MAX} octets the system allows")
    group = at.text("group", "")
    try:
        gid = grp.getgrnam(group).gr_gid if group else None
    except KeyError:
        at.fault("group", f"{group}: there is no such group")
        gid = None
    return AdminDoor(
        socket=socket,
        gid=gid,
        auditors=at.members("auditors", ()),
        clerks=at.members("clerks", ()),
        admins=at.members("admins", ("root",)),
    )


def _limits(at: Section) -> Limits:
    def number(key: str, default: int, largest: int) -> int:
        return at.number(key, default, smallest=1, largest=largest)

    return Limits(
        public_connections_max=number("public_connections_max", 64, 10_000),
        public_handshakes_max=number("public_handshakes_max", 8, 10_000),
        admin_connections_max=number("admin_connections_max", 16, 10_000),
        handshake_seconds_max=number("handshake_seconds_max", 5, 60),
        line_seconds_max=number("line_seconds_max", 5, 60),
        idle_seconds_max=number("idle_seconds_max", 30, 3600),
        write_seconds_max=number("write_seconds_max", 30, 600),
        logins_a_second=number("logins_a_second", 5, 1000),
        reads_a_second=number("reads_a_second", 100, 10_000),
        changes_a_second=number("changes_a_second", 20, 10_000),
        requests_waiting_max=number("requests_waiting_max", 100, 10_000),
    )


def _spool(spool: Section) -> Spool:
    keep_days = spool.number("keep_days", 400, smallest=0, largest=36500)
    if 0 < keep_days < KEEP_DAYS_MIN:
        spool.fault("keep_days", f"must be 0 (for ever), or at least {KEEP_DAYS_MIN}")
    return Spool(
        directory=spool.folder("directory", "/var/lib/bmuid/spool"),
        days_back_max=spool.number("days_back_max", 400, smallest=1, largest=36500),
        room_octets_min=spool.number("room_mib_min", 256, smallest=1, largest=1 << 24) << 20,
        keep_days=keep_days,
        unpacked_octets_max=spool.number("unpacked_mib_max", 2048, smallest=1, largest=1 << 24)
        << 20,
    )


def load(path: Path) -> Config:
    """
    Read the file and what it names.

    Errors:
        ConfigError: with every fault there is.
    """
    try:
        document: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError((f"{path}: {error.strerror}",)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError((f"{path}: is not TOML: {error}",)) from error
    faults: list[str] = []
    unknown = sorted(set(document) - set(SECTIONS))
    faults += [
        f"{name}: there is no such section; known are {', '.join(SECTIONS)}" for name in unknown
    ]
    folder = path.absolute().parent
    at = {name: Section(document.get(name, {}), name, folder, faults) for name in SECTIONS}
    log, process, secrets = at["log"], at["process"], at["secrets"]
    config = Config(
        path=path.absolute(),
        database=_database(at["database"]),
        public=_public(at["public"]),
        usage=_usage(at["usage"]) if "usage" in document else None,
        sftp=sftp_door(at["sftp"]) if "sftp" in document else None,
        radius=radius_door(at["radius"]) if "radius" in document else None,
        batch=batch_door(at["batch"]) if "batch" in document else None,
        pulls=pulls(at["pull"]),
        admin=_admin(at["admin"]),
        spool=_spool(at["spool"]),
        process=Process(
            rating_workers=process.number("rating_workers", 2, smallest=1, largest=64),
            pid_file=process.path("pid_file", "/run/bmuid/bmuid.pid"),
            stop_seconds_max=process.number("stop_seconds_max", 30, smallest=1, largest=600),
        ),
        tax=Tax(
            at["tax"].text("service", "") or None,
            at["tax"].table("settings"),
            at["tax"].number("seconds", 2, smallest=1, largest=30),
        ),
        log=Log(
            format=log.choice("format", "text", ("text", "json")),
            file=log.path("file", "") if log.text("file", "") else None,
        ),
        limits=_limits(at["limits"]),
        secrets=Secrets(
            pepper=secrets.key("pepper_file", "/etc/bmuid/secrets/pepper"),
            csrf_key=secrets.key("csrf_key_file", "/etc/bmuid/secrets/csrf"),
            source_key=secrets.key("source_key_file", "/etc/bmuid/secrets/sources"),
        ),
    )
    for section in at.values():
        section.end()
    if faults:
        raise ConfigError(tuple(faults))
    return config
