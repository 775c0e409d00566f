"""Whose SSH keys open the door while they are being read."""

from collections.abc import Mapping

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bmuid.doors.sftp_keys import Keyring
from bmuid.store.source_keys import Uploader

KEY = "ssh-ed25519 AAAA"


def test_a_source_that_comes_while_keys_are_first_read_waits_for_them() -> None:
    """The daemon has just started: who has a good key is let in, however long the database takes."""
    reads: list[Deferred[Mapping[str, Uploader]]] = []

    async def load() -> Mapping[str, Uploader]:
        reads.append(Deferred())
        return await reads[-1]

    keyring = Keyring(load, Clock())
    first = Deferred.fromCoroutine(keyring.read())
    opened = [Deferred.fromCoroutine(keyring.opens(name, KEY)) for name in ("pbx", "stranger")]
    assert not any(each.called for each in opened)

    reads[0].callback({"pbx": Uploader(frozenset({KEY}), None)})

    assert first.called
    assert [each.result for each in opened] == [True, False]
    assert len(reads) == 1
