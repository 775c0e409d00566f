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
    rate,
    rate_batch,
    shelved,
)
from bmu.usage import UDR
from bmuid.cli.offline.allowances import Allowances
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
        self._tariff = tariff
        self._customers = customers
        self._allowances = Allowances(tariff)
        self._classes = {id_: code for code, id_ in tariff.usage_class_ids.items()}

    def rate(self, udrs: Sequence[UDR], owners: Sequence[Owner]) -> list[Rated | Unrated]:
        """Give for each event what it costs, or why that can't be told."""
        if self._allowances.hangs_on_usage:
            return [self._one(udr, owner) for udr, owner in zip(udrs, owners, strict=True)]
        if self._tariff.bucket_types:
            for udr, owner in zip(udrs, owners, strict=True):
                self._grant(udr, owner)
        return rate_batch(udrs, owners, self._tariff, self._allowances.shelves)

    def bucket(self, bucket_id: int) -> str:
        """Give the code of what a draw was from."""
        return self._allowances.name(bucket_id)

    def _one(self, udr: UDR, owner: Owner) -> Rated | Unrated:
        self._grant(udr, owner)
        self._allowances.begin(udr, owner)
        service_id = owner.account_service_id
        shelf = self._allowances.shelves.get(service_id, ())
        outcome = rate(udr, owner, self._tariff, shelf)
        if isinstance(outcome, Rated):
            usage_class = self._classes[outcome.usage_class_id]
            self._allowances.measure(service_id, usage_class, udr.started_us, outcome.quantity)
        return outcome

    def _grant(self, udr: UDR, owner: Owner) -> None:
        us = udr.started_us
        if not self._allowances.has(owner.account_service_id, us):
            holdings = self._customers.holdings(owner, us)
            self._allowances.grant(owner.account_service_id, us, holdings)
