"""The commands of an init script: start, stop, restart, status and reload, by way of a pid file."""

import argparse
import os
import select
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from daemon import DaemonContext

from bmuid.cli.telling import complain, now
from bmuid.config import DEFAULT_PATH, Config, ConfigError, load
from bmuid.daemon.parts import EVERY_PART
from bmuid.daemon.readiness import StartError, check_database, gate_of

READY = b"+"
# Of the Linux Standard Base, for status.
DEAD_WITH_PID_FILE = 1
NOT_RUNNING = 3
# Beyond the daemon's own limit: until its workers are gone and its pools are closed.
GRACE_SECONDS = 10


def main(argv: Sequence[str]) -> int:
    """Do what the first word says; give the exit status."""
    word, *rest = argv
    parser = argparse.ArgumentParser(prog=f"bmuid {word}", description=__doc__)
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, help="the configuration file")
    arguments = parser.parse_args(rest)
    try:
        config = load(arguments.config)
        return WORDS[word](config)
    except ConfigError as error:
        return complain("bmuid", error.faults, os.EX_CONFIG)
    except StartError as error:
        return complain("bmuid", error.faults, error.status)


class PidFile:
    """The file that holds the process id of the daemon for as long as that runs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        # Entered by python-daemon after its forks: the number is the daemon's own.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)


def running(pid_file: Path) -> int | None:
    """Give the process id of the daemon; None when it is not running, whatever the file says."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    # After a crash the number may have gone to somebody else.
    return pid if b"bmuid" in command else None


def start(config: Config) -> int:
    """Start in the background; return once it serves, or tell why it can't."""
    if running(config.process.pid_file) is not None:
        print("bmuid runs already")
        return os.EX_OK
    if config.log.file is None:
        raise StartError(
            os.EX_CONFIG,
            ("log.file: must name a file: in the background there is no other place",),
        )
    gate_of(config, now())
    check_database(config, EVERY_PART)
    config.process.pid_file.unlink(missing_ok=True)
    heard, told = os.pipe()
    if os.fork() == 0:
        os.close(heard)
        _serve(config, told)
    os.close(told)
    with os.fdopen(heard, "rb") as pipe:
        said = pipe.read()
    if said == READY:
        return os.EX_OK
    status, _, text = said.decode().partition(" ")
    return complain("bmuid", text.splitlines() or ["ended at once; see its log"], int(status or 1))


def stop(config: Config) -> int:
    """Tell the daemon to stop, and wait; kill it when it takes longer than it may."""
    pid = running(config.process.pid_file)
    if pid is None:
        config.process.pid_file.unlink(missing_ok=True)
        print("bmuid is not running")
        return os.EX_OK
    ended = os.pidfd_open(pid)
    signal.pidfd_send_signal(ended, signal.SIGTERM)
    seconds = config.process.stop_seconds_max + GRACE_SECONDS
    if not select.select([ended], [], [], seconds)[0]:
        signal.pidfd_send_signal(ended, signal.SIGKILL)
        select.select([ended], [], [])
        complain("bmuid", [f"did not stop within {seconds} seconds; was killed"], 1)
    config.process.pid_file.unlink(missing_ok=True)
    return os.EX_OK


def restart(config: Config) -> int:
    """Stop and start; a fault that would keep it from starting leaves the old one running."""
    gate_of(config, now())
    check_database(config, EVERY_PART)
    stop(config)
    return start(config)


def status(config: Config) -> int:
    """Tell whether the daemon runs, in words and as the Linux Standard Base says it."""
    pid = running(config.process.pid_file)
    if pid is not None:
        print(f"bmuid is running, process {pid}")
        return os.EX_OK
    if config.process.pid_file.exists():
        print(f"bmuid is dead; {config.process.pid_file} is left over")
        return DEAD_WITH_PID_FILE
    print("bmuid is not running")
    return NOT_RUNNING


def reload(config: Config) -> int:
    """Have the daemon read its configuration anew; it was checked just now."""
    gate_of(config, now())
    pid = running(config.process.pid_file)
    if pid is None:
        return complain("bmuid", ["is not running"], NOT_RUNNING)
    os.kill(pid, signal.SIGHUP)
    return os.EX_OK


def _serve(config: Config, told: int) -> NoReturn:
    assert config.log.file is not None, "start has looked"
    with config.log.file.open("ab") as output:
        context = DaemonContext(
            pidfile=PidFile(config.process.pid_file),
            umask=0o027,
            files_preserve=[told],
            stdout=output,
            stderr=output,
        )
        try:
            context.open()
        except FileExistsError:
            _tell(told, f"{os.EX_TEMPFAIL} another start is under way: {config.process.pid_file}")
            sys.exit(os.EX_TEMPFAIL)
    # Not before: the reactor's descriptors don't live through the forks.
    from bmuid.daemon.main import run  # noqa: PLC0415

    try:
        code = run(config, EVERY_PART, told_ready=lambda: _tell(told, READY.decode()))
    except StartError as error:
        _tell(told, f"{error.status} {error}")
        code = error.status
    context.close()
    sys.exit(code)


def _tell(told: int, text: str) -> None:
    os.write(told, text.encode())
    os.close(told)


WORDS = {"start": start, "stop": stop, "restart": restart, "status": status, "reload": reload}
