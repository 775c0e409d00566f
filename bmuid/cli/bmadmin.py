"""The command `bmadmin`: the staff's face of the operations."""

import argparse
import base64
import getpass
import json
import os
import secrets
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bmu.wire import Answer, Request
from bmuid.cli.asking import DaemonAwayError, SocketClosedToUsError, ask
from bmuid.cli.completion import script
from bmuid.cli.showing import lines
from bmuid.cli.telling import complain
from bmuid.cli.words import DEFAULT_SOCKET, DRY_VERB, Verb, nouns, parser, silent_verb, verbs
from bmuid.operations.registry import ArgumentForm, Operation, Refused, forms, read_arguments
from bmuid.operations.table import OPERATIONS

STATUSES = {
    "NOT_PERMITTED": os.EX_NOPERM,
    "BUSY": os.EX_TEMPFAIL,
    "UNAVAILABLE": os.EX_TEMPFAIL,
    "BAD_ARGUMENT": 2,
    "UNKNOWN_OPERATION": 2,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Ask the one thing the command line says; give the exit status."""
    commands = verbs(OPERATIONS)
    parsed = parser(commands)
    said = parsed.parse_args(argv)
    if said.version:
        print(f"bmadmin {version('bmuid')}")
        return os.EX_OK
    if said.noun == "completion":
        print(script(said.verb, commands), end="")
        return os.EX_OK
    command = _command(commands, said)
    if command is None:
        parsed.print_usage(sys.stderr)
        wanted = "say a noun and a verb; bmadmin --help lists them"
        if said.noun:
            wanted = f"say what: {', '.join(sorted(nouns(commands)[said.noun]))}; `bmadmin {said.noun} VERB --help` tells more"
        return complain("bmadmin", [wanted], 2)
    return _guarded(command.operation, said)


def _guarded(operation: Operation, said: argparse.Namespace) -> int:
    try:
        return _perform(operation, said)
    except DaemonAwayError as error:
        return complain("bmadmin", [str(error)], os.EX_UNAVAILABLE)
    except SocketClosedToUsError as error:
        return complain("bmadmin", [str(error)], os.EX_NOPERM)
    except BrokenPipeError:
        # The daemon has answered; whoever read the output (head, less) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return os.EX_OK
    except (OSError, UnicodeDecodeError) as error:
        return complain("bmadmin", [str(error)], os.EX_NOINPUT)


def _command(commands: Sequence[Verb], said: argparse.Namespace) -> Verb | None:
    of_noun = nouns(commands).get(said.noun or "", {})
    wanted = DRY_VERB if getattr(said, "dry_run", False) else getattr(said, "verb", None)
    if wanted is not None:
        return of_noun.get(wanted)
    return silent_verb(of_noun)


def _perform(operation: Operation, said: argparse.Namespace) -> int:
    texts = _texts(operation, said)
    wrong = read_arguments(operation, texts)
    if isinstance(wrong, Refused):
        return complain("bmadmin", [wrong.text], 2)
    if operation.keyed:
        texts["key"] = getattr(said, "value_key", None) or secrets.token_hex(16)
    request = Request(secrets.token_hex(8), operation.name, texts)
    socket = getattr(said, "socket", DEFAULT_SOCKET)
    try:
        answer = ask(socket, request)
    except DaemonAwayError as error:
        if operation.keyed:
            raise DaemonAwayError(
                f"{error}; asked again with --key {texts['key']} it is not done twice"
            ) from error
        raise
    as_json = getattr(said, "json", False)
    while not as_json and (after := _written(answer)) is not None:
        if not after:
            return os.EX_OK
        answer = ask(socket, Request(request.id, operation.name, {**texts, "after": after}))
    status = _show(operation, answer, as_json=as_json)
    # Here, where it is noticed that nobody reads it.
    sys.stdout.flush()
    return status


def _written(answer: Answer) -> str | None:
    """Write a part of a file as it is; give where the next part starts, empty: it was the last. None: it is no such part."""
    document = json.loads(answer.body)
    if not answer.done or document.get("octets") is None:
        return None
    sys.stdout.buffer.write(base64.b64decode(document["octets"]))
    sys.stdout.flush()
    left_out = ", ".join(map(str, document["left_out"]))
    if left_out:
        complain(
            "bmadmin",
            [f"lines left out, since only their beginning is kept: {left_out}"],
            os.EX_OK,
        )
    return "" if document["after"] is None else str(document["after"])


def _texts(operation: Operation, said: argparse.Namespace) -> dict[str, str]:
    texts = {}
    for form in forms(operation):
        value = getattr(said, f"value_{form.name}", None)
        if value is None and form.secret and form.required and sys.stdin.isatty():
            texts[form.name] = getpass.getpass(f"{form.summary}: ")
        elif value is not None:
            texts[form.name] = _read(form, value)
    return texts


def _read(form: ArgumentForm, value: str) -> str:
    if not (form.from_file or form.secret):
        return value
    path = Path(value)
    if form.from_file and value != "-" and path.is_dir():
        # The parts of a directory, each by its name.
        files = [one for one in sorted(path.iterdir()) if one.suffix in (".toml", ".csv")]
        return json.dumps({one.name: one.read_text(encoding="utf-8") for one in files})
    text = sys.stdin.read() if value == "-" else path.read_text(encoding="utf-8")
    # A password's file ends in a line feed that is not part of it.
    return text.removesuffix("\n") if form.secret else text


def _show(operation: Operation, answer: Answer, *, as_json: bool) -> int:
    document = json.loads(answer.body)
    document.pop("octets", None)
    if as_json:
        print(answer.body.decode("utf-8"))
    elif answer.done and document.keys() == {"document"}:
        sys.stdout.write(document["document"])
    elif answer.done:
        for line in lines(document, for_people=sys.stdout.isatty()):
            print(line)
    if answer.done:
        wrong = document.get(operation.faults)
        count = len(wrong or ())
        said = [f"{count} {'thing is' if count == 1 else 'things are'} wrong"] if wrong else []
        return complain("bmadmin", said, 1 if wrong else os.EX_OK)
    status = STATUSES.get(document["code"], 1)
    return (
        status
        if as_json
        else complain("bmadmin", [f"{document['text']} ({document['code']})"], status)
    )
