"""Which outside tax service is in use."""

from dataclasses import dataclass
from datetime import datetime

from bmu.rating import TaxService
from bmuid.gateways.tax import installed
from bmuid.operations.registry import Actor
from bmuid.operations.rows import staff_reads
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Show:
    """Nothing more to say."""


@dataclass(frozen=True, slots=True)
class InUse:
    """
    The service that was opened as the daemon began; None: the catalogue alone says taxes.

    Shapes:
        package: name and version of what is in use. installed: of what is installed now; where the two differ, it is
            in use once the daemon is restarted.
        away: it does not answer just now.
    """

    service: str | None
    package: str
    installed: str
    away: bool


class _Used:
    """What this process has opened."""

    service: TaxService | None = None


_used = _Used()


def use(service: TaxService | None) -> None:
    """Note what this process has opened."""
    _used.service = service


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> InUse:
    """Tell which service is in use, in which version."""
    service = _used.service
    if service is None:
        return InUse(None, "", "", away=False)
    return InUse(service.name, service.package, installed(service.name), service.is_away())


OPERATIONS = (
    staff_reads("tax_service_show", "Which outside tax service is in use", Show, InUse, show),
)
