"""Rating events one after the other, with what their customers' allowances have left."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import NamedTuple

from bmu.billing.catalogue import Catalogue
from bmu.rating import (
    BucketState,
    CompanyTerms,
    Owner,
    Rated,
    Shelves,
    Tariff,
    TariffRows,
    Unrated,
    buckets_wanted,
    compile_tariff,
    rate_batch,
    shelved,
)
from bmu.usage import UDR

# There is no database that counts revisions.
REVISION = 1


class Numbered(NamedTuple):
    """A catalogue whose rows have ids: each row's is its place in its table, from 1 on."""

    rows: TariffRows
    tariff: Tariff
    shelves: Shelves


def numbered(catalogue: Catalogue) -> Numbered:
    """Make a catalogue ready for rating."""
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
    return Numbered(rows, compile_tariff(rows, REVISION, terms), shelved(rows, REVISION, terms))


class Rater:
    """Rates events in the order given; allowances are granted as months come, and drawn from."""

    def __init__(self, tariff: Tariff) -> None:
        self._tariff = tariff
        self._buckets: dict[int, tuple[BucketState, ...]] = {}
        self._granted: dict[tuple[int, str, int], int] = {}
        self._names: dict[int, str] = {}

    def rate(self, udrs: Sequence[UDR], owners: Sequence[Owner]) -> list[Rated | Unrated]:
        """Give for each event what it costs, or why that can't be told."""
        if self._tariff.bucket_types:
            for udr, owner in zip(udrs, owners, strict=True):
                self._grant(owner, udr.started_us)
        return rate_batch(udrs, owners, self._tariff, self._buckets)

    def bucket(self, bucket_id: int) -> str:
        """Give the code of what a draw was from."""
        return self._names[bucket_id]

    def _grant(self, owner: Owner, started_us: int) -> None:
        service_id = owner.account_service_id
        for grant in buckets_wanted(owner, self._tariff, started_us):
            key = service_id, grant.code, grant.from_us
            if key not in self._granted:
                bucket_id = self._granted[key] = len(self._granted) + 1
                self._names[bucket_id] = grant.code
                state = BucketState(
                    bucket_id,
                    service_id,
                    grant.code,
                    grant.from_us,
                    grant.to_us,
                    grant.quantity,
                    granted=grant.quantity,
                    tiers=grant.tiers,
                    repeat_last=grant.repeat_last,
                )
                held = (*self._buckets.get(service_id, ()), state)
                self._buckets[service_id] = tuple(
                    sorted(held, key=lambda one: (one.to_us, one.id))
                )
