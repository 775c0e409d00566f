"""
What rating costs by itself, without a database: processor time an event in the batch path, how it grows, memory.

    python benchmarks/rating.py                     # a quick look
    python benchmarks/rating.py --events 1000000 --uids 1000000 --runs 5
    python benchmarks/rating.py telco compile       # some parts only

Events come a chunk at a time and account by account in it, a thousand of them at once, as the rating worker has them. `find` is the look-up of
who owns a number, `rate` is rate_batch; `first` is of a tariff just compiled, which has all routes and places to find,
the other figures are of one that knows them. A file to durable charges is measured by end_to_end.py.
"""

import argparse
import gc
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import features
import machine
import telco
from telco import Shape

from bmu.rating import (
    BucketState,
    Owner,
    Owners,
    Rated,
    Tariff,
    TariffRows,
    compile_tariff,
    rate_batch,
)
from bmu.usage import UDR

SEED = 20261121
CHUNK = 100_000
ENDLESS = 10**12
BLOCK = 1_000
US = 1e6
AIMS = {
    "telco": 2.0,
    "features": 20.0,
    "prefixes": 1.3,
    "uids": 1.6,
    "buckets": 2.0,
    "duration": 1.0,
}
COMPILE_AIM_S = 3
MEMORY_AIM_MIB = 700
COMPILED_RATES = 200_000
Shelf = dict[int, tuple[BucketState, ...]]


def arguments() -> argparse.Namespace:
    """Read the command line; the defaults give a first idea in about a minute."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--prefixes", type=int, default=50_000)
    parser.add_argument("--uids", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3, help="the median is told")
    given = parser.parse_args()
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}")
    return given


class Workload:
    """A company and its calls; each run is with the buckets full."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.rows = telco.rows(shape, SEED)
        self.udrs = telco.calls(shape, self.rows, SEED)
        self.owners = Owners(telco.owners(shape))
        self.tariff = telco.tariff(self.rows)

    def find(self) -> tuple[float, list[Owner]]:
        """Find who made each call; give the microseconds a call, too."""
        took, owned = 0.0, []
        for first in range(0, len(self.udrs), BLOCK):
            block = self.udrs[first : first + BLOCK]
            began = time.process_time()
            found = self.owners.find_all(block)
            took += time.process_time() - began
            owned += [owner for owner in found if isinstance(owner, Owner)]
        assert len(owned) == len(self.udrs)
        return took / len(owned) * US, owned

    def rate(self) -> tuple[float, float]:
        """Give the microseconds a call of finding who made it, and of rating it."""
        find_us, owned = self.find()
        chunks = list(by_account(self.udrs, owned))
        shelf = telco.shelf(self.shape, owned)
        return find_us, rate(chunks, self.tariff, shelf)

    def medians(self, runs: int) -> tuple[float, float]:
        """Give the medians of runs with a tariff that knows its routes and places."""
        self.rate()
        found = [self.rate() for _ in range(runs)]
        return statistics.median(f for f, _ in found), statistics.median(r for _, r in found)


def by_account(udrs: list[UDR], owned: list[Owner]) -> Iterable[tuple[list[UDR], list[Owner]]]:
    """Give the chunks, each in the order of accounts, as the worker has them."""
    for start in range(0, len(udrs), CHUNK):
        pairs = list(zip(udrs[start : start + CHUNK], owned[start : start + CHUNK], strict=True))
        pairs.sort(key=lambda pair: pair[1].account_id)
        yield [udr for udr, _ in pairs], [owner for _, owner in pairs]


def rate(chunks: list[tuple[list[UDR], list[Owner]]], tariff: Tariff, shelf: Shelf) -> float:
    """Rate chunks; give the microseconds an event, and see that nearly all have a price."""
    took, priced, events = 0.0, 0, 0
    for udrs, owned in chunks:
        for first in range(0, len(udrs), BLOCK):
            block, theirs = udrs[first : first + BLOCK], owned[first : first + BLOCK]
            began = time.process_time()
            outcomes = rate_batch(block, theirs, tariff, shelf)
            took += time.process_time() - began
            events += len(outcomes)
            priced += sum(isinstance(outcome, Rated) for outcome in outcomes)
    assert priced > 0.99 * events, (priced, events)
    return took / events * US


def tell(name: str, value: float, aim: float, unit: str) -> None:
    """Print one figure beside its aim."""
    print(
        f"{name:<56}{value:8.2f} {unit:<8} aim {aim:g}{'' if value <= aim else '  MISSED'}",
        flush=True,
    )


def measure_telco(given: argparse.Namespace) -> None:
    """Rate the calls of the telephone company."""
    load = Workload(Shape(given.events, given.prefixes, given.uids))
    first = load.rate()[1]
    find_us, rate_us = load.medians(given.runs)
    print(f"telco: find {find_us:.2f}, rate {rate_us:.2f}, rate first {first:.2f} us an event")
    tell("telco, find and rate", find_us + rate_us, AIMS["telco"], "us")


def measure_features(given: argparse.Namespace) -> None:
    """Rate usage under every feature at once."""
    events = min(given.events, 100_000)
    tariff, took = compile_tariff(features.rows(), 1, features.COMPANY), []
    for _ in range(given.runs + 1):
        udrs, owned, shelf = features.usage(events, max(1, events // 20), SEED)
        took.append(rate([(udrs, owned)], tariff, shelf))
    tell("every feature at once", statistics.median(took[1:]), AIMS["features"], "us")


def measure_growth(given: argparse.Namespace) -> None:
    """Rate with little and with much of one thing, all else alike."""
    base = Shape(given.events, given.prefixes, given.uids)
    # Few numbers make many calls each: only with allowances that never run out do as many of them draw.
    full = replace(base, allowance=ENDLESS)
    # No shorter events than hours: numbers up to 256 are there already in Python, larger ones are made.
    grown: dict[str, tuple[Shape, Shape, Callable[[Shape], object]]] = {
        "prefixes": (replace(base, prefixes=1000), replace(base, prefixes=200_000), lambda s: s.prefixes),
        "uids": (replace(full, uids=10_000), replace(full, uids=1_000_000), lambda s: s.uids),
        "buckets": (replace(base, buckets=0), replace(base, buckets=5), lambda s: s.buckets),
        "duration": (replace(base, buckets=0, seconds=6_000), replace(base, buckets=0, seconds=6_000_000), lambda s: s.seconds),
    }  # fmt: skip
    for name, (small, large, size) in grown.items():
        before, after = (sum(Workload(shape).medians(given.runs)) for shape in (small, large))
        sizes = f"{size(small):,} to {size(large):,}"
        print(f"{name} {sizes}: {before:.2f} to {after:.2f} us an event, find and rate")
        # Nothing may grow with an event's duration; a twentieth is noise.
        tell(
            f"growth of {name}", after / before, AIMS[name] + 0.05 * (name == "duration"), "times"
        )


def measure_compile(given: argparse.Namespace) -> None:
    """Compile a tariff."""
    rows = telco.rows(Shape(0, COMPILED_RATES // 2, 0), SEED)
    assert len(rows.rates) == COMPILED_RATES
    took = []
    for _ in range(given.runs):
        began = time.process_time()
        telco.tariff(rows)
        took.append(time.process_time() - began)
    tell(f"compile {COMPILED_RATES:,} rates", statistics.median(took), COMPILE_AIM_S, "s")


def measure_memory(_: argparse.Namespace) -> None:
    """Hold a tariff of 200,000 prefixes and a million numbers in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        before, after = pool.apply(_hold)
    print(f"memory of a process before it holds anything: {before >> 10} MiB")
    tell("memory, 200,000 prefixes, 1,000,000 UIDs", after / 1024, MEMORY_AIM_MIB, "MiB PSS")


def _hold() -> tuple[int, int]:
    shape = Shape(0, 200_000, 1_000_000)
    before = machine.share_kib(os.getpid())
    held: list[object] = [_compiled(telco.rows(shape, SEED)), Owners(telco.owners(shape))]
    gc.collect()
    after = machine.share_kib(os.getpid())
    assert held
    return before, after


def _compiled(rows: TariffRows) -> Tariff:
    return telco.tariff(rows)


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "telco": measure_telco,
    "features": measure_features,
    "growth": measure_growth,
    "compile": measure_compile,
    "memory": measure_memory,
}


def main() -> None:
    """Measure and tell."""
    given = arguments()
    gc.set_threshold(500_000, 100, 1000)  # as the rating worker has it
    print(machine.describe(None), flush=True)
    print(
        f"{given.events:,} events, {given.prefixes:,} prefixes, {given.uids:,} UIDs, medians of {given.runs} runs;"
        f" load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    for part in given.parts or PARTS:
        PARTS[part](given)


if __name__ == "__main__":
    main()
