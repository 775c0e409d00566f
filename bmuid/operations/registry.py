"""The registry's shape: what an operation declares, and the one way to perform it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast

from bmuid.config import Secrets
from bmuid.intake.events import Event
from bmuid.operations.grammar import ArgumentError, Grammar
from bmuid.realtime.counter import Counter
from bmuid.store.transaction import Transaction

T = TypeVar("T")


class Door(Enum):
    """Where a request may come in."""

    PUBLIC = "PUBLIC"
    ADMIN = "ADMIN"
    USAGE = "USAGE"


class Role(Enum):
    """What an actor may be: a visitor has no session yet; a source tells of usage; the last three are staff."""

    SOURCE = "SOURCE"
    VISITOR = "VISITOR"
    CUSTOMER = "CUSTOMER"
    AUDITOR = "AUDITOR"
    CLERK = "CLERK"
    ADMIN = "ADMIN"


class DatabaseRole(Enum):
    """The database role whose rights an operation runs with; value = its name there."""

    PUBLIC = "bmuid_public"
    AUTH = "bmuid_auth"
    ADMIN = "bmuid_admin"
    ENGINE = "bmuid"


class Audit(Enum):
    """Whether performing leaves an audit row; a denied attempt always does."""

    NONE = "NONE"
    CHANGE = "CHANGE"


class RateClass(Enum):
    """Which limit on requests counts an operation."""

    LOGIN = "LOGIN"
    READ = "READ"
    CHANGE = "CHANGE"


@dataclass(frozen=True, slots=True)
class Actor:
    """
    Who asks, and by what means.

    Shapes:
        name: for the audit; roles: what the door, or the live session, gave.
        token: of the live session; None: there is none.
        counter: where its events are rated; None: what is needed for one is looked up.
    """

    name: str
    door: Door
    roles: frozenset[Role]
    request_id: str
    secrets: Secrets = field(repr=False)
    token: str | None = field(default=None, repr=False)
    counter: Counter | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer no: a code of the registry and a sentence that says what to do."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One operation: one function, one transaction, one row of the registry.

    Shapes:
        arguments: a frozen dataclass whose fields are made with argument().
        result: the frozen dataclass that run gives, unless it gives Refused.
        keyed: a request may bring a key; asked again with it, it is answered as the first time.
        run: f(txn, actor, arguments, now); safe to run again as a whole. It decides, then writes: what
            it has written stays also when it refuses.
        run_all: likewise for many that wait: f(txn, actors and their arguments, now) gives a result for each.
        event_of: gives the one event of a source that its arguments tell of, which it rates and charges.
        faults: the field of its result that lists what is wrong; whoever asked is to hear of it loudly.
    """

    name: str
    summary: str
    arguments: type
    result: type
    doors: frozenset[Door]
    roles: frozenset[Role]
    database_role: DatabaseRole
    run: Callable[[Transaction, Actor, Any, datetime], object]
    rate_class: RateClass = RateClass.READ
    audit: Audit = Audit.NONE
    keyed: bool = False
    fresh: bool = False
    run_all: (
        Callable[[Transaction, Sequence[tuple[Actor, Any]], datetime], Sequence[object]] | None
    ) = None
    event_of: Callable[[Any], Event] | None = None
    faults: str = ""


@dataclass(frozen=True, slots=True)
class ArgumentForm:
    """What a door or a help text needs to know of one argument; field: of its dataclass."""

    field: str
    name: str
    grammar: Grammar
    summary: str
    required: bool
    secret: bool
    from_file: bool


def argument(
    grammar: Grammar,
    summary: str,
    *,
    optional: bool = False,
    secret: bool = False,
    from_file: bool = False,
) -> Any:
    """
    Declare one field of an arguments dataclass.

    An optional one that is not given is None. A secret is never logged or audited. With from_file
    the command line takes a path and sends the file's text.
    """
    metadata = {
        "grammar": grammar,
        "summary": summary,
        "secret": secret,
        "from_file": from_file,
    }
    return field(default=None, metadata=metadata) if optional else field(metadata=metadata)


def forms(operation: Operation) -> tuple[ArgumentForm, ...]:
    """Give the arguments of *operation*, in their order. A field `from_` is called "from" outside."""
    return _forms(operation.arguments)


@cache
def _forms(arguments: Any) -> tuple[ArgumentForm, ...]:
    return tuple(
        ArgumentForm(
            field=f.name,
            name=f.name.removesuffix("_"),
            grammar=cast(Grammar, f.metadata["grammar"]),
            summary=f.metadata["summary"],
            required=f.default is MISSING,
            secret=f.metadata["secret"],
            from_file=f.metadata["from_file"],
        )
        for f in fields(arguments)
    )


@cache
def _names(arguments: Any) -> frozenset[str]:
    return frozenset(form.name for form in _forms(arguments))


def read_arguments(operation: Operation, texts: Mapping[str, str]) -> object | Refused:
    """Give the arguments dataclass, or Refused("BAD_ARGUMENT") naming every argument at fault."""
    faults = []
    values: dict[str, object] = {}
    known = forms(operation)
    unknown = texts.keys() - _names(operation.arguments)
    faults += [f"{name}: not an argument of {operation.name}" for name in sorted(unknown)]
    for form in known:
        text = texts.get(form.name)
        if text is not None:
            try:
                values[form.field] = form.grammar.parse(text)
            except ArgumentError as error:
                faults.append(f"{form.name}: {error}")
        elif form.required:
            faults.append(f"{form.name}: is missing ({form.grammar.described})")
    if faults:
        return Refused("BAD_ARGUMENT", "; ".join(faults))
    return cast(object, operation.arguments(**values))
