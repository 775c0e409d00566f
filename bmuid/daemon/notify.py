"""Telling systemd how the daemon is: sd_notify(3), without a library."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class Notify:
    """The socket that the service manager gave, if it gave one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        given = environment.get("WATCHDOG_USEC", "")
        mine = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_seconds = int(given) / 1_000_000 if given.isdigit() and mine else None

    def ready(self) -> None:
        """Tell that requests are taken."""
        self._tell(f"READY=1\nMAINPID={os.getpid()}\nSTATUS=serving")

    def alive(self) -> None:
        """Tell that the reactor turns."""
        self._tell("WATCHDOG=1")

    def reloading(self) -> None:
        """Tell that the configuration is read again; ready() tells the end of it."""
        self._tell("STATUS=reloading")

    def stopping(self) -> None:
        """Tell that no more requests are taken."""
        self._tell("STOPPING=1\nSTATUS=finishing what was begun")

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        # Whoever waits may be gone; that is no reason to stop, nor to stop otherwise than in order.
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line,
        ):
            line.sendto(text.encode(), self._address)
