"""Bill runs: each account's due periods become invoices, an account a transaction; what a period costs so far."""

from bmuid.billrun.periods import Books, Charges, Owed, Payer, owed_in, payer_of
from bmuid.billrun.run import step
from bmuid.billrun.taxes import Taxing

__all__ = ["Books", "Charges", "Owed", "Payer", "Taxing", "owed_in", "payer_of", "step"]
