"""The command `bmuid check-config`: list every fault, start nothing."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from bmuid.cli.telling import complain, now
from bmuid.config import DEFAULT_PATH, ConfigError, load
from bmuid.daemon.parts import EVERY_PART
from bmuid.daemon.readiness import (
    StartError,
    batch_gate_of,
    check_database,
    gate_of,
    tax_service_of,
    usage_gate_of,
)


def main(argv: Sequence[str]) -> int:
    """Check the file, the certificates it names and the database; give the exit status."""
    parser = argparse.ArgumentParser(prog="bmuid check-config", description=__doc__)
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, help="the configuration file")
    parser.add_argument("--offline", action="store_true", help="don't look at the database")
    arguments = parser.parse_args(argv)
    try:
        config = load(arguments.config)
        gate_of(config, now())
        if config.usage is not None:
            usage_gate_of(config, now())
        if config.batch is not None:
            batch_gate_of(config.batch, now())
        tax_service_of(config)
        if not arguments.offline:
            check_database(config, EVERY_PART)
    except ConfigError as error:
        return complain("bmuid", error.faults, os.EX_CONFIG)
    except StartError as error:
        return complain("bmuid", error.faults, error.status)
    print(f"{arguments.config}: no fault found")
    return os.EX_OK
