"""The demo asks the daemon as a clerk would: over the admin socket."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from bmu.wire import Request
from bmuid.cli.asking import DaemonAwayError, SocketClosedToUsError, ask
from bmuid.demo.places import DemoError


@dataclass(frozen=True, slots=True)
class Staff:
    """Whoever asks at the admin socket."""

    socket: Path

    def ask(self, operation: str, **arguments: str) -> dict[str, object]:
        """
        Perform an operation and give its result.

        Errors:
            DemoError: the daemon refuses, or is gone.
        """
        try:
            answer = ask(self.socket, Request(secrets.token_hex(8), operation, arguments))
        except (DaemonAwayError, SocketClosedToUsError) as error:
            raise DemoError(f"{operation}: {error}") from error
        result: object = json.loads(answer.body)
        if answer.done and isinstance(result, dict):
            return result
        text = result.get("text") if isinstance(result, dict) else None
        raise DemoError(f"{operation}: {'; '.join(str(text or result).splitlines())}")

    def rows(self, operation: str, name: str, **arguments: str) -> list[dict[str, object]]:
        """Perform an operation and give the objects in the list *name* of its result."""
        rows = self.ask(operation, **arguments).get(name)
        assert isinstance(rows, list), operation
        return rows
