"""The table of operations: all there are, and nothing else reaches a transaction."""

from bmuid.operations import invoices, login, overview, usage
from bmuid.operations.registry import Operation

OPERATIONS: tuple[Operation, ...] = (
    *login.OPERATIONS,
    *overview.OPERATIONS,
    *usage.OPERATIONS,
    *invoices.OPERATIONS,
)
