"""Bill runs: each account's due periods become invoices, an account a transaction; what a period costs so far."""

from bmuid.billrun.periods import Owed, Payer, owed_in, payer_of
from bmuid.billrun.run import step

__all__ = ["Owed", "Payer", "owed_in", "payer_of", "step"]
