"""Bill runs: each account's due periods become invoices, an account a transaction."""

from bmuid.billrun.run import step

__all__ = ["step"]
