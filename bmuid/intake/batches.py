"""Batches of rows, as sources send them by HTTP, to files of the spool: in the form that the source's profile reads, or refused."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bmu.mediation import Decoding, Delimited, Format, JSONLine, Profile
from bmu.mediation.decoding import UndecodableError
from bmuid.intake.decoding import decode
from bmuid.intake.handing import NameTakenError, hand

CSV, TEXT = "text/csv", "text/plain"
JSON_LINES = ("application/x-ndjson", "application/jsonl", "application/json-lines")
JSON = "application/json"
OCTETS = "application/octet-stream"
CLOUD_EVENTS = ("application/cloudevents-batch+json", "application/cloudevents+json")
XML = ("application/xml", "text/xml")

# What a profile's decoding reads, by what a body is called.
OF_FORMATS = {
    Format.BER: (OCTETS,),
    Format.CLOUD_EVENTS: CLOUD_EVENTS,
    Format.CSV_BLOCK: (CSV,),
    Format.FIXED_BLOCK: (OCTETS,),
    Format.IPDR: (*XML, OCTETS),
    Format.JSON: (JSON,),
    Format.LINES: (TEXT, CSV),
    Format.NETFLOW: (OCTETS,),
    Format.RADIUS_DETAIL: (TEXT,),
    Format.TEXT: (CSV, TEXT),
    Format.XML: XML,
}


class NoBatchError(ValueError):
    """Raised for a body that is no batch; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Body:
    """The file that a body becomes, and how many rows it has."""

    octets: bytes
    rows: int

    @property
    def sha256(self) -> bytes:
        """By which the file is known."""
        return hashlib.sha256(self.octets).digest()


def media_types(profile: Profile) -> tuple[str, ...]:
    """Give what a body for a source of that profile may be called."""
    if profile.decoding is not None:
        return OF_FORMATS[profile.decoding.format]
    match profile.layout:
        case JSONLine():
            return (*JSON_LINES, JSON)
        case Delimited():
            return (CSV, TEXT)
        case _:
            return (TEXT,)


def body_of(profile: Profile, media_type: str, octets: bytes, rows_max: int) -> Body:
    """
    Make the file of a body, which is the body itself but for JSON objects in a list that the profile wants a line each.

    Shapes:
        media_type: one of the profile's.

    Errors:
        NoBatchError: no row, too many, or not what it is called.
    """
    if profile.decoding is not None:
        # A site's own program makes its rows of these later.
        rows = _counted(_decoded(replace(profile.decoding, plugin=""), octets), rows_max)
    elif media_type == JSON:
        lines = list(itertools.islice(_decoded(Decoding(Format.JSON), octets), rows_max + 1))
        octets = b"".join(line + b"\n" for line in lines)
        rows = len(lines)
    else:
        rows = octets.count(b"\n") + (not octets.endswith(b"\n")) if octets else 0
    if not rows:
        raise NoBatchError("the body holds no row")
    if rows > rows_max:
        raise NoBatchError(
            f"the body holds more than {rows_max} rows; send them in several batches"
        )
    return Body(octets, rows)


def _decoded(decoding: Decoding, octets: bytes) -> Iterator[bytes]:
    try:
        yield from decode(decoding, [octets])
    except UndecodableError as error:
        raise NoBatchError(f"the body can't be read: {error}") from error


def _counted(lines: Iterable[bytes], rows_max: int) -> int:
    return sum(1 for _ in itertools.islice(lines, rows_max + 1))


def keep(root: Path, source: str, tracking: str, octets: bytes) -> None:
    """
    Hand the file of a batch in; again is no harm.

    Errors:
        OSError: no room, or the spool can't be written.
    """
    arriving = root / source / "in"
    arriving.mkdir(mode=0o750, parents=True, exist_ok=True)
    try:
        hand(arriving, f"batch-{tracking}", [octets])
    except NameTakenError:
        # It was handed in before, and waits: nobody else has a name of this form.
        return


def files_waiting(root: Path, source: str) -> int:
    """Count the files of a source that are not taken in yet."""
    stages = (root / source / stage for stage in ("in", "taking"))
    return sum(1 for stage in stages if stage.is_dir() for _ in stage.iterdir())
