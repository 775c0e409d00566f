"""The command `bmuid`: each word has a module, imported only when it is said."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

COMMANDS = {
    "run": ("bmuid.cli.run", "serve in the foreground, as systemd wants it"),
    "start": ("bmuid.cli.background", "serve in the background, as init scripts want it"),
    "stop": ("bmuid.cli.background", "end what start began, in order"),
    "restart": ("bmuid.cli.background", "stop, then start"),
    "status": ("bmuid.cli.background", "tell whether what start began is running"),
    "reload": ("bmuid.cli.background", "read certificates, lists, limits and log file anew"),
    "check-config": ("bmuid.cli.check", "list every fault of the configuration"),
    "schema": ("bmuid.cli.schema", "make the database's schema, or lead an older one on"),
    "pki": ("bmuid.cli.pki", "make certificates for the public door"),
    "source-keys": (
        "bmuid.cli.source_keys",
        "the SSH keys of a source, as OpenSSH's server asks for them",
    ),
    "webhost": ("bmuid.cli.webhost", "serve the customers' pages by HTTPS without a web server"),
    "demo": ("bmuid.demo", "try it: a company, its customers, their calls and invoices"),
    "rate": ("bmuid.cli.rate", "rate a file of usage without a database"),
    "deck": ("bmuid.cli.deck", "what an operator's rate deck changes in a catalogue"),
    "profile": ("bmuid.cli.profile", "check, try or propose how files of usage are read"),
    "geotree": ("bmuid.cli.geotree", "a tree of the world's telephone numbers for a catalogue"),
    "worker": ("bmuid.cli.worker", "one worker process; bmuid run starts these"),
}
USAGE = """\
usage: bmuid COMMAND ...

commands:
{commands}

Each command tells of itself with --help. The configuration is /etc/bmuid/bmuid.conf, or --config FILE.
Exit status: 0 done, 1 failed, 2 usage, 69 database or daemon away, 70 a fault in bmuid, 73 port or socket taken,
75 try again later, 78 configuration.
"""


def usage() -> str:
    """Give the text of --help."""
    listed = "\n".join(f"  {name:<14}{about}" for name, (_, about) in COMMANDS.items())
    return USAGE.format(commands=listed)


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the first word says; give the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not __debug__:
        sys.stderr.write("bmuid: does not run under python -O: its assertions guard money\n")
        return os.EX_SOFTWARE
    match words:
        case ["--version"]:
            print(f"bmuid {version('bmuid')}")
            return os.EX_OK
        case ["-h" | "--help"]:
            print(usage(), end="")
            return os.EX_OK
        case [word, *rest] if word in COMMANDS:
            module = import_module(COMMANDS[word][0])
            said = [word, *rest] if COMMANDS[word][0] == "bmuid.cli.background" else rest
            status: int = module.main(said)
            return status
    sys.stderr.write(usage())
    return 2


if __name__ == "__main__":
    sys.exit(main())
