"""`bmuid demo`: the whole of bmuid in one directory, from nothing to invoices in the browser."""

from bmuid.demo.command import main

__all__ = ["main"]
