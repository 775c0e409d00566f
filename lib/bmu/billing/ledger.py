"""Double entry: what an invoice does to the books. Debit is positive, credit negative, the sum nought."""

from dataclasses import dataclass
from enum import Enum

from bmu.billing.invoice import InvoiceDraft, LineKind


class LedgerKind(Enum):
    """The accounts of the ledger: what customers owe, what was earned, what is owed to the state."""

    RECEIVABLE = "RECEIVABLE"
    REVENUE_USAGE = "REVENUE_USAGE"
    REVENUE_RECURRING = "REVENUE_RECURRING"
    TAX = "TAX"


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a journal, in minor units."""

    kind: LedgerKind
    amount_minor: int


_CREDITED = {
    LineKind.USAGE: LedgerKind.REVENUE_USAGE,
    LineKind.RECURRING: LedgerKind.REVENUE_RECURRING,
    LineKind.TAX: LedgerKind.TAX,
}


def postings(invoice: InvoiceDraft) -> tuple[Posting, ...]:
    """
    Give the postings of an invoice: the customer owes the total, and it was earned or is tax.

    Shapes:
        Result: empty where there is nothing to pay; else two or more that sum to 0, none of 0.
    """
    if not invoice.total_minor:
        return ()
    credited: dict[LedgerKind, int] = {}
    for line in invoice.lines:
        kind = _CREDITED[line.kind]
        credited[kind] = credited.get(kind, 0) - line.amount_minor
    made = [Posting(LedgerKind.RECEIVABLE, invoice.total_minor)]
    made += [Posting(kind, amount) for kind, amount in credited.items() if amount]
    assert sum(posting.amount_minor for posting in made) == 0, made
    return tuple(made)
