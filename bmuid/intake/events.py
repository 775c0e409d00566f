"""Events that a source has rated one by one: as they were sent, and as the UDRs that they are."""

import hashlib
import json
import struct
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import NamedTuple

from bmu.mediation.number import Numbers
from bmu.period import from_us, to_us
from bmu.usage import UDR
from bmuid.store.files import Source
from bmuid.store.streams import Claim

# Usage identifiers of this type, and the numbers of their events, are telephone numbers as the source dials them.
PHONE = "phone"

_CONTENT = struct.Struct(">q8x16x")


class Event(NamedTuple):
    """
    One event, as its source tells of it.

    Shapes:
        key: tells it from all other events of its source, for ever.
        extras: fields of the company's own, by name; none: none.

    Units:
        started_us: microseconds since 1970-01-01 UTC.
        quantity: base units of its class.
    """

    key: str
    uid_type: str
    uid: str
    usage_class: str
    started_us: int
    quantity: int
    origin: str
    destination: str
    extras: Mapping[str, str] | None = None


def line_of(event: Event) -> bytes:
    """Write an event as the one line that is kept of it."""
    key, uid_type, uid, usage_class = map(encode_basestring, event[:4])
    origin, destination = encode_basestring(event.origin), encode_basestring(event.destination)
    extras = f', "extras": {_extras_text(event.extras)}' if event.extras else ""
    return (
        f'{{"key": {key}, "uid_type": {uid_type}, "uid": {uid}, "usage_class": {usage_class},'
        f' "quantity": {event.quantity}, "origin": {origin}, "destination": {destination},'
        f' "started_at": "{from_us(event.started_us).isoformat()}"{extras}}}'
    ).encode()


def _extras_text(extras: Mapping[str, str]) -> str:
    """Write fields in one order: told again in another, they are the same."""
    return json.dumps(dict(sorted(extras.items())), ensure_ascii=False)


def event_of(line: bytes) -> Event:
    """Read what line_of wrote."""
    said = json.loads(line)
    return Event(started_us=to_us(datetime.fromisoformat(said.pop("started_at"))), **said)


def key_of(source: str, key: str) -> bytes:
    """Give the event key of an event that a source calls so."""
    return hashlib.sha256(f"real time {source} {key}".encode()).digest()[:16]


@lru_cache(maxsize=64)
def _numbers(source: Source) -> Numbers:
    return Numbers(source.settings)


def claim_of(source: str, event: Event, line: bytes, place: int = 0) -> Claim:
    """Give what tells an event of a source from all others, and a repeat of it from another; *line*: as line_of writes it."""
    content: int = _CONTENT.unpack(hashlib.sha256(line).digest())[0]
    return Claim(key_of(source, event.key), content, place)


def udr_of(event: Event, line_no: int, source: Source, claim: Claim | None = None) -> UDR:
    """Give the UDR that an event of a source is; *claim*: its own, where that is at hand."""
    uid, origin, destination = event.uid, event.origin, event.destination
    if event.uid_type == PHONE:
        numbers = _numbers(source)
        uid = numbers.read(uid)
        origin = numbers.read(origin) if origin else uid
        destination = numbers.read_called(destination) if destination else ""
    event_key, content, _ = claim or claim_of(source.code, event, line_of(event))
    return UDR(
        line_no=line_no,
        event_key=event_key,
        content=content,
        uid_type=event.uid_type,
        uid=uid,
        usage_class=event.usage_class,
        started_us=event.started_us,
        quantity=event.quantity,
        origin=origin,
        destination=destination,
        extras=event.extras or None,
    )
