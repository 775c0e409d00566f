"""The command `bmuid worker`: one process that takes files in, or one that rates and bills."""

import argparse
import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bmuid import logs
from bmuid.config import NO_TAX_SERVICE, ConfigError, Tax, load
from bmuid.gateways.tax import TaxServiceError, open_tax_service
from bmuid.intake.chunk import CHUNK_LINES, Bench
from bmuid.intake.snapshot import Snapshots
from bmuid.intake.spool import Spool
from bmuid.intake.unpacking import Limits
from bmuid.worker.arriving import Arriving
from bmuid.worker.life import Stop, keep_serving
from bmuid.worker.rating import Rating
from bmuid.worker.tending import Tending

ANY_FILE = Limits()
EXIT_BAD_CONFIGURATION = 78  # EX_CONFIG of sysexits.h
# A chunk is hundreds of thousands of small tuples and no cycle: looking for cycles among them would cost a third of the time.
COLLECTING = 500_000, 100, 1000


@dataclass(frozen=True, slots=True)
class Settings:
    """
    What a worker needs to know.

    Shapes:
        parts: into how many a file is split, so how many rating workers can share it.
        tax: what the outside tax service is called, and opened with.
        limits: of what may come out of a compressed file.
        keep_days: that originals are kept; 0: for ever.
    """

    dsn: str
    spool: Spool
    parts: int
    days_back: int
    tax: Tax = NO_TAX_SERVICE
    chunk_lines: int = CHUNK_LINES
    limits: Limits = ANY_FILE
    keep_days: int = 0


def take_in(settings: Settings) -> None:
    """Be the intake worker until told to stop."""
    gc.set_threshold(*COLLECTING)
    stop = Stop()
    arriving = Arriving(
        settings.spool,
        settings.parts,
        stop,
        settings.days_back,
        limits=settings.limits,
        tending=Tending(settings.keep_days),
    )
    keep_serving(settings.dsn, arriving.serve, stop)


def rate(settings: Settings) -> None:
    """Be a rating worker until told to stop."""
    gc.set_threshold(*COLLECTING)
    stop = Stop()
    snapshots = Snapshots(
        open_tax_service(settings.tax.service, settings.tax.settings, settings.tax.seconds)
    )
    bench = Bench(settings.spool, settings.days_back, settings.chunk_lines, snapshots)
    keep_serving(settings.dsn, Rating(bench, stop).serve, stop)


KINDS = {"intake": take_in, "rating": rate}


def main(argv: Sequence[str]) -> int:
    """Run one worker in the foreground until SIGTERM; give the exit status."""
    parser = argparse.ArgumentParser(prog="bmuid worker", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the configuration file")
    parser.add_argument("--kind", choices=sorted(KINDS), required=True, help="what it does")
    arguments = parser.parse_args(argv)
    try:
        config = load(arguments.config)
    except ConfigError as error:
        for fault in error.faults:
            sys.stderr.write(f"bmuid worker: {fault}\n")
        return EXIT_BAD_CONFIGURATION
    logs.configure(config.log.format, config.log.file, arguments.kind)
    spool = Spool(config.spool.directory)
    settings = Settings(
        config.database.engine_dsn,
        spool,
        config.process.rating_workers,
        config.spool.days_back_max,
        config.tax,
        limits=Limits(config.spool.unpacked_octets_max),
        keep_days=config.spool.keep_days,
    )
    try:
        KINDS[arguments.kind](settings)
    except TaxServiceError as error:
        sys.stderr.write(f"bmuid worker: tax.service: {error}\n")
        return EXIT_BAD_CONFIGURATION
    return 0
