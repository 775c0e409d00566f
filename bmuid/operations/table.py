"""The table of operations: all there are, and nothing else reaches a transaction."""

from bmuid.operations import login
from bmuid.operations.registry import Operation

OPERATIONS: tuple[Operation, ...] = (*login.OPERATIONS,)
