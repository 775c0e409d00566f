"""The public line protocol, without a socket: octets in, messages out, and back; cheap to import."""

from bmu.wire.client import ClientSession
from bmu.wire.codec import (
    GREETING,
    LINE_OCTETS_MAX,
    NO_ID,
    WireError,
    answer_octets,
    parse_header,
    parse_request,
    request_line,
)
from bmu.wire.messages import Answer, Broken, Request
from bmu.wire.server import ServerSession

__all__ = [
    "GREETING",
    "LINE_OCTETS_MAX",
    "NO_ID",
    "Answer",
    "Broken",
    "ClientSession",
    "Request",
    "ServerSession",
    "WireError",
    "answer_octets",
    "parse_header",
    "parse_request",
    "request_line",
]
