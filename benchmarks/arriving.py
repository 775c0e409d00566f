"""
A large compressed file on its arrival: unpacked into lines, in how much time and memory. Told to run by ``benchmarks/intake.py file``.

Its lines are those of a telephone exchange, packed with the fastest setting of gzip, so that as little as can be is a repetition.
"""

import gzip
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bmu.mediation.ready import BUILT_IN
from bmuid.intake.preparing import Wanted, prepare
from bmuid.intake.spool import Spool, measure
from bmuid.intake.unpacking import Limits

SOURCE = "pbx"
PROFILE = "asterisk-master-csv"
MEMORY_AIM_MIB = 300
MIB = 1 << 20
LINES_A_BLOCK = 5000


def pack(path: Path, octets: int, line: Callable[[int], bytes]) -> None:
    """Write a packed file of lines that are so many octets together."""
    written = number = 0
    with gzip.open(path, "wb", compresslevel=1) as file:
        while written < octets:
            block = b"".join(line(number + place) for place in range(LINES_A_BLOCK))
            number += LINES_A_BLOCK
            written += file.write(block)


def measure_file(octets: int, directory: Path, line: Callable[[int], bytes]) -> None:
    """Print what it takes to make such a file ready for the rating workers."""
    with tempfile.TemporaryDirectory(dir=directory) as parent:
        spool = Spool(Path(parent))
        spool.make(SOURCE)
        packed = Path(parent) / "packed"
        pack(packed, octets, line)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, began_cpu = time.perf_counter(), time.process_time()
        measured = measure(packed)
        packed.rename(spool.in_work_at(SOURCE, measured.sha256))
        limits = Limits(octets_max=2 * octets)
        ready = prepare(spool, Wanted(SOURCE, measured), BUILT_IN[PROFILE], limits)
        seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
        assert ready.held is None, ready.held
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{octets / MIB:,.0f} MiB of {ready.lines:,} lines, {measured.octets / MIB:,.0f} packed: ready in {seconds:.1f} s"
        f" ({cpu:.1f} of a processor), {ready.lines / seconds:,.0f} lines/s; memory at most {most / 1024:.0f} MiB"
        f" (aim {MEMORY_AIM_MIB}; {before / 1024:.0f} before)"
    )
