"""Rating events one after the other, with what their customers' allowances have left."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import NamedTuple

from bmu.billing.catalogue import Catalogue
from bmu.rating import (
    CompanyTerms,
    Owner,
    Rated,
    Shelves,
    Tariff,
    TariffRows,
    TaxService,
    Unrated,
    compile_tariff,
    shelved,
)
from bmu.rating.granting import Granting, Service
from bmu.usage import UDR
from bmuid.cli.offline.allowances import service_of
from bmuid.cli.offline.customers import Customers

# There is no database that counts revisions.
REVISION = 1


class Numbered(NamedTuple):
    """A catalogue whose rows have ids: each row's is its place in its table, from 1 on."""

    rows: TariffRows
    tariff: Tariff
    shelves: Shelves


def numbered(catalogue: Catalogue, tax_service: TaxService | None = None) -> Numbered:
    """Make a catalogue ready for rating; a tax service is asked for the taxes of each event."""
    make: Callable[..., TariffRows] = TariffRows
    rows = make(
        **{
            table.name: tuple(
                replace(row, id=number)
                for number, row in enumerate(getattr(catalogue.rows, table.name), 1)
            )
            for table in fields(TariffRows)
        }
    )
    company = catalogue.company
    terms = CompanyTerms(
        company.time_zone, company.rate_plan, company.places, company.rounding_mode
    )
    tariff = compile_tariff(rows, REVISION, terms, tax_service)
    return Numbered(rows, tariff, shelved(rows, REVISION, terms))


class Rater:
    """Rates events in the order given; allowances are granted as their periods come, and drawn from."""

    def __init__(self, tariff: Tariff, customers: Customers) -> None:
        def offered(owner: Owner, started_us: int) -> Service:
            holdings = customers.holdings(owner, started_us)
            return service_of(tariff, owner.account_service_id, holdings)

        self._granting = Granting(tariff, offered)

    def rate(self, udrs: Sequence[UDR], owners: Sequence[Owner]) -> list[Rated | Unrated]:
        """Give for each event what it costs, or why that can't be told."""
        return self._granting.rate(udrs, owners)

    def bucket(self, bucket_id: int) -> str:
        """Give the code of what a draw was from."""
        return self._granting.name(bucket_id)
