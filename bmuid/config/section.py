"""One table of the configuration file: values of the wanted type, and every fault noted."""

import grp
import pwd
import re
from collections.abc import Callable
from pathlib import Path

from bmuid.config.values import Members

KEY_OCTETS_MIN = 32


class Section:
    """One table of the file; it gives values of the wanted type and notes what is wrong, once each."""

    def __init__(self, table: object, name: str, folder: Path, faults: list[str]) -> None:
        self._values = table if isinstance(table, dict) else {}
        self._name, self._folder, self._faults = name, folder, faults
        self._known: set[str] = set()
        if not isinstance(table, dict):
            faults.append(f"{name}: must be a table, written [{name}]")

    def fault(self, key: str, text: str) -> None:
        """Note what is wrong with *key*."""
        self._faults.append(f"{self._name}.{key}: {text}")

    def end(self) -> None:
        """Note the keys that nobody asked for."""
        for key in self._values:
            if key not in self._known:
                known = ", ".join(sorted(self._known))
                self.fault(key, f"there is no such key; known are {known}")

    def text(self, key: str, default: str, *, pattern: re.Pattern[str] | None = None) -> str:
        """Give a printable text, of the pattern where one is given."""
        self._known.add(key)
        value = self._values.get(key, default)
        if not isinstance(value, str) or not value.isprintable():
            self.fault(key, "must be text")
            return default
        if pattern and not pattern.fullmatch(value):
            self.fault(key, f"{value!r} must match {pattern.pattern}")
        return value

    def tables(self, key: str) -> tuple[tuple[str, "Section"], ...]:
        """Give the tables within a table, by their names."""
        self._known.add(key)
        value = self._values.get(key, {})
        if not isinstance(value, dict):
            self.fault(key, "must hold tables")
            return ()
        return tuple(
            (name, Section(table, f"{self._name}.{key}.{name}", self._folder, self._faults))
            for name, table in value.items()
        )

    def named(self) -> tuple[tuple[str, "Section"], ...]:
        """Give the tables that this one is made of, by their names."""
        self._known.update(self._values)
        return tuple(
            (name, Section(table, f"{self._name}.{name}", self._folder, self._faults))
            for name, table in self._values.items()
        )

    def __contains__(self, key: str) -> bool:
        """Tell whether a key is given; it is one that there is."""
        self._known.add(key)
        return key in self._values

    def octets(self, key: str, *, secret: bool = False) -> bytes:
        """Give what a file holds that must be named; where it is secret, nobody else may read it."""
        if key not in self:
            self.fault(key, "must name a file")
            return b""
        return self._octets(key, self.path(key, ""), secret=secret) or b""

    def table(self, key: str) -> tuple[tuple[str, str], ...]:
        """Give a table of texts under names of its own."""
        self._known.add(key)
        value = self._values.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            self.fault(key, "must be a table of texts")
            return ()
        return tuple(value.items())

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Give a list of texts."""
        self._known.add(key)
        value = self._values.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fault(key, "must be a list of texts")
            return default
        return tuple(value)

    def number(self, key: str, default: int, *, smallest: int, largest: int) -> int:
        """Give a whole number between two bounds, both allowed."""
        self._known.add(key)
        value = self._values.get(key, default)
        if (
            not isinstance(value, int)
            or isinstance(value, bool)
            or not smallest <= value <= largest
        ):
            self.fault(key, f"must be a whole number from {smallest} to {largest}")
            return default
        return value

    def choice(self, key: str, default: str, words: tuple[str, ...]) -> str:
        """Give one of the words."""
        value = self.text(key, default)
        if value not in words:
            self.fault(key, "must be one of " + ", ".join(words))
        return value

    def path(self, key: str, default: str) -> Path:
        """Give a path; a relative one starts at the directory of the configuration file."""
        return self._folder / self.text(key, default)

    def folder(self, key: str, default: str) -> Path:
        """Give the path of a directory that exists."""
        path = self.path(key, default)
        if not path.is_dir():
            self.fault(key, f"{path}: there is no such directory")
        return path

    def file(self, key: str, default: str, *, secret: bool = False) -> Path:
        """Give the path of a file that can be read and, where it is secret, by nobody else."""
        path = self.path(key, default)
        self._octets(key, path, secret=secret)
        return path

    def key(self, key: str, default: str) -> bytes:
        """Give the octets of a key file."""
        octets = self._octets(key, self.path(key, default), secret=True)
        if octets is not None and len(octets) < KEY_OCTETS_MIN:
            self.fault(
                key, f"must hold at least {KEY_OCTETS_MIN} random octets, not {len(octets)}"
            )
        return octets or b""

    def holds(self, key: str) -> bool:
        """Tell whether the key is written."""
        self._known.add(key)
        return key in self._values

    def secret(self, key: str, default: str, octets_min: int) -> bytes:
        """Give what a file of a shared secret holds, without the line end behind it."""
        found = self._octets(key, self.path(key, default), secret=True)
        octets = (found or b"").rstrip(b"\r\n")
        if found is not None and len(octets) < octets_min:
            self.fault(
                key, f"must hold a secret of at least {octets_min} octets, not {len(octets)}"
            )
        return octets

    def _octets(self, key: str, path: Path, *, secret: bool) -> bytes | None:
        try:
            mode = path.stat().st_mode & 0o777
            octets = path.read_bytes()
        except OSError as error:
            self.fault(key, f"{path}: {error.strerror}")
            return None
        if secret and mode & 0o027:
            self.fault(
                key, f"{path}: its mode is {mode:04o}; set 0600 or 0640, others must not read it"
            )
        return octets

    def members(self, key: str, default: tuple[str, ...]) -> Members:
        """Give the users ("name" or "1000") and groups ("@name" or "@1000") of a list."""
        uids, gids = set(), set()
        for item in self.texts(key, default):
            try:
                if item.startswith("@"):
                    gids.add(_number_or(item[1:], lambda name: grp.getgrnam(name).gr_gid))
                else:
                    uids.add(_number_or(item, lambda name: pwd.getpwnam(name).pw_uid))
            except KeyError:
                self.fault(key, f"{item}: there is no such user or group")
        return Members(frozenset(uids), frozenset(gids))


def _number_or(text: str, look_up: Callable[[str], int]) -> int:
    return int(text) if text.isascii() and text.isdigit() else look_up(text)
