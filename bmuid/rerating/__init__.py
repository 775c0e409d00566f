"""Usage rated again: planned, carried out an account a transaction, tried under other packages."""

from bmuid.rerating.step import Rerating

__all__ = ["Rerating"]
