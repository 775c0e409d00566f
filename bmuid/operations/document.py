"""Results as JSON: exact, in one form, the same at every door."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, cast

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]

_AS_IT_IS = frozenset({str, int, bool, type(None)})
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def instant_text(instant: datetime) -> str:
    """Write an aware instant as RFC 3339 in UTC; microseconds only where there are any."""
    assert instant.tzinfo is not None, "an instant needs its zone"
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def plain(value: object) -> Json:
    """Give *value* as JSON knows it: amounts and instants become text, a field from_ becomes "from"."""
    # Most values are such, and the rest of this is slow.
    if type(value) in _AS_IT_IS:
        return cast("str | int | bool | None", value)
    match value:
        case Enum():
            return plain(value.value)
        case Decimal():
            return format(value, "f")
        case datetime():
            return instant_text(value)
        case date():
            return value.isoformat()
        case _:
            return _many(value)


def _many(value: object) -> Json:
    match value:
        case list() | tuple():
            return [plain(item) for item in value]
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case _ if is_dataclass(value):
            kind: Any = type(value)
            return {outside: plain(getattr(value, name)) for name, outside in _names(kind)}
        case _:
            raise AssertionError(f"{type(value).__name__} has no place in an answer")


@cache
def _names(kind: Any) -> tuple[tuple[str, str], ...]:
    """Give the fields of a dataclass, and what they are called outside."""
    return tuple((f.name, f.name.removesuffix("_")) for f in fields(kind))


def json_octets(value: object) -> bytes:
    """Write *value* as the octets of one JSON text, without spaces."""
    return octets_of(plain(value))


def octets_of(document: Json) -> bytes:
    """Write what is plain already."""
    return _ENCODER.encode(document).encode()
