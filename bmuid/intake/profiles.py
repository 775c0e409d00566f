"""Profiles by code and version: those that came with the program, and stored ones, whose versions never change."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bmu.mediation import BUILT_IN, Mediator, Profile, profile_of
from bmu.mediation.assembled import assembled
from bmuid.store import profiles
from bmuid.store.files import Source
from bmuid.store.transaction import Transaction

MEDIATORS_MAX = 200

_Wanted = tuple[Source, bytes | None]


def newest(txn: Transaction, code: str) -> Profile | None:
    """
    Give the profile that files of a source of that profile are read by from now on; None: there is none, or it can't be read.

    A stored one goes before one of its code that came with a later program.
    """
    return at(txn, code, None) or BUILT_IN.get(code)


def at(txn: Transaction, code: str, version: int | None) -> Profile | None:
    """Give a version of a stored profile, the newest without one; None: there is none, or it can't be read."""
    stored = profiles.at(txn, code, version)
    # A document that an older program took may say what this one has no word for.
    found = profile_of(stored.document) if stored else None
    return found if isinstance(found, Profile) else None


def uid_types(txn: Transaction) -> set[str]:
    """Give the types of usage identifiers that records are read for, by the newest versions of all profiles."""
    stored = (profile_of(one.document) for one in profiles.known(txn))
    known = [*BUILT_IN.values(), *(each for each in stored if isinstance(each, Profile))]
    uids = [uid for profile in known for uid in profile.uids]
    uids += [uid for profile in known for each in profile.types for uid in each.uids or ()]
    return {uid.uid_type for uid in uids}


@dataclass(slots=True)
class Profiles:
    """
    What reads the records of sources, kept from one chunk to the next.

    Shapes:
        ready: those that came with the program.
        _stored: by code and version.
        _mediators: by source, as it was when a file arrived, and by the line that names the file's columns.
    """

    ready: Mapping[str, Profile] = field(default_factory=lambda: BUILT_IN)
    _stored: dict[tuple[str, int], Profile] = field(default_factory=dict)
    _mediators: dict[_Wanted, Mediator] = field(default_factory=dict)

    def of(self, txn: Transaction, source: Source) -> Profile | None:
        """Give the profile of a source in its version; None: it is not known."""
        if not source.profile_version:
            return self.ready.get(source.profile)
        wanted = source.profile, source.profile_version
        found = self._stored.get(wanted) or at(txn, *wanted)
        if found is not None:
            self._stored[wanted] = found
        return found

    def mediator_of(
        self, txn: Transaction, source: Source, header: bytes | None
    ) -> Mediator | None:
        """Give what reads the records of a source; None: its profile is not known."""
        wanted = source, header
        found = self._mediators.get(wanted)
        if found is not None:
            return found
        profile = self.of(txn, source)
        if profile is None:
            return None
        if len(self._mediators) >= MEDIATORS_MAX:
            self._mediators.clear()
        if source.assembled:
            profile = assembled(profile)
        return self._mediators.setdefault(
            wanted, Mediator(profile, source.settings, header or b"")
        )
