"""What must hold before anything is started; all of it is looked at without starting anything."""

import os
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime

from bmu.rating import TaxService
from bmuid.config import BatchDoor, Config, ConfigError, UsageDoor
from bmuid.daemon.parts import Part
from bmuid.doors.gate import Gate, open_batch_gate, open_gate
from bmuid.gateways.tax import TaxServiceError, open_tax_service
from bmuid.store import schema, settings
from bmuid.store.schema import SchemaError, UnreachableError
from bmuid.store.transaction import DatabaseError


class StartError(Exception):
    """
    Raised when bmuid can't be started, or can't go on.

    Shapes:
        status: the exit status, of sysexits.h.
        faults: one line each.
    """

    def __init__(self, status: int, faults: Iterable[str]) -> None:
        self.status = status
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def gate_of(config: Config, now: datetime) -> Gate:
    """
    Give the public door's gate.

    Errors:
        StartError: EX_CONFIG, with every fault of the certificates.
    """
    try:
        return open_gate(config.public, now)
    except ConfigError as error:
        raise StartError(os.EX_CONFIG, error.faults) from error


def usage_gate_of(config: Config, now: datetime) -> tuple[UsageDoor, Gate]:
    """
    Give what is configured of the usage door, and its gate.

    Errors:
        StartError: EX_CONFIG, with every fault of the certificates, or since nothing is configured.
    """
    if config.usage is None:
        fault = "usage: there is no such section; it says which sources may tell of usage"
        raise StartError(os.EX_CONFIG, (fault,))
    try:
        return config.usage, open_gate(config.usage, now)
    except ConfigError as error:
        raise StartError(os.EX_CONFIG, error.faults) from error


def batch_gate_of(door: BatchDoor, now: datetime) -> Gate:
    """
    Give the gate of the door for batches.

    Errors:
        StartError: EX_CONFIG, with every fault of the certificates.
    """
    try:
        return open_batch_gate(door, now)
    except ConfigError as error:
        raise StartError(os.EX_CONFIG, error.faults) from error


def tax_service_of(config: Config) -> TaxService | None:
    """
    Give the outside tax service, opened; none where none is configured.

    Errors:
        StartError: EX_CONFIG, since no installed package has it, or it can't be opened.
    """
    try:
        return open_tax_service(config.tax.service, config.tax.settings, config.tax.seconds)
    except TaxServiceError as error:
        raise StartError(os.EX_CONFIG, (f"tax.service: {error}",)) from error


def check_database(config: Config, parts: frozenset[Part]) -> None:
    """
    Pass only when the database is there, has our schema, and is fit for money.

    Errors:
        StartError: EX_UNAVAILABLE when it is away, else EX_CONFIG, with every fault.
    """
    database = config.database
    users = [database.engine_user]
    if Part.DOORS in parts:
        users += [database.admin_user, database.auth_user, database.public_user]
    faults: dict[str, None] = {}
    for user in users:
        for fault in _faults(database.of(user)):
            faults[fault] = None
    if faults:
        raise StartError(os.EX_CONFIG, (f"database: {fault}" for fault in faults))


def _faults(dsn: str) -> tuple[str, ...]:
    try:
        with closing(schema.connect(dsn)) as connection, connection.cursor() as txn:
            try:
                schema.check(txn)
            except SchemaError as error:
                return (str(error),)
            return settings.faults(txn)
    except UnreachableError as error:
        raise StartError(os.EX_UNAVAILABLE, (f"database: {error}",)) from error
    except DatabaseError as error:
        raise StartError(
            os.EX_UNAVAILABLE, (f"database: {' '.join(str(error).split())}",)
        ) from error
