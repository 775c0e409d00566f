"""
What intake costs by itself.

    python benchmarks/intake.py decoders                       # each decoder, 32 MiB of rows
    python benchmarks/intake.py decoders --mib 2048 xml        # some of them, larger files
    python benchmarks/intake.py ber --records 400000 --runs 5  # call records in BER to UDRs
    python benchmarks/intake.py rows                           # lines to UDRs, by profiles: see mediating.py
    python benchmarks/intake.py file --mib 2048                # a large compressed file, made ready on arrival: see arriving.py
    python benchmarks/intake.py durable --records 1000000      # a file to durable verdicts and charges, against COPY: end_to_end.py
    python benchmarks/intake.py sessions --sessions 20000      # partial records of so many sessions
    python benchmarks/intake.py sftp                           # files over SSH, with OpenSSH at the other end
    python benchmarks/intake.py radius                         # RADIUS accounting, answered after commit

`decoders`: rows and MiB a second of processor time on one core, from the octets of a file to lines, and the memory that a
whole file took beside what the process had before. Rows are those of tests/samples, over and over.

`ber`: records a second of processor time on one core of the calls of an MSC (tests/samples/3gpp/msc.ber), each with a reference of its own: octets to
lines, lines to UDRs, and both together, by the profile 3gpp-msc. The best of the runs.

`sessions`: partial records a second that are taken into sessions, by processor time without a database, and with a private one.

`sftp`: megabytes a second that OpenSSH's client puts through the SFTP door of a daemon, and that the daemon pulls from OpenSSH's server,
over loopback, with connecting, and with the file on disk at the end.

`radius`: accounting requests a second that a receiver on this machine answers once their rows are durable in /var/tmp, and how long
an answer takes, while as many wait as are said.
"""

import argparse
import itertools
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import arriving
import machine
import mediating
import radius
import sessions
import uploads

from bmu.mediation import Mediator, SourceSettings
from bmu.mediation.profile import Decoding, Format
from bmu.mediation.ready import BUILT_IN
from bmu.usage import UDR
from bmuid.intake.decoding import decode

END_TO_END = Path(__file__).with_name("end_to_end.py")
SAMPLES = Path(__file__).parents[1] / "tests/samples"
BLOCK_OCTETS = 1 << 20
LINES_A_CHUNK = 5_000

Made = tuple[Decoding, bytes, bytes, bytes]


def between(octets: bytes, first: bytes, last: bytes) -> bytes:
    """Cut out what stands from a text to another, both of them with it."""
    start = octets.index(first)
    return octets[start : octets.index(last, start) + len(last)]


def sample(name: str) -> bytes:
    """Read a sample."""
    return (SAMPLES / name).read_bytes()


def call_of(number: int) -> bytes:
    """Write a plain record of a call, 18 fields."""
    return (
        f'"A{number % 977}","0207946{number % 9999:04d}","0033199{number % 9973:06d}","outbound","Ada","PJSIP/a-{number:08x}",'
        f'"PJSIP/c-{number:08x}","Dial","PJSIP/0@c,60","2026-08-03 09:12:40","2026-08-03 09:12:44",'
        f'"2026-08-03 09:13:57",77,{number % 613},"ANSWERED","DOCUMENTATION","1785744760.{number}",""\n'
    ).encode()


def made() -> dict[str, Made]:
    """Give of each decoder: its settings, the head of a file, a piece that is repeated, and the file's end."""
    ipdr = sample("ipdr/samis.xml")
    record = between(ipdr, b"  <ipdr:IPDR ", b"</ipdr:IPDR>\n")
    cisco = sample("cisco/cdr_StandAloneCluster_01_202608030910_1").splitlines(keepends=True)
    works = sample("broadworks/BW-CDR-20260803090000-2-00005E005340-000001.csv")
    head, call, *_ = works.splitlines(keepends=True)
    calls = b"".join(map(call_of, range(1000)))
    names = ",".join(f"f{number}" for number in range(18))
    event = b'{"specversion":"1.0","id":"e1","source":"/meter","type":"com.example.hours","subject":"a1","time":"2026-08-03T08:12:44Z","data":{"quantity":3}}\n'
    small = b'{"id":"a1","from":"442079460123","to":"33199001234","seconds":73,"began":"2026-08-03T08:12:44Z"},\n'
    xml = b'<call id="a1"><from>442079460123</from><to>33199001234</to><s>73</s><began>2026-08-03T08:12:44Z</began></call>\n'
    flows = sample("netflow/softflowd-v5.flows")
    many = flows[:2] + (30).to_bytes(2, "big") + flows[4:24] + flows[24:72] * 30

    def of(form: Format, **settings: str) -> Decoding:
        return Decoding(form, tuple(settings.items()))

    def ready(code: str) -> Decoding:
        found = BUILT_IN[code].decoding
        assert found is not None
        return found

    return {
        "xml": (of(Format.XML, row="calls/call"), b"<calls>", xml * 100, b"</calls>"),
        "freeswitch-json": (ready("freeswitch-json-cdr"), b"", sample("freeswitch/json-cdr.json"), b""),
        "json": (of(Format.JSON), b"[", small * 100, small[:-2] + b"]"),
        "cloudevents": (of(Format.CLOUD_EVENTS), b"", event * 100, b""),
        "csv": (of(Format.CSV_BLOCK, columns=names), b"", calls, b""),
        "cucm": (ready("cisco-cucm-cdr"), b"".join(cisco[:2]), b"".join(cisco[2:]), b""),
        "broadworks": (ready("broadworks-cdr"), head, call, b""),
        "fixed": (of(Format.FIXED_BLOCK, octets="100"), b"", b"0123456789" * 1000, b""),
        "text-utf-16": (of(Format.TEXT, encoding="utf-16-le"), b"", calls.decode().encode("utf-16-le"), b""),
        "text-cp037": (of(Format.TEXT, encoding="cp037"), b"", calls.decode().encode("cp037"), b""),
        "radius-detail": (ready("freeradius-detail"), b"", sample("freeradius/detail-20260803"), b""),
        "ipdr": (ready("docsis-samis-ipdr"), ipdr[: ipdr.index(record)], record, b"</ipdr:IPDRDoc>"),
        "netflow-v5": (of(Format.NETFLOW, networks="192.0.2.0/24"), b"", many, b""),
    }  # fmt: skip


def blocks_of(head: bytes, piece: bytes, end: bytes, octets: int) -> Iterator[bytes]:
    """Give a file that is about so long, in blocks."""
    pieces = -(-BLOCK_OCTETS // len(piece))
    yield head
    yield from itertools.repeat(piece * pieces, max(octets // (pieces * len(piece)), 1))
    yield end


def decoders(wanted: list[str], octets: int) -> None:
    """Measure each decoder."""
    for name, (decoding, head, piece, end) in made().items():
        if wanted and name not in wanted:
            continue
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.process_time()
        read = 0

        def counted(blocks: Iterator[bytes]) -> Iterator[bytes]:
            nonlocal read
            for block in blocks:
                read += len(block)
                yield block

        rows = sum(1 for _ in decode(decoding, counted(blocks_of(head, piece, end, octets))))
        seconds = time.process_time() - began
        if decoding.format is Format.NETFLOW:
            rows = read // len(piece) * 30
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"{name:16} {rows / seconds:11,.0f} rows/s  {read / seconds / (1 << 20):7.1f} MiB/s"
            f"  {rows:10,} rows of {read / max(rows, 1):6.0f} octets, {(after - before) / 1024:+6.0f} MiB"
        )


def calls_in_ber(count: int) -> list[bytes]:
    """Give records of calls in blocks: the first one of the sample, each with its own reference and second."""
    record = sample("3gpp/msc.ber")[: 2 + sample("3gpp/msc.ber")[2] + 1]
    assert record[:2] == b"\xa0\x81", "a call, its length in one octet"
    # callReference [32] of two octets becomes one of four.
    before, found, behind = record.partition(b"\x9f\x20\x02")
    assert found, "a reference of two octets"
    head = b"\xa0\x81" + bytes([len(record) - 3 + 2])
    octets = b"".join(
        head + before[3:] + b"\x9f\x20\x04" + number.to_bytes(4, "big") + behind[2:]
        for number in range(count)
    )
    return [octets[at : at + BLOCK_OCTETS] for at in range(0, len(octets), BLOCK_OCTETS)]


def ber(records: int, runs: int) -> None:
    """Measure calls from octets to UDRs."""
    profile = BUILT_IN["3gpp-msc"]
    assert profile.decoding is not None
    blocks = calls_in_ber(records)
    source = SourceSettings("msc", "Europe/London", "44", "0", "00")
    best = [float("inf")] * 2
    lines: list[bytes] = []
    for _ in range(runs):
        began = time.process_time()
        lines = list(decode(profile.decoding, blocks))
        decoded = time.process_time()
        mediator, udrs = Mediator(profile, source), 0
        for at in range(0, len(lines), LINES_A_CHUNK):
            chunk = mediator.take_many(lines[at : at + LINES_A_CHUNK], at + 1)
            udrs += sum(isinstance(each, UDR) for each in chunk)
        done = time.process_time()
        assert udrs == len(lines) == records, "every record is a UDR"
        best = [min(best[0], decoded - began), min(best[1], done - decoded)]
    octets = sum(map(len, blocks)) / records
    print(f"{records:,} calls of {octets:.0f} octets, lines of {len(lines[0])} octets")
    for name, seconds in zip(("octets to lines", "lines to UDRs"), best, strict=True):
        print(f"{name:18} {records / seconds:11,.0f} records/s")
    print(f"{'octets to UDRs':18} {records / sum(best):11,.0f} records/s  (aim: 100,000)")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True)
    part = parts.add_parser("decoders", help="octets of a file to lines")
    part.add_argument("names", nargs="*", help="which; all, if none is named")
    part.add_argument("--mib", type=int, default=32, help="length of each file")
    part = parts.add_parser("ber", help="call records in BER to UDRs")
    part.add_argument("--records", type=int, default=200_000)
    part.add_argument("--runs", type=int, default=3)
    part = parts.add_parser("rows", help="lines to UDRs, by profiles")
    part.add_argument("--runs", type=int, default=5, help="of which the median counts")
    part = parts.add_parser("file", help="a large compressed file, made ready on arrival")
    part.add_argument("--mib", type=int, default=2048, help="of lines, unpacked")
    part.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="on a real disk")
    part = parts.add_parser(
        "durable", help="a file to durable verdicts and charges: end_to_end.py"
    )
    part.add_argument("--records", type=int, default=1_000_000)
    part.add_argument("--runs", type=int, default=3)
    part = parts.add_parser("sftp", help="files over SSH")
    part.add_argument("--mb", type=int, default=500, help="size of the file")
    part.add_argument("--rounds", type=int, default=3)
    part = parts.add_parser("sessions", help="partial records to sessions")
    part.add_argument("--sessions", type=int, default=20_000, help="of five records each")
    part.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="on a real disk")
    part = parts.add_parser("radius", help="accounting requests, answered after commit")
    part.add_argument("--requests", type=int, default=64_000)
    part.add_argument("--outstanding", type=int, default=1024, help="that wait for their answers")
    return parser.parse_args()


def main() -> None:
    """Measure what the command line says."""
    given = arguments()
    if given.part == "sftp":
        uploads.measure(given.mb * uploads.MB, given.rounds)
        return
    if given.part == "durable":
        words = ("--records", str(given.records), "--runs", str(given.runs))
        subprocess.run((sys.executable, str(END_TO_END), *words), check=True)
        return
    print(machine.describe(None))
    if given.part == "ber":
        ber(given.records, given.runs)
    elif given.part == "rows":
        mediating.measure(given.runs)
    elif given.part == "file":
        arriving.measure_file(given.mib << 20, given.directory, call_of)
    elif given.part == "sessions":
        sessions.measure(given.sessions, given.directory)
    elif given.part == "radius":
        radius.measure(given.requests, given.outstanding)
    else:
        decoders(given.names, given.mib << 20)


if __name__ == "__main__":
    main()
