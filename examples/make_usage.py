"""Make the demo company's call records: the same octets on every machine and every run.

python examples/make_usage.py [FOLDER]

writes asterisk/Master-*.csv, freeswitch/Master-*.csv, kamailio/numbers.csv and expected.toml into
FOLDER (default: examples/usage); kamailio/acc-recorded.log is only read there, if it is there.
"""

import sys
from collections import defaultdict
from pathlib import Path

from harbour.calls import local
from harbour.chance import Chance
from harbour.customers import customers
from harbour.expected import expected
from harbour.plants import plant
from harbour.recording import expected_recording, numbers
from harbour.switches import Record, asterisk_line, freeswitch_line
from harbour.traffic import calls_of

USAGE = Path(__file__).resolve().parent / "usage"
WRITERS = {"asterisk": asterisk_line, "freeswitch": freeswitch_line}


def written(chance: Chance, switch: str) -> dict[str, list[Record]]:
    """File name -> what the switch wrote into it as calls ended, before anything is planted."""
    write = WRITERS[switch]
    calls = calls_of(chance, customers(), switch)
    records = [write(chance, number, call) for number, call in enumerate(calls)]
    files: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda each: (each.call.course.end_ms, each.unique_id)):
        month = f"{local(record.call.course.end_ms):%Y-%m}"
        files[f"{switch}/Master-{month}.csv"].append(record)
    return files


def write_usage(folder: Path) -> None:
    """Write every file below `folder`."""
    chance = Chance(20260801)
    files = plant(chance, written(chance, "asterisk") | written(chance, "freeswitch"))
    texts = {name: "".join(f"{each.text}\n" for each in files[name]) for name in files}
    texts["kamailio/numbers.csv"] = numbers(Chance(20261121), customers())
    recorded = USAGE / "kamailio" / "acc-recorded.log"
    texts["expected.toml"] = expected(files, expected_recording(recorded.read_text("utf-8")))
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())


if __name__ == "__main__":
    write_usage(Path(sys.argv[1]) if len(sys.argv) > 1 else USAGE)
