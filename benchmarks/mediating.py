"""
Octets of lines to UDRs, by profiles: what a row costs of one core. Told to run by ``benchmarks/intake.py rows``.

`ready` is a profile that comes with bmuid. `stored` is a document like one that a newcomer loads: other columns behind a heading,
another delimiter. `derived` adds what real feeds ask for: a date and a time in two columns, a table of classes, a trimmed and cut
text, a quantity in milliseconds. `json` reads the same as JSON, a row a line.
"""

import gc
import json
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from bmu.mediation import Mediator, Reject, SourceSettings
from bmu.mediation.document import profile_of
from bmu.mediation.profile import Profile
from bmu.mediation.ready import BUILT_IN

LINES = 200_000
AT_ONCE = 100_000
AIM = 60_000

_COMMON = """
encoding = "utf-8"
identities = [["id"]]
origin = "from"
destination = "to"

[[uid]]
type = "phone"
field = "from"
form = "NUMBER"
"""
STORED = f"""
code = "stored"
name = "Another switch"
fields = ["id", "from", "to", "answered", "seconds", "result"]
usage_class = "voice"
quantity = "seconds"
{_COMMON}
[layout]
kind = "DELIMITED"
quoting = "DOUBLED"
delimiter = ";"
heading = true
widths = [6]

[started]
field = "answered"
clock = "LOCAL"

[[filter]]
name = "not answered"
when = [{{ field = "result", is_not = ["OK"] }}]
"""
DERIVED = f"""
code = "derived"
name = "A feed of several kinds"
fields = ["id", "kind", "from", "to", "day", "hour", "ms", "result"]
usage_class = "voice"
quantity = "ms"
measure = "MS"
{_COMMON}
[layout]
LAYOUT

[started]
field = "began"
clock = "LOCAL"

[[derived]]
field = "began"
make = "COMBINE"
template = "{{day}} {{hour}}"

[[derived]]
field = "kind"
make = "TRIM"
of = "kind"

[[derived]]
field = "class"
make = "LOOKUP"
of = "kind"
table = "kinds"

[[class]]
usage_class = "sms"
when = [{{ field = "class", is = ["message"] }}]

[table.kinds]
MOC = "call"
SMS = "message"

[[filter]]
name = "not answered"
when = [{{ field = "result", is_not = ["OK"] }}]
"""
DELIMITED = 'kind = "DELIMITED"\nquoting = "DOUBLED"\nheading = true\nwidths = [8]'
JSON_LINE = 'kind = "JSON_LINE"'


class Feed(NamedTuple):
    """A profile, the heading of its files, and its lines."""

    profile: Profile
    header: bytes
    lines: list[bytes]


def _profile(text: str) -> Profile:
    found = profile_of(text)
    assert isinstance(found, Profile), found
    return found


def _numbers(number: int) -> tuple[str, str]:
    return f"0207946{number % 9999:04d}", f"0033199{number % 9973:06d}"


def _ready(number: int) -> bytes:
    caller, called = _numbers(number)
    return (
        f'"A{number % 977}","{caller}","{called}","outbound","Ada","PJSIP/a-{number:08x}","PJSIP/c-{number:08x}","Dial",'
        f'"PJSIP/0@c,60","2026-08-03 09:12:40","2026-08-03 09:12:44","2026-08-03 09:13:57",77,{1 + number % 613},"ANSWERED",'
        f'"DOCUMENTATION","1785744760.{number}",""'
    ).encode()


def _stored(number: int) -> bytes:
    caller, called = _numbers(number)
    return f"{number};{caller};{called};2026-08-03 09:{number % 60:02d}:44;{1 + number % 613};OK".encode()


def _row(number: int) -> dict[str, str]:
    caller, called = _numbers(number)
    return {
        "id": str(number),
        "kind": " SMS " if number % 5 == 0 else " MOC ",
        "from": caller,
        "to": called,
        "day": "2026-08-03",
        "hour": f"09:{number % 60:02d}:44",
        "ms": str(1 + number % 613_000),
        "result": "OK",
    }


def feeds() -> dict[str, Feed]:
    """Make the feeds."""

    def lines(line: Callable[[int], bytes]) -> list[bytes]:
        return [line(number) for number in range(LINES)]

    heading = ",".join(_row(0)).encode()
    return {
        "ready": Feed(BUILT_IN["asterisk-master-csv"], b"", lines(_ready)),
        "stored": Feed(_profile(STORED), b"id;from;to;answered;seconds;result", lines(_stored)),
        "derived": Feed(
            _profile(DERIVED.replace("LAYOUT", DELIMITED)),
            heading,
            lines(lambda number: ",".join(_row(number).values()).encode()),
        ),
        "json": Feed(
            _profile(DERIVED.replace("LAYOUT", JSON_LINE)),
            b"",
            lines(lambda number: json.dumps(_row(number)).encode()),
        ),
    }


def measure(runs: int) -> None:
    """Print what each feed's rows cost."""
    # As in a rating worker.
    gc.set_threshold(500_000, 100, 1000)
    source = SourceSettings("one", "Europe/London", "44", "0", "00")
    for name, feed in feeds().items():
        rates = []
        for _ in range(runs):
            mediator = Mediator(feed.profile, source, feed.header)
            began = time.process_time()
            taken = [
                each
                for start in range(0, LINES, AT_ONCE)
                for each in mediator.take_many(feed.lines[start : start + AT_ONCE], start + 2)
            ]
            rates.append(LINES / (time.process_time() - began))
            refused = [each for each in taken if isinstance(each, Reject)]
            assert not refused, refused[0]
        print(
            f"{name:8} {statistics.median(rates):11,.0f} rows/s of a core (aim {AIM:,}; {min(rates):,.0f} to {max(rates):,.0f})"
        )
