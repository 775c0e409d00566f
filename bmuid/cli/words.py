"""The staff's command line, drawn from the table of operations: operation noun_verb is `bmadmin noun verb`."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bmuid.operations.grammar import YES, Choice, Day, Grammar, Integer
from bmuid.operations.registry import ArgumentForm, Door, Operation, forms

DEFAULT_SOCKET = Path("/run/bmuid/admin.sock")
# A noun alone means the first of these that it has.
SILENT_VERBS = ("list", "show")
# What --dry-run makes of "load".
DRY_VERB = "check"

EXIT_STATUSES = """\
exit status:
  0   done
  1   refused, or what was looked at is wrong; the reason is on standard error
  2   the command line is wrong
  66  a file to read is missing
  69  the daemon can't be reached
  75  the daemon is busy or the database away; try again
  77  your user may not do this
"""


@dataclass(frozen=True, slots=True)
class Verb:
    """One command: what is typed, and the operation it asks for."""

    noun: str
    verb: str
    operation: Operation


def verbs(operations: Iterable[Operation]) -> tuple[Verb, ...]:
    """Give the commands of the admin door, by noun and verb."""
    found = []
    for operation in operations:
        if Door.ADMIN in operation.doors:
            noun, _, verb = operation.name.rpartition("_")
            found.append(Verb(noun.replace("_", "-"), verb, operation))
    return tuple(sorted(found, key=lambda one: (one.noun, one.verb)))


def nouns(commands: Iterable[Verb]) -> Mapping[str, Mapping[str, Verb]]:
    """Give for each noun its verbs."""
    found: dict[str, dict[str, Verb]] = {}
    for command in commands:
        found.setdefault(command.noun, {})[command.verb] = command
    return found


def flag(form: ArgumentForm) -> str:
    """Give the option of an argument; a secret is read from a file, never typed where others can see it."""
    return "--" + form.name.replace("_", "-") + ("-file" if form.secret else "")


def is_positional(form: ArgumentForm) -> bool:
    """Tell whether an argument is typed by its place."""
    return form.required and not form.secret


class _Strict(argparse.ArgumentParser):
    """A parser that tells of what it does not know itself, with its own usage, whoever asked it."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse; what is left over is a fault. Nobody gives a namespace of another kind."""
        known, left = super().parse_known_args(args, namespace)
        if left:
            self.error(f"not known here: {' '.join(left)}")
        return known, left


def parser(commands: Iterable[Verb]) -> argparse.ArgumentParser:
    """Give the parser: `noun`, `verb`, and `value_NAME` for each argument, in its namespace."""
    general = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    general.add_argument("--socket", type=Path, help=f"of the daemon (default {DEFAULT_SOCKET})")
    general.add_argument("--json", action="store_true", help="print the answer as JSON")
    top: argparse.ArgumentParser = _Strict(
        prog="bmadmin",
        description="Asks the running bmuid, through its admin socket, as the user you are.",
        epilog=f"`bmadmin NOUN --help` tells the verbs of a noun.\n\n{EXIT_STATUSES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[general],
    )
    top.add_argument("--version", action="store_true", help="tell the version")
    of_nouns = top.add_subparsers(dest="noun", metavar="NOUN")
    for noun, of_noun in nouns(commands).items():
        summaries = "; ".join(f"{verb}: {one.operation.summary}" for verb, one in of_noun.items())
        named = of_nouns.add_parser(
            noun, help=", ".join(of_noun), description=summaries, parents=[general]
        )
        silent = silent_verb(of_noun)
        if silent is not None:
            _add_options(named, silent.operation)
        of_verbs = named.add_subparsers(dest="verb", metavar="VERB")
        for verb, one in of_noun.items():
            added = _add_verb(of_verbs, verb, one.operation, general)
            if verb == "load" and DRY_VERB in of_noun:
                about = f"say what it would change, and change nothing: as `{noun} {DRY_VERB}`"
                added.add_argument("--dry-run", action="store_true", help=about)
    completion = of_nouns.add_parser("completion", help="print a completion script for your shell")
    completion.add_argument("verb", choices=["bash", "zsh"])
    return top


def _add_verb(
    of_verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    verb: str,
    operation: Operation,
    general: argparse.ArgumentParser,
) -> argparse.ArgumentParser:
    added = of_verbs.add_parser(
        verb,
        help=operation.summary,
        description=operation.summary,
        epilog=f"example:\n  {example(operation)}\n\n{EXIT_STATUSES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[general],
    )
    _add_options(added, operation)
    if operation.keyed:
        about = "a name for this request: asked again with it, nothing is done twice"
        added.add_argument("--key", dest="value_key", metavar="KEY", help=about)
    return added


def _add_options(added: argparse.ArgumentParser, operation: Operation) -> None:
    for form in forms(operation):
        about = f"{form.summary}: {form.grammar.described}".replace("%", "%%")
        shown = "FILE" if form.from_file or form.secret else form.name.upper()
        if form.from_file:
            about += "; read from FILE, or from standard input with -"
        named = f"value_{form.name}"
        if is_positional(form):
            added.add_argument(named, metavar=shown, help=about)
        elif form.grammar == YES:
            added.add_argument(
                flag(form),
                dest=named,
                metavar=shown,
                help=about,
                nargs="?",
                const="yes",
                default=argparse.SUPPRESS,
            )
        else:
            # Left out where the verb is: what the noun was told stands.
            added.add_argument(
                flag(form), dest=named, metavar=shown, help=about, default=argparse.SUPPRESS
            )


def silent_verb(of_noun: Mapping[str, Verb]) -> Verb | None:
    """Give what a noun alone means; None: it must be told."""
    silent = [of_noun[verb] for verb in SILENT_VERBS if verb in of_noun]
    return next(
        (one for one in silent if not any(form.required for form in forms(one.operation))), None
    )


def example(operation: Operation) -> str:
    """Give a command line for *operation*, as one would type it."""
    noun, _, verb = operation.name.rpartition("_")
    words = ["bmadmin", noun.replace("_", "-"), verb]
    words += [_sample(form) for form in forms(operation) if is_positional(form)]
    return " ".join(words)


def _sample(form: ArgumentForm) -> str:
    return f"{form.name}.toml" if form.from_file else _value(form.grammar, form.name)


def _value(grammar: Grammar, name: str) -> str:
    match grammar:
        case Day():
            return "2026-08-31"
        case Choice():
            return grammar.words[0]
        case Integer():
            return str(grammar.smallest)
        case _:
            return name.upper()
