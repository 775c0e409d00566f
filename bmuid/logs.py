"""Structured logs: one line an event, for people or for collectors; never a control character."""

import json
import logging
import logging.handlers
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

FORMATS = ("text", "json")
_request_id: ContextVar[str] = ContextVar("request_id", default="")
# What every record has of itself; the rest was given by the caller as `extra`.
_OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(form: str, file: Path | None, program: str) -> None:
    """
    Send all logs of this process to *file*, or to standard error; calling again replaces that.

    Shapes:
        form: one of FORMATS.
        program: which process speaks, such as "bmuid" or "rating".

    Errors:
        OSError: the file can't be opened.
    """
    handler: logging.Handler
    if file is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        # Follows a rename of the file, so that logrotate needs no signal to each process.
        handler = logging.handlers.WatchedFileHandler(file, encoding="utf-8")
    handler.setFormatter(JSONFormatter(program) if form == "json" else TextFormatter(program))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


@contextmanager
def request(request_id: str) -> Iterator[None]:
    """Put *request_id* on every line logged inside."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def printable(text: str) -> str:
    """Give *text* with every character that could forge or hide a line written out as an escape."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def field(value: object) -> str:
    """Give a value as text for `key=value`, quoted where it could be taken for more than one value."""
    text = printable(str(value))
    if text and not any(c in ' "=[]' for c in text):
        return text
    return '"' + text.replace('"', '\\"') + '"'


class TextFormatter(logging.Formatter):
    """`2026-08-31T09:00:00.123Z INFO  bmuid [request] message key=value`."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        """Give the line of one event."""
        request_id = _request_id.get()
        parts = [_instant(record), f"{record.levelname:<7}", self._program]
        if request_id:
            parts.append(f"[{request_id}]")
        parts.append(printable(record.getMessage()))
        parts += [f"{key}={field(value)}" for key, value in _given(record).items()]
        if record.exc_info:
            parts.append(printable(self.formatException(record.exc_info)))
        return " ".join(parts)


class JSONFormatter(logging.Formatter):
    """One JSON object a line: at, level, program, request_id, message, and what the event gave."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        """Give the line of one event."""
        event: dict[str, object] = {
            "at": _instant(record),
            "level": record.levelname.lower(),
            "program": self._program,
            "request_id": _request_id.get(),
            "message": record.getMessage(),
        }
        for key, value in _given(record).items():
            event.setdefault(key, _plain(value))
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=True)


def _instant(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _given(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _OWN_ATTRIBUTES}


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | bool | None) else str(value)
