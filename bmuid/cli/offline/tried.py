"""What became of a line or a session when a profile was tried, written for people or programs."""

import json
from dataclasses import dataclass
from typing import TextIO

from bmu.mediation import Reason, Reject
from bmu.mediation.partial import Row
from bmu.mediation.session import Emission, Why
from bmu.mediation.session_trial import TriedRecord, TriedUsage
from bmu.mediation.trial import Tried
from bmu.period import from_us
from bmu.usage import UDR

SHOWN_CHARACTERS_MAX = 80


@dataclass(frozen=True, slots=True)
class Written:
    """Where it is written, and how."""

    file: TextIO
    is_json: bool

    def line(self, value: object) -> None:
        """Write a line of text, or an object as one."""
        text = json.dumps(value, ensure_ascii=False) if self.is_json else value
        self.file.write(f"{text}\n")

    def row(self, tried: Tried) -> None:
        """Write what became of a line that is a row of usage."""
        if self.is_json:
            self.line({"line": tried.line_no, **_object(tried)})
            return
        self.line(f"line {tried.line_no}")
        self._stages(tried)

    def record(self, tried: TriedRecord) -> None:
        """Write what became of a line that is a record of a session."""
        if self.is_json:
            self.line(_record(tried))
            return
        self.line(f"line {tried.line_no}")
        self._fields(tried.fields)
        if isinstance(tried.outcome, Reject):
            self._reject(tried.outcome)
            return
        self.line(f"  session  {_short(tried.outcome.name)}")
        self.line(f"  record   {_of_record(tried.outcome)}")
        self._same(tried.same_as, "record", conflicts=tried.conflicts)

    def usage(self, tried: TriedUsage) -> None:
        """Write what a session came to."""
        if self.is_json:
            self.line(_usage(tried))
            return
        self.line(
            f"session {_short(tried.session)}: usage {tried.of.number}, {_of_session(tried.of)}"
        )
        if tried.usage is not None:
            self._stages(tried.usage)

    def _stages(self, tried: Tried) -> None:
        """Write a stage a line, each under the one before it."""
        self._fields(tried.fields)
        for name, text in tried.derived:
            self.line(f"  derived  {name} = {_short(text)}")
        if tried.type is not None:
            self.line(f"  type     {tried.type}")
        outcome = tried.outcome
        if isinstance(outcome, Reject):
            self._reject(outcome)
            return
        kept = "".join(f"  {name}={_short(text)}" for name, text in (outcome.extras or {}).items())
        self.line(
            f"  usage    {outcome.uid_type} {outcome.uid}  {outcome.usage_class}  {_instant(outcome.started_us)}"
            f"  {outcome.quantity}  {outcome.origin or '-'} -> {outcome.destination or '-'}{kept}"
        )
        self._same(tried.same_as, "event", conflicts=tried.conflicts)

    def _fields(self, fields: dict[str, str]) -> None:
        if fields:
            told = "  ".join(f"{name}={_short(text)}" for name, text in fields.items())
            self.line(f"  row      {told}")

    def _reject(self, reject: Reject) -> None:
        word = "filtered" if reject.reason is Reason.FILTERED else "REJECTED"
        self.line(f"  {word} {reject.reason.value}: {reject.detail}")

    def _same(self, same_as: int | None, what: str, *, conflicts: bool) -> None:
        if same_as is not None:
            word = "CONFLICT" if conflicts else "duplicate"
            self.line(f"  {word}: the same {what} as line {same_as}")


def verdict(tried: Tried | TriedRecord) -> str:
    """Give the word for what became of a line."""
    if isinstance(tried.outcome, Reject):
        return tried.outcome.reason.value
    if tried.same_as is None:
        return "UDR" if isinstance(tried, Tried) else "RECORD"
    return "CONFLICT" if tried.conflicts else "DUPLICATE"


def _object(tried: Tried) -> dict[str, object]:
    found: dict[str, object] = {"verdict": verdict(tried)}
    found["row"] = tried.fields
    found["derived"] = dict(tried.derived)
    if tried.type is not None:
        found["type"] = tried.type
    if isinstance(tried.outcome, Reject):
        return found | {"detail": tried.outcome.detail}
    if tried.same_as is not None:
        found["same_as"] = tried.same_as
    return found | {"udr": _udr(tried.outcome)}


def _record(tried: TriedRecord) -> dict[str, object]:
    found: dict[str, object] = {"line": tried.line_no, "verdict": verdict(tried)}
    found["row"] = tried.fields
    if isinstance(tried.outcome, Reject):
        return found | {"detail": tried.outcome.detail}
    if tried.same_as is not None:
        found["same_as"] = tried.same_as
    row = tried.outcome
    at = {} if row.at_us is None else {"at": _instant(row.at_us)}
    return found | {
        "session": row.name,
        "kind": row.kind.value,
        **at,
        "figures": dict(row.figures),
    }


def _usage(tried: TriedUsage) -> dict[str, object]:
    of = tried.of
    found: dict[str, object] = {
        "session": tried.session,
        "number": of.number,
        "why": of.why.value,
        "records": of.rows,
        "missing": of.missing,
    }
    return found if tried.usage is None else found | _object(tried.usage)


def _of_record(row: Row) -> str:
    at = "" if row.at_us is None else f"  {_instant(row.at_us)}"
    return f"{row.kind.value}{at}" + "".join(
        f"  {name}={figure}" for name, figure in row.figures.items()
    )


def _of_session(of: Emission) -> str:
    why = of.why.value
    if of.why is Why.TIMED_OUT:
        why += " (it is open yet: this is what it comes to if nothing more comes)"
    missing = f", missing: {of.missing}" if of.missing else ""
    only = "" if of.fields is not None else ", nothing new to charge"
    return f"{why}, of {of.rows} records{missing}{only}"


def _udr(udr: UDR) -> dict[str, object]:
    return {
        "uid_type": udr.uid_type,
        "uid": udr.uid,
        "class": udr.usage_class,
        "started_at": _instant(udr.started_us),
        "quantity": udr.quantity,
        "origin": udr.origin,
        "destination": udr.destination,
        "event_key": udr.event_key.hex(),
        **({"extras": dict(udr.extras)} if udr.extras else {}),
    }


def _instant(us: int) -> str:
    return from_us(us).isoformat().replace("+00:00", "Z")


def _short(text: str) -> str:
    plain = text if text.isprintable() else ascii(text)
    return plain if len(plain) <= SHOWN_CHARACTERS_MAX else f"{plain[:SHOWN_CHARACTERS_MAX]}..."
