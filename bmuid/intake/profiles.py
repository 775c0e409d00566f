"""Profiles by code and version: those that came with the program, and stored ones, whose versions never change."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bmu.mediation import BUILT_IN, Mediator, Profile
from bmu.mediation.assembled import assembled
from bmuid.store.files import Source

MEDIATORS_MAX = 200

_Wanted = tuple[Source, bytes | None]


@dataclass(slots=True)
class Profiles:
    """
    What reads the records of sources, kept from one chunk to the next.

    Shapes:
        ready: those that came with the program.
        _mediators: by source, as it was when a file arrived, and by the line that names the file's columns.
    """

    ready: Mapping[str, Profile] = field(default_factory=lambda: BUILT_IN)
    _mediators: dict[_Wanted, Mediator] = field(default_factory=dict)

    def of(self, source: Source) -> Profile | None:
        """Give the profile of a source in its version; None: it is not known."""
        return None if source.profile_version else self.ready.get(source.profile)

    def mediator_of(self, source: Source, header: bytes | None) -> Mediator | None:
        """Give what reads the records of a source; None: its profile is not known."""
        wanted = source, header
        found = self._mediators.get(wanted)
        if found is not None:
            return found
        profile = self.of(source)
        if profile is None:
            return None
        if len(self._mediators) >= MEDIATORS_MAX:
            self._mediators.clear()
        if source.assembled:
            profile = assembled(profile)
        return self._mediators.setdefault(wanted, Mediator(profile, source.settings))
