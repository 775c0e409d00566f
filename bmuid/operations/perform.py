"""The one way to an operation: who may, with what arguments, and what stays on record."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bmu.wire import Answer
from bmuid.operations.csrf import csrf_of, is_csrf
from bmuid.operations.document import json_octets, octets_of, plain
from bmuid.operations.grammar import ArgumentError, Pattern
from bmuid.operations.registry import (
    Actor,
    Audit,
    Door,
    Operation,
    Refused,
    Role,
    forms,
    read_arguments,
)
from bmuid.store import audit, requests, sessions
from bmuid.store.transaction import Transaction

KEY = Pattern(r"[!-~]{8,128}", "8 to 128 visible ASCII characters")

UNKNOWN = Refused("UNKNOWN_OPERATION", "there is no such operation here")
NOT_PERMITTED = Refused("NOT_PERMITTED", "your roles do not include this operation")
FRESH_NEEDED = Refused("FRESH_NEEDED", "this needs a second factor, which you have not shown")
SESSION_ENDED = Refused("SESSION_ENDED", "the session has ended; please log in again")
BAD_CSRF = Refused("BAD_CSRF", "the form does not belong to this session; load the page again")
KEY_REUSED = Refused("KEY_REUSED", "the key was used for another request; choose a new one")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that waits: what is asked for, by whom, in what words."""

    operation: Operation
    actor: Actor
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be performed: by whom, with what, and under which key, if one was given."""

    actor: Actor
    texts: Mapping[str, str]
    arguments: object
    key: str | None


def refusal(request_id: str, refused: Refused) -> Answer:
    """Give the answer no."""
    return Answer(request_id, json_octets(refused), done=False)


def perform(
    txn: Transaction, operation: Operation, actor: Actor, texts: Mapping[str, str], now: datetime
) -> Answer:
    """
    Perform *operation* for *actor* in this transaction, whole, and say what came of it.

    Nobody may do what the registry does not allow them; denied attempts and changes are audited. A
    keyed request that was performed before is answered as then.
    """
    admitted = _admit(txn, operation, actor, texts)
    if isinstance(admitted, Refused):
        return refusal(actor.request_id, admitted)
    digest = _digest(admitted)
    if admitted.key is not None:
        requests.lock(txn, admitted.actor.name, admitted.key)
        before = requests.answered(txn, admitted.actor.name, admitted.key)
        if before and (before.operation, before.digest) != (operation.name, digest):
            return refusal(actor.request_id, KEY_REUSED)
        if before:
            return Answer(actor.request_id, before.result.encode(), done=True)
    result = operation.run(txn, admitted.actor, admitted.arguments, now)
    if operation.audit is Audit.CHANGE:
        _audit_change(txn, operation, admitted, result)
    if isinstance(result, Refused):
        return refusal(actor.request_id, result)
    body = _body(operation, admitted.actor, result)
    if admitted.key is not None:
        given = requests.Answered(operation.name, digest, body.decode())
        requests.add(txn, admitted.actor.name, admitted.key, given)
    return Answer(actor.request_id, body, done=True)


def perform_together(txn: Transaction, asked: Sequence[Asked], now: datetime) -> list[Answer]:
    """
    Perform requests in one transaction, those of one operation together where it can do that; none has a key.

    Shapes:
        Result: parallel to *asked*.
    """
    answers: dict[int, Answer] = {}
    together: dict[str, list[tuple[int, Admitted]]] = {}
    for place, one in enumerate(asked):
        admitted = _admit(txn, one.operation, one.actor, one.texts)
        if isinstance(admitted, Refused):
            answers[place] = refusal(one.actor.request_id, admitted)
        elif one.operation.run_all is not None:
            together.setdefault(one.operation.name, []).append((place, admitted))
        else:
            result = one.operation.run(txn, admitted.actor, admitted.arguments, now)
            answers[place] = _unaudited(one.operation, admitted.actor, result)
    for waiting in together.values():
        operation = asked[waiting[0][0]].operation
        assert operation.run_all is not None
        of_each = [(admitted.actor, admitted.arguments) for _, admitted in waiting]
        results = operation.run_all(txn, of_each, now)
        for (place, admitted), result in zip(waiting, results, strict=True):
            answers[place] = _unaudited(operation, admitted.actor, result)
    return [answers[place] for place in range(len(asked))]


def read_alone(asked: Asked) -> Admitted | None:
    """Admit a request without the database; None: it may not be performed, or that does not show without."""
    operation, actor = asked.operation, asked.actor
    if actor.door is Door.PUBLIC or actor.door not in operation.doors or operation.fresh:
        return None
    if not operation.roles & actor.roles:
        return None
    admitted = _read(operation, actor, dict(asked.texts))
    return None if isinstance(admitted, Refused) else admitted


def answer_alone(asked: Asked, result: object) -> Answer:
    """Give the answer to a request that is neither audited nor keyed."""
    return _unaudited(asked.operation, asked.actor, result)


def _unaudited(operation: Operation, actor: Actor, result: object) -> Answer:
    assert operation.audit is Audit.NONE, operation.name
    assert not operation.keyed, operation.name
    if isinstance(result, Refused):
        return refusal(actor.request_id, result)
    return Answer(actor.request_id, _body(operation, actor, result), done=True)


def _admit(
    txn: Transaction, operation: Operation, actor: Actor, texts: Mapping[str, str]
) -> Admitted | Refused:
    rest = dict(texts)
    if actor.door not in operation.doors:
        return _denied(txn, operation, actor, UNKNOWN)
    if actor.door is Door.PUBLIC and Role.CUSTOMER in operation.roles:
        token, proof = rest.pop("token", ""), rest.pop("csrf", "")
        account = sessions.enter(txn, token)
        if account is None:
            return SESSION_ENDED
        customer = frozenset({Role.CUSTOMER})
        actor = replace(actor, name=f"account {account}", roles=customer, token=token)
        if operation.audit is Audit.CHANGE and not is_csrf(actor.secrets, token, proof):
            return _denied(txn, operation, actor, BAD_CSRF)
    if not operation.roles & actor.roles:
        return _denied(txn, operation, actor, NOT_PERMITTED)
    if operation.fresh:
        return _denied(txn, operation, actor, FRESH_NEEDED)
    return _read(operation, actor, rest)


def _read(operation: Operation, actor: Actor, rest: dict[str, str]) -> Admitted | Refused:
    key = None
    if operation.keyed and "key" in rest:
        try:
            key = KEY.parse(rest.pop("key"))
        except ArgumentError as error:
            return Refused("BAD_ARGUMENT", f"key: {error}")
    arguments = read_arguments(operation, rest)
    if isinstance(arguments, Refused):
        return arguments
    return Admitted(actor, rest, arguments, key)


def _digest(admitted: Admitted) -> bytes:
    # Keyed: among the arguments may be a password, and the digest is kept.
    octets = json.dumps(admitted.texts, sort_keys=True).encode()
    return hmac.digest(admitted.actor.secrets.pepper, octets, "sha256")


def _denied(txn: Transaction, operation: Operation, actor: Actor, refused: Refused) -> Refused:
    audit.add(txn, actor, operation.name, refused.code, "", "")
    return refused


def _audit_change(
    txn: Transaction, operation: Operation, admitted: Admitted, result: object
) -> None:
    detail: dict[str, str] = {}
    for form in forms(operation):
        text = admitted.texts.get(form.name)
        if text is None or form.secret:
            continue
        digest = hashlib.sha256(text.encode()).hexdigest()
        detail[form.name] = f"{len(text)} characters, SHA-256 {digest}" if form.from_file else text
    first = next(iter(forms(operation)), None)
    concerns = "" if first is None or first.from_file else detail.get(first.name, "")
    outcome = result.code if isinstance(result, Refused) else "DONE"
    written = json.dumps(detail, ensure_ascii=False, sort_keys=True)
    audit.add(txn, admitted.actor, operation.name, outcome, concerns, written)


def _body(operation: Operation, actor: Actor, result: object) -> bytes:
    assert isinstance(result, operation.result), type(result)
    document = plain(result)
    assert isinstance(document, dict), document
    # A page needs the proof of its session for the forms it draws: after a log-in, and with all it reads.
    opened = document.get("token")
    token = opened if isinstance(opened, str) else actor.token
    reads = operation.audit is Audit.NONE
    if actor.door is Door.PUBLIC and token is not None and (reads or isinstance(opened, str)):
        document["csrf"] = csrf_of(actor.secrets, token)
    return octets_of(document)
