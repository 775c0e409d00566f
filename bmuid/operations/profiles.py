"""Profiles: how the records of sources are read, as staff store them."""

from dataclasses import dataclass
from datetime import datetime

from bmu.mediation import BUILT_IN, Profile, document_of, profile_of
from bmu.mediation.same_events import tell_alike
from bmu.toml import DOCUMENT_CHARACTERS_MAX
from bmuid.operations.entries import bad_document
from bmuid.operations.grammar import YES, Integer, Pattern, Text
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, staff_changes, staff_reads
from bmuid.store import profiles
from bmuid.store.transaction import Transaction

DOCUMENT = Text(DOCUMENT_CHARACTERS_MAX, lines=True)
PROFILE = Pattern(
    r"[a-z0-9][a-z0-9_.-]{0,62}", "a profile's code: small letters, digits, -, _ and ."
)
READY = 0
VERSION = Integer(1, 2**31 - 1)


@dataclass(frozen=True, slots=True)
class Load:
    """The document."""

    document: str = argument(DOCUMENT, "a profile (TOML)", from_file=True)
    other_events: str | None = argument(
        YES, "though it tells events apart otherwise than before", optional=True
    )


@dataclass(frozen=True, slots=True)
class List:
    """All of them."""


@dataclass(frozen=True, slots=True)
class Show:
    """Which profile."""

    code: str = argument(PROFILE, "the profile's code")
    version: int | None = argument(VERSION, "without it, the newest", optional=True)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The version that says so; stored: whether it is new; sources: whose next files are read by it."""

    code: str
    version: int
    stored: bool
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A profile in its newest version; 0: it came with the program. sources: whose next files are read by it."""

    code: str
    version: int
    name: str
    at: datetime | None
    actor: str | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles, by code."""

    profiles: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What a version of a profile says."""

    document: str


def load(txn: Transaction, actor: Actor, arguments: Load, now: datetime) -> Loaded | Refused:
    """Store a profile; the same again stores nothing."""
    profile = profile_of(arguments.document)
    if not isinstance(profile, Profile):
        return bad_document(list(profile))
    if profile.code in BUILT_IN:
        said = f"{profile.code} comes with bmuid and stays as it is: give yours a code of its own"
        return Refused("BAD_DOCUMENT", said)
    sources = profiles.users(txn, profile.code)
    before = profiles.at(txn, profile.code, None)
    known = profile_of(before.document) if before is not None else None
    if (
        sources
        and isinstance(known, Profile)
        and not tell_alike(known, profile)
        and arguments.other_events is None
    ):
        return Refused(
            "OTHER_EVENTS",
            f"it tells events apart otherwise than before: what {', '.join(sources)} sent already would be charged"
            " again if it came again; if that can't be, say --other-events",
        )
    made, is_new = profiles.put(txn, profile.code, arguments.document, actor.name)
    return Loaded(made.code, made.version, is_new, sources)


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Profiles:
    """List the profiles."""
    ready = [
        Listed(code, READY, profile.name, None, None, profiles.users(txn, code))
        for code, profile in BUILT_IN.items()
    ]
    stored = [
        Listed(one.code, one.version, _name(one.document), one.at, one.actor, one.sources)
        for one in profiles.known(txn)
    ]
    return Profiles(tuple(sorted([*ready, *stored], key=lambda one: one.code)))


def _name(document: str) -> str:
    profile = profile_of(document)
    return profile.name if isinstance(profile, Profile) else ""


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Document | Refused:
    """Show what a profile says, as a document that can be changed and loaded."""
    code, version = arguments.code, arguments.version
    found = profiles.at(txn, code, version)
    if found is None and code in BUILT_IN and version is None:
        return Document(document_of(BUILT_IN[code]))
    if found is None:
        which = f"no version {version} of a profile {code}" if version else f"no profile {code}"
        return Refused(
            "NOT_FOUND", f"there is {which}; `bmadmin profile list` has those there are"
        )
    return Document(found.document)


OPERATIONS = (
    staff_changes(("profile_load", "Store how records are read"), Load, Loaded, load, CLERKS),
    staff_reads("profile_list", "How records can be read", List, Profiles, list_),
    staff_reads("profile_show", "What a profile says", Show, Document, show),
)
