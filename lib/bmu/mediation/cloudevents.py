"""CloudEvents 1.0 in JSON to rows: one event, a batch, or one a line; what makes them events is checked."""

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator

from bmu.mediation.jsonrows import row_of, values_in
from bmu.mediation.rows import (
    BrokenError,
    RowError,
    Settings,
    fault_line,
    line_of,
    unknown_settings,
)

# Those that an event must have, those it may have, and what each must look like.
REQUIRED = ("id", "source", "specversion", "type")
OPTIONAL = ("subject", "time", "datacontenttype", "dataschema")
_NAME = re.compile(r"[a-z0-9]+", re.ASCII)
_TIME = re.compile(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9][Tt][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]+)?([Zz]|[+-][0-2][0-9]:[0-5][0-9])",
    re.ASCII,
)
_JSON_TYPE = re.compile(r"[^/;\s]+/([^/;\s]+\+)?json\s*(;.*)?", re.IGNORECASE | re.DOTALL)


def faults(settings: Settings) -> Iterator[str]:
    """Find what is wrong with the settings."""
    yield from unknown_settings(settings, ())


def decode(_settings: Settings, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Write each event as a line: its attributes by their names, what it tells below ``data``."""
    for value, place in values_in(blocks, []):
        try:
            yield line_of(event(row_of(value)))
        except RowError as error:
            yield fault_line(str(error), *place())


def event(row: dict[str, object]) -> dict[str, object]:
    """
    Check an event, and give it with its data as JSON.

    Errors:
        RowError: it is none of CloudEvents 1.0, or its data is not JSON.
    """
    fault = next(_faults(row), None)
    if fault is not None:
        raise RowError(fault)
    return _with_data(row) if "data_base64" in row else row


def _faults(row: dict[str, object]) -> Iterator[str]:
    yield from (f"an event without {name}" for name in REQUIRED if not _has_text(row, name))
    if row["specversion"] != "1.0":
        yield f"specversion is {row['specversion']!a}; expected '1.0'"
    for name in OPTIONAL:
        if row.get(name) is not None and not _has_text(row, name):
            yield f"{name} is no text, or empty"
    time = row.get("time")
    if isinstance(time, str) and not _TIME.fullmatch(time):
        yield f"time is {time[:60]!a}; expected the form of RFC 3339"
    for name, value in row.items():
        if not _NAME.fullmatch(name) and name != "data_base64":
            yield f"{name[:60]!a} is no name of an attribute"
        if isinstance(value, dict | list) and name != "data":
            yield f"{name!a} has more than one value"


def _has_text(row: dict[str, object], name: str) -> bool:
    value = row.get(name)
    return isinstance(value, str) and bool(value)


def _with_data(row: dict[str, object]) -> dict[str, object]:
    content = str(row.get("datacontenttype") or "application/json")
    if "data" in row:
        raise RowError("data and data_base64 are both there")
    if not _JSON_TYPE.fullmatch(content):
        raise RowError(f"its data is {content[:60]!a}; expected JSON")
    try:
        data = b64decode(str(row["data_base64"]), validate=True)
        [(value, _)] = values_in([data], [])
    except (ValueError, BrokenError):
        raise RowError("data_base64 holds no JSON") from None
    return {name: each for name, each in row.items() if name != "data_base64"} | {"data": value}
