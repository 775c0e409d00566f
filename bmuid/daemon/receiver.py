"""What a receiver is, and what all of them stand on."""

from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred

from bmuid.config import Config
from bmuid.daemon.pool import Pool
from bmuid.intake.spool import Spool


class Receiver(Protocol):
    """
    One way in: bound when it starts, drained when it stops.

    Shapes:
        name: as the configuration has it; address: where it is bound, `-` for one that only calls others.
    """

    @property
    def name(self) -> str:
        """What it is called in the log and in faults."""

    @property
    def address(self) -> str:
        """Where it is bound."""

    def startService(self) -> None:
        """
        Begin.

        Errors:
            CannotListenError: its port is taken, or may not be bound.
            StartError: what it needs is not there.
        """

    def stopService(self) -> Deferred[None] | None:
        """End in order: what was begun is finished, or was never answered."""

    def reload(self, config: Config) -> None:
        """Use what may change without a new start."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What all receivers stand on."""

    reactor: object
    spool: Spool
    pool: Pool
