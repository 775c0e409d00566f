"""Whose SSH keys are good: read from the database again and again, so that one that was taken back ends what it opened."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from twisted.conch.error import ValidPublicKey
from twisted.conch.ssh.common import NS
from twisted.conch.ssh.keys import BadKeyError, Key
from twisted.cred.credentials import SSHPrivateKey
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from bmuid.doors.desk import NotPerformedError
from bmuid.store.source_keys import Uploader

log = logging.getLogger(__name__)

# A key that was just added opens at once; yet a stranger's keys don't have the database asked for each.
AGAIN_SECONDS = 1.0
# By SHA-1, which no longer says who signed.
SIGNED_BADLY = b"ssh-rsa"

# The sources that may upload, by code.
Load = Callable[[], Awaitable[Mapping[str, Uploader]]]


class Keyring:
    """
    The good keys of all sources, as last read.

    While the database is away those of before are good: sources can hand in, and what they hand in waits.
    """

    def __init__(self, load: Load, clock: IReactorTime) -> None:
        self._load = load
        self._clock = clock
        self._known: Mapping[str, Uploader] = {}
        self._read_at = -AGAIN_SECONDS
        # Who waits for what is being read now; none: nothing is.
        self._waiting: list[Deferred[None]] | None = None

    async def read(self) -> None:
        """Read them anew, or wait for what is being read; while the database is away, keep what is known."""
        if self._waiting is not None:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting
            return
        self._waiting = []
        self._read_at = self._clock.seconds()
        try:
            self._known = await self._load()
        except NotPerformedError as error:
            log.warning("sftp: keys of sources can't be read: %s", error.refused.text)
        finally:
            done, self._waiting = self._waiting, None
            for each in done:
                each.callback(None)

    def is_good(self, source: str, key: str) -> bool:
        """Tell whether a source has the key, by what is known now."""
        return source in self._known and key in self._known[source].keys

    def octets_max(self, source: str) -> int | None:
        """Tell how large a file of a source may be, where it has a limit of its own."""
        return self._known[source].octets_max if source in self._known else None

    async def opens(self, source: str, key: str) -> bool:
        """Tell whether a source has the key; look again when it is not known."""
        is_due = self._clock.seconds() - self._read_at >= AGAIN_SECONDS
        if not self.is_good(source, key) and (is_due or self._waiting is not None):
            await self.read()
        return self.is_good(source, key)


def public_key_of(blob: bytes) -> str:
    """
    Give a key as OpenSSH writes it, without a comment.

    Errors:
        UnauthorizedLogin: it is none, or of a kind that we don't know.
    """
    try:
        written: bytes = Key.fromString(blob).toString("openssh")
    except (BadKeyError, ValueError, KeyError, IndexError) as error:
        raise UnauthorizedLogin("no key that is known here") from error
    return written.decode("ascii").strip()


async def source_of(keyring: Keyring, shown: SSHPrivateKey) -> tuple[str, str]:
    """
    Give the source that somebody has shown to be, and the key that it was shown with.

    Errors:
        UnauthorizedLogin: there is no such source, the key is not one of its good ones, or not its signature.
        ValidPublicKey: nothing is signed yet, and it is worth while to do so.
    """
    key = public_key_of(shown.blob)
    try:
        source = shown.username.decode("ascii")
    except UnicodeDecodeError as error:
        raise UnauthorizedLogin("no source") from error
    if shown.algName == SIGNED_BADLY or not await keyring.opens(source, key):
        raise UnauthorizedLogin("no good key of this source")
    if not shown.signature:
        raise ValidPublicKey
    if not shown.signature.startswith(NS(shown.algName)):
        raise UnauthorizedLogin("signed in another way than was said")
    if not Key.fromString(shown.blob).verify(shown.signature, shown.sigData):
        raise UnauthorizedLogin("not its signature")
    return source, key
