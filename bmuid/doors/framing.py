"""The admin socket's framing, without I/O: one JSON object a line; else as at the public door."""

import json

from bmu.wire import Request, ServerSession, WireError
from bmu.wire.codec import is_id, is_name

LINE_OCTETS_MAX = 64 * 1024 * 1024
FORM = 'a request is one line: {"id": 16 hexadecimal digits, "operation": text, "arguments": {name: text, ...}}'


def admin_session() -> ServerSession:
    """Give the session of one connection of the admin socket."""
    return ServerSession(parse_line, LINE_OCTETS_MAX)


def admin_line(request: Request) -> bytes:
    """Write *request* as its one line."""
    document = {"id": request.id, "operation": request.operation, "arguments": request.arguments}
    return json.dumps(document).encode("ascii") + b"\n"


def parse_line(line: bytes) -> Request:
    """
    Read one line.

    Errors:
        WireError: it is no request.
    """
    try:
        document: object = json.loads(line.decode("utf-8"), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise WireError(FORM) from error
    if not isinstance(document, dict) or set(document) != {"id", "operation", "arguments"}:
        raise WireError(FORM)
    request_id, operation = _text(document["id"]), _text(document["operation"])
    if not (is_id(request_id) and is_name(operation)) or not isinstance(
        document["arguments"], dict
    ):
        raise WireError(FORM)
    texts = {name: _text(text) for name, text in document["arguments"].items()}
    return Request(request_id, operation, texts)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise WireError(FORM)
    return value


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is given twice")
    return dict(pairs)
