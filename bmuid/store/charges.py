"""Charges: what each UDR costs, written once, with its evidence."""

from collections.abc import Iterator

from bmu.rating import Rated
from bmuid.store.copying import NULL, POSTGRES_EPOCH_US, began, copy_in, fields, row_start
from bmuid.store.days import of_day
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced

FIRST_VERSION = 1

# The fields in the order written: those of the event, of the rate that was found, of the batch.
OF_EVENT = row_start("q q q q q q q q q q")
OF_PATTERN = fields("i")
OF_RATE = fields("i h i i i i 3s")
OF_BATCH = fields("i q q")
COPY = """
    COPY {} (account_id, started_at, udr_id, account_service_id, quantity, rounded, billable,
        rated_e11, amount_e11, tax_e11, location_pattern_id, usage_class_id, plan_level,
        rate_plan_id, rate_group_id, rate_id, tax_id, currency, version, revision, rated_at)
    FROM STDIN BINARY
"""


def add(txn: Transaction, revision: int, priced: Priced) -> None:
    """Write the first charge of each UDR; the UDRs of that day are written already."""
    batch = OF_BATCH.pack(4, FIRST_VERSION, 8, revision, 8, began(txn))
    copy_in(txn, of_day(COPY, "charge", priced.day), _charges(batch, priced))


def _charges(batch: bytes, priced: Priced) -> Iterator[bytes]:
    of_event, of_pattern = OF_EVENT.pack, OF_PATTERN.pack
    of_rates: dict[tuple[object, ...], bytes] = {}
    for id_, udr, owner, rated in priced:
        (
            class_id, level, plan_id, group_id, rate_id, pattern_id, tax_id, quantity, rounded, billable,
            rated_e11, amount_e11, tax_e11, currency, _,
        ) = rated  # fmt: skip
        found = class_id, level, plan_id, group_id, rate_id, tax_id, currency
        of_rate = of_rates.get(found)
        if of_rate is None:
            of_rate = of_rates[found] = _of_rate(rated)
        yield (
            of_event(
                21, 8, owner.account_id, 8, udr.started_us - POSTGRES_EPOCH_US, 8, id_,
                8, owner.account_service_id, 8, quantity, 8, rounded, 8, billable,
                8, rated_e11, 8, amount_e11, 8, tax_e11,
            )
            + (NULL if pattern_id is None else of_pattern(4, pattern_id))
            + of_rate
            + batch
        )  # fmt: skip


def _of_rate(rated: Rated) -> bytes:
    # fmt: off
    return OF_RATE.pack(
        4, rated.usage_class_id, 2, rated.plan_level, 4, rated.rate_plan_id,
        4, rated.rate_group_id, 4, rated.rate_id, 4, rated.tax_id, 3, rated.currency.encode(),
    )
    # fmt: on
