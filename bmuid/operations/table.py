"""The table of operations: all there are, and nothing else reaches a transaction."""

from bmuid.operations import (
    accounts,
    accounts_load,
    audit,
    bills,
    catalogue,
    charges,
    files,
    invoices,
    late_usage,
    login,
    logins,
    overview,
    reprocess,
    sources,
    status,
    suspense,
    uids,
    usage,
)
from bmuid.operations.registry import Operation

OPERATIONS: tuple[Operation, ...] = (
    *login.OPERATIONS,
    *overview.OPERATIONS,
    *usage.OPERATIONS,
    *charges.OPERATIONS,
    *invoices.OPERATIONS,
    *catalogue.OPERATIONS,
    *accounts.OPERATIONS,
    *accounts_load.OPERATIONS,
    *uids.OPERATIONS,
    *logins.OPERATIONS,
    *sources.OPERATIONS,
    *files.OPERATIONS,
    *suspense.OPERATIONS,
    *reprocess.OPERATIONS,
    *late_usage.OPERATIONS,
    *bills.OPERATIONS,
    *audit.OPERATIONS,
    *status.OPERATIONS,
)
