"""A switch whose files are no lines of text: calls as one JSON document, and the profile that reads them."""

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from usage_world import HOME, MONDAY_NOON, SOURCE, number_of, put

PROFILE = """
code = "json-calls"
name = "Calls as one JSON document"
encoding = "utf-8"
fields = ["id", "from", "to", "at", "seconds"]
identities = [["id"]]
usage_class = "voice"
quantity = "seconds"
origin = "from"
destination = "to"

[layout]
kind = "JSON_LINE"

[decoding]
format = "JSON"
settings = { path = "calls" }

[[uid]]
type = "phone"
field = "from"
form = "NUMBER"

[started]
field = "at"
clock = "EPOCH"
"""


def made_call(
    unique: str,
    customer: int,
    called: str = HOME,
    seconds: int = 60,
    answered: datetime = MONDAY_NOON,
) -> dict[str, str]:
    """Give one call."""
    return {
        "id": unique,
        "from": f"+{number_of(customer)}",
        "to": f"+{called}",
        "at": str(int(answered.astimezone(UTC).timestamp())),
        "seconds": str(seconds),
    }


def document(calls: Sequence[dict[str, str]]) -> bytes:
    """Give the switch's document of calls."""
    return json.dumps({"calls": list(calls)}, indent=1).encode()


def packed(octets: bytes) -> bytes:
    """Compress octets as a source may."""
    return gzip.compress(octets, mtime=0)


def put_octets(spool: Path, name: str, octets: bytes, source: str = SOURCE) -> Path:
    """Have the switch hand in a file of these octets."""
    put(spool, f"{name}.part", [], source)
    arriving = spool / source / "in"
    (arriving / f"{name}.part").unlink()
    (arriving / f".{name}").write_bytes(octets)
    return (arriving / f".{name}").rename(arriving / name)
