"""The command `bmuid demo`: try bmuid, with nothing installed but itself and PostgreSQL's programs."""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from bmuid import cluster as clusters
from bmuid.cli.telling import now
from bmuid.cluster import ClusterError
from bmuid.demo import examples, feed, places, prepare
from bmuid.demo.asking import Staff
from bmuid.demo.children import Children, end, end_leftover
from bmuid.demo.examples import Examples
from bmuid.demo.hints import hints
from bmuid.demo.places import DemoError, Places
from bmuid.demo.prepare import Ports
from bmuid.demo.telling import Teller
from bmuid.pki import PKIError
from bmuid.store.schema import SchemaError, UnreachableError
from bmuid.store.transaction import DatabaseError

DOOR_PORT = 5023
PORT_MAX = 65535
PORTAL_PORT = 8443
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EPILOG = """\
Everything lies in the directory: certificates, a PostgreSQL server of its own, the spool, logs. Ctrl-C stops all
that was started; the next start takes seconds, and changes nothing that is there. --clean removes it again.
"""


class ToldToStopError(Exception):
    """Raised in the main thread when a signal says that it is time."""


def main(argv: Sequence[str]) -> int:
    """Run the demo until told to stop, or remove it; give the exit status."""
    arguments = _parser().parse_args(argv)
    found = places.places_of(arguments.directory)
    try:
        if arguments.clean:
            return clean(found)
        return run(found, examples.read(arguments.examples), arguments.port)
    except (DemoError, ClusterError, SchemaError, UnreachableError, PKIError) as error:
        sys.stderr.write(f"bmuid demo: {error}\n")
    except (OSError, DatabaseError) as error:
        sys.stderr.write(f"bmuid demo: {' '.join(str(error).split())}\n")
    except ToldToStopError:
        return os.EX_OK
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bmuid demo",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--directory", type=Path, default=Path(".demo"), help="where it lives (.demo)"
    )
    parser.add_argument(
        "--port", type=_port, default=PORTAL_PORT, help="of the portal, if it is free"
    )
    parser.add_argument("--examples", type=Path, help="the examples/ of a checkout")
    parser.add_argument("--clean", action="store_true", help="stop it, remove all of it")
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= PORT_MAX:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no port; give a number from 1 to {PORT_MAX}"
        )
    return int(text)


def clean(found: Places) -> int:
    """Stop the demo of these places, whoever runs it, and remove it."""
    if not (found.root / places.MARK).exists():
        if found.root.exists():
            raise DemoError(f"{found.root} is not a demo; nothing was removed")
        return os.EX_OK
    held = places.lock(found)
    if held is None:
        with contextlib.suppress(ProcessLookupError):
            end(int(found.pid_file("demo").read_text(encoding="ascii")))
        held = places.lock(found)
    if held is None:
        raise DemoError(f"another process begins a demo in {found.root}; nothing was removed")
    for name in ("webhost", "bmuid"):
        end_leftover(found, name)
    if (found.database / "data" / "PG_VERSION").exists():
        clusters.stop(clusters.create(found.database))
    places.remove(found)
    return os.EX_OK


def run(found: Places, given: Examples, port: int) -> int:
    """Make what is missing, start everything, serve until told to stop."""
    places.make(found)
    held = places.lock(found)
    if held is None:
        pid = found.pid_file("demo").read_text(encoding="ascii").strip()
        raise DemoError(f"a demo runs in {found.root} already, as process {pid}")
    teller = Teller()
    teller.line(f"bmuid demo in {places.short(found.root)}\n")
    with _heeding_signals():
        _serve(found, given, port, teller)
    os.close(held)
    return os.EX_OK


@contextlib.contextmanager
def _heeding_signals() -> Iterator[None]:
    def told(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal calls it
        # The end is orderly once; a second signal must not break it off.
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise ToldToStopError

    for number in SIGNALS:
        signal.signal(number, told)
    yield


def _serve(found: Places, given: Examples, port: int, teller: Teller) -> None:
    children = Children(found)
    try:
        for name in ("webhost", "bmuid"):
            end_leftover(found, name)
        ports = Ports(places.free_port(DOOR_PORT), places.free_port(port))
        _start(found, given, ports, teller, children)
        teller.line(hints(found, given, ports))
        children.pause()
    finally:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        teller.line()
        teller.step("stopping", "the portal, bmuid, PostgreSQL")
        children.stop()
        if (found.database / "data" / "PG_VERSION").exists():
            clusters.stop(clusters.create(found.database))


def _start(
    found: Places, given: Examples, ports: Ports, teller: Teller, children: Children
) -> None:
    prepare.certificates(found, now())
    prepare.keys(found)
    prepare.configuration(found, ports, given.company)
    teller.step("certificates", f"in {places.short(found.root / 'pki')}")
    prepare.database(found)
    teller.step("PostgreSQL", f"a server of its own in {places.short(found.database)}")
    children.start("bmuid", "run", "--config", str(found.conf))
    teller.step("bmuid", f"public door on 127.0.0.1:{ports.door}, TLS 1.3 with certificates")
    staff = Staff(found.admin_socket)
    feed.load(given, staff, teller)
    feed.rate(found, given, staff, children, teller)
    feed.bill(found, staff, children, teller)
    children.start("webhost", "webhost", "--config", str(found.webhost_conf))
    teller.step("portal", f"https://localhost:{ports.portal}/")
