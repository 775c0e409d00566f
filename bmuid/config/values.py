"""What is configured; etc/bmuid.conf says what each value means."""

from dataclasses import dataclass, field
from pathlib import Path

from bmuid.config.ways import BatchDoor, Pull, RadiusDoor, SftpDoor


@dataclass(frozen=True, slots=True)
class Database:
    """Where the database is, and who each part of the program is there."""

    dsn: str
    engine_user: str
    admin_user: str
    auth_user: str
    public_user: str
    connections_max: int
    statement_seconds_max: int

    def of(self, user: str) -> str:
        """Give the connection string of *user*, one of the four."""
        return (
            f"{self.dsn} user={user} application_name=bmuid connect_timeout=5"
            f" options='-c statement_timeout={self.statement_seconds_max}s"
            " -c idle_in_transaction_session_timeout=60s'"
        )

    @property
    def engine_dsn(self) -> str:
        """The connection string of intake, rating and bill run; long statements are theirs to have."""
        return f"{self.dsn} user={self.engine_user} application_name=bmuid connect_timeout=5"


@dataclass(frozen=True, slots=True)
class PublicDoor:
    """The TLS port for the web host; serials are lower-case hexadecimal, none means any."""

    address: str
    port: int
    certificate: Path
    key: Path
    client_ca: Path
    client_crl: Path
    client_names: tuple[str, ...]
    client_serials: tuple[str, ...]
    section: str = "public"


@dataclass(frozen=True, slots=True)
class UsageSource:
    """
    A source that may tell of usage in real time; its certificate's common name is its code.

    Shapes:
        serials: lower-case hexadecimal, none means any; uid_types: of whose usage it may tell, none means any.
    """

    code: str
    serials: tuple[str, ...]
    uid_types: tuple[str, ...]
    requests_a_second: int


@dataclass(frozen=True, slots=True)
class UsageDoor:
    """The TLS port for sources that tell of usage in real time; group_max: so many requests are committed together."""

    address: str
    port: int
    certificate: Path
    key: Path
    client_ca: Path
    client_crl: Path
    sources: tuple[UsageSource, ...]
    connections_max: int
    idle_seconds_max: int
    group_max: int
    section: str = "usage"

    @property
    def client_names(self) -> tuple[str, ...]:
        """Whose certificates may come in."""
        return tuple(source.code for source in self.sources)

    @property
    def client_serials(self) -> tuple[str, ...]:
        """Which certificates may; each source has its own."""
        return ()


@dataclass(frozen=True, slots=True)
class Members:
    """Users and groups of the system, by number."""

    uids: frozenset[int]
    gids: frozenset[int]


@dataclass(frozen=True, slots=True)
class AdminDoor:
    """The unix socket of the staff, the group that may reach it, and who on this host is what."""

    socket: Path
    gid: int | None
    auditors: Members
    clerks: Members
    admins: Members


@dataclass(frozen=True, slots=True)
class Spool:
    """
    Where usage files arrive and are kept (a directory a source), how old usage may be on arrival, how much room stays.

    Shapes:
        keep_days: that originals are kept after their files are done; 0: for ever.
        unpacked_octets_max: that may come out of a compressed file.
    """

    directory: Path
    days_back_max: int
    room_octets_min: int
    keep_days: int
    unpacked_octets_max: int


@dataclass(frozen=True, slots=True)
class Process:
    """How many workers run, and how the daemon is found and ended."""

    rating_workers: int
    pid_file: Path
    stop_seconds_max: int


@dataclass(frozen=True, slots=True)
class Tax:
    """
    The outside tax service.

    Shapes:
        service: the name of its entry point; none: the catalogue alone says which taxes hold.
        settings: what it is opened with.
        seconds: that it may take for one answer.
    """

    service: str | None
    settings: tuple[tuple[str, str], ...] = field(repr=False)
    seconds: int = 2


NO_TAX_SERVICE = Tax(None, ())


@dataclass(frozen=True, slots=True)
class Log:
    """Where events are told, and how; no file means standard error."""

    format: str
    file: Path | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one door takes at most."""

    public_connections_max: int
    public_handshakes_max: int
    admin_connections_max: int
    handshake_seconds_max: int
    line_seconds_max: int
    idle_seconds_max: int
    write_seconds_max: int
    logins_a_second: int
    reads_a_second: int
    changes_a_second: int
    requests_waiting_max: int


@dataclass(frozen=True, slots=True)
class Secrets:
    """The keys of this installation that no database holds."""

    pepper: bytes = field(repr=False)
    csrf_key: bytes = field(repr=False)
    source_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration, as checked."""

    path: Path
    database: Database
    public: PublicDoor
    usage: UsageDoor | None
    sftp: SftpDoor | None
    radius: RadiusDoor | None
    batch: BatchDoor | None
    pulls: tuple[Pull, ...]
    admin: AdminDoor
    spool: Spool
    process: Process
    tax: Tax
    log: Log
    limits: Limits
    secrets: Secrets

    @property
    def receives(self) -> bool:
        """Whether files come in by other ways than the directories of the spool."""
        return bool(self.receivers)

    @property
    def receivers(self) -> frozenset[str]:
        """The sections that files come in by, as they are written."""
        doors = {"[sftp]": self.sftp, "[radius]": self.radius, "[batch]": self.batch}
        named = {section for section, door in doors.items() if door is not None}
        return frozenset(named | {f"[pull.{pull.name}]" for pull in self.pulls})
