"""Pulling files from partners: what is configured of each, and its defaults."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

from bmuid.config.section import Section
from bmuid.config.ways import Https, Place, Pull, Ssh

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
HOST_KEY = re.compile(rb"^(?:[^ \n]+ )?((?:ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/=]+)", re.MULTILINE)
AFTER = ("keep", "rename", "delete")
SSH_PORT, HTTPS_PORT = 22, 443
TOKEN_OCTETS_MIN = 8


def pulls(at: Section) -> tuple[Pull, ...]:
    """Read [pull.NAME], each."""
    return tuple(_pull(name, one) for name, one in at.named())


def _pull(name: str, at: Section) -> Pull:
    if not NAME.fullmatch(name):
        at.fault("name", f"{name!r} is no name: small letters, digits, - and _")
    url = urlsplit(at.text("url", ""))
    after = at.choice("after", "keep", AFTER)
    if url.scheme == "https" and after == "rename":
        at.fault("after", "over HTTPS nothing can be renamed: keep or delete")
    found = Pull(
        name=name,
        source=at.text("source", "", pattern=SOURCE),
        place=_place(url, at),
        way=_https(at) if url.scheme == "https" else _ssh(url, at),
        every_seconds=at.number("every_seconds", 300, smallest=1, largest=86_400),
        pattern=at.text("pattern", "*"),
        after=after,
        suffix=at.text("suffix", ".done"),
        settled_seconds=at.number("settled_seconds", 60, smallest=0, largest=86_400),
        file_octets_max=at.number("file_mib_max", 4096, smallest=1, largest=1 << 20) << 20,
        pause_seconds_max=at.number("pause_seconds_max", 3600, smallest=1, largest=86_400),
    )
    at.end()
    return found


def _place(url: SplitResult, at: Section) -> Place:
    try:
        port = url.port or (HTTPS_PORT if url.scheme == "https" else SSH_PORT)
    except ValueError:
        port = 0
    if url.scheme not in {"sftp", "https"} or not url.hostname or not port:
        at.fault("url", "must be sftp://user@host/directory or https://host/directory/")
    if url.password is not None or url.query or url.fragment:
        at.fault("url", "must hold no password, no query and no fragment")
    path = url.path or "/"
    return Place(url.hostname or "", port, path if url.scheme == "https" else unquote(path))


def _ssh(url: SplitResult, at: Section) -> Ssh:
    if not url.username:
        at.fault("url", "must say who we are there: sftp://user@host/directory")
    host_keys = HOST_KEY.findall(at.octets("host_key_file"))
    if not host_keys and "host_key_file" in at:
        at.fault("host_key_file", "holds no public key, as `ssh-keyscan HOST` prints it")
    return Ssh(
        user=unquote(url.username or ""),
        host_keys=frozenset(one.decode("ascii") for one in host_keys),
        key=at.octets("key_file", secret=True),
    )


def _https(at: Section) -> Https:
    has_key = "certificate_file" in at or "key_file" in at
    token = None
    if "token_file" in at:
        token = at.secret("token_file", "", TOKEN_OCTETS_MIN).decode("ascii", "replace")
        if not token.isprintable() or "\ufffd" in token:
            at.fault("token_file", "must hold one line of ASCII")
    return Https(
        ca=at.octets("ca_file") if "ca_file" in at else None,
        certificate=at.octets("certificate_file") if has_key else None,
        key=at.octets("key_file", secret=True) if has_key else None,
        token=token,
    )
