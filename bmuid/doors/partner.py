"""What a partner is from whom files are fetched, however it is reached."""

from dataclasses import dataclass
from typing import Protocol

from bmuid.intake.handing import Handing
from bmuid.store.pulls import Version


class PartnerError(Exception):
    """Raised when a partner can't be reached, is not who it should be, or breaks off; its text says what to look at."""


class FileError(Exception):
    """Raised for one file that can't be fetched; others can."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A file that a partner has; version: None where it has to be asked for."""

    name: str
    version: Version | None


class Partner(Protocol):
    """A partner, connected."""

    async def offered(self) -> list[Offered]:
        """
        Give the files there are.

        Errors:
            PartnerError: it can't be asked.
        """

    async def version(self, name: str) -> Version:
        """
        Say which version of a file is there now.

        Errors:
            FileError: none. PartnerError: it can't be asked.
        """

    async def fetch(self, name: str, version: Version, handing: Handing) -> int:
        """
        Write a file's octets; give how many.

        Errors:
            FileError: it is too large, or can't be read. PartnerError: it breaks off.
            OSError: it can't be kept.
        """

    async def dispose(self, name: str) -> None:
        """
        Rename or remove a file that was fetched.

        Errors:
            FileError: that may not be. PartnerError: it can't be asked.
        """

    async def close(self) -> None:
        """Take leave."""
