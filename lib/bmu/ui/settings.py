"""The script's settings: a few lines `name = value`, which cost less to read than TOML."""

from __future__ import annotations

PATH_DEFAULT = "/etc/bmuid/bmui.conf"


class SettingsError(Exception):
    """Raised for a settings file that cannot be used; the message is one clear line."""


class Settings:
    """
    What one web host needs to know; nothing here is secret.

    Shapes:
        socket: path of the unix socket whose other end speaks mutual TLS with the daemon's public door.
        company: the name in the head of each page.
        static: the URL below which the web server has this room's static files.
    """

    __slots__ = ("company", "socket", "static")

    def __init__(self, socket: str, company: str, static: str) -> None:
        self.socket = socket
        self.company = company
        self.static = static


def parse_settings(text: str, path: str) -> Settings:
    """
    Read the settings in *text*; *path* is named in messages only.

    Errors:
        SettingsError: a line, a name or a value is not understood, or a setting is missing.
    """
    found = {"company": "Your account", "static": "/static"}
    known = {"socket", "company", "static"}
    for at, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or name not in known or not value:
            raise SettingsError(f"{path}:{at}: expected one of {', '.join(sorted(known))} = value")
        found[name] = value
    if "socket" not in found:
        raise SettingsError(f"{path}: socket is missing: the unix socket that leads to the daemon")
    return Settings(found["socket"], found["company"], found["static"].rstrip("/"))


def read_settings(path: str) -> Settings:
    """
    Read the settings file.

    Errors:
        SettingsError: it can't be read or understood.
    """
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs a page 8 ms
            return parse_settings(file.read(), path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
