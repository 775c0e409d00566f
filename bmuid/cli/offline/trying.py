"""A profile tried on a file: its lines made, and what became of each written for people or programs."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple, TextIO

from bmu.mediation import Profile, Reason, Reject, SourceSettings, Totals
from bmu.mediation.headed import has_heading, head_of
from bmu.mediation.parts import split_lines
from bmu.mediation.trial import Trial, Tried
from bmu.period import from_us
from bmu.usage import UDR
from bmuid.intake.lines import lines_in

SHOWN_CHARACTERS_MAX = 80


class Written(NamedTuple):
    """Where it is written, and how."""

    file: TextIO
    is_json: bool

    def line(self, value: object) -> None:
        """Write a line of text, or an object as one."""
        text = json.dumps(value, ensure_ascii=False) if self.is_json else value
        self.file.write(f"{text}\n")


def try_file(
    profile: Profile, source: SourceSettings, blocks: Iterable[bytes], most: int, to: Written
) -> int:
    """
    Try a profile on a file; give how many lines were rejected that no filter is for.

    Errors:
        ValueError: the file can't be decoded, or the source's time zone does not exist.
    """
    rest = _decoded(profile, blocks)
    head = [*islice(rest, head_of(profile))]
    header = head[-1] if head and has_heading(profile) else b""
    lines: Iterator[bytes] = chain(head, rest)
    totals = Totals(profile, header) if profile.trailer is not None else None
    if totals is not None:
        lines = _counted(lines, totals)
    if profile.splitting:
        lines = split_lines(profile, lines)
    trial = Trial(profile, source, header)
    counts: Counter[str] = Counter()
    for line_no, line in enumerate(islice(lines, most), 1):
        tried = trial.line(line_no, line)
        counts[_verdict(tried)] += 1
        if to.is_json:
            to.line(_object(tried))
        else:
            _show(tried, to)
    is_whole = next(lines, None) is None
    faults = totals.faults() if totals is not None and is_whole else ()
    _sum_up(counts, faults, to)
    return (
        sum(counts.values())
        - counts["UDR"]
        - counts["FILTERED"]
        - counts["DUPLICATE"]
        + len(faults)
    )


def _decoded(profile: Profile, blocks: Iterable[bytes]) -> Iterator[bytes]:
    if profile.decoding is None:
        return lines_in(blocks)
    # NetFlow is read by a library that a host without the daemon may lack.
    from bmuid.intake.decoding import decode  # noqa: PLC0415

    return decode(profile.decoding, blocks)


def _counted(lines: Iterable[bytes], totals: Totals) -> Iterator[bytes]:
    for line_no, line in enumerate(lines, 1):
        totals.add(line_no, line)
        yield line


def _verdict(tried: Tried) -> str:
    if isinstance(tried.outcome, Reject):
        return tried.outcome.reason.value
    if tried.same_as is None:
        return "UDR"
    return "CONFLICT" if tried.conflicts else "DUPLICATE"


def _object(tried: Tried) -> dict[str, object]:
    found: dict[str, object] = {"line": tried.line_no, "verdict": _verdict(tried)}
    found["row"] = tried.fields
    found["derived"] = dict(tried.derived)
    if tried.type is not None:
        found["type"] = tried.type
    if isinstance(tried.outcome, Reject):
        return found | {"detail": tried.outcome.detail}
    if tried.same_as is not None:
        found["same_as"] = tried.same_as
    return found | {"udr": _udr(tried.outcome)}


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


def _show(tried: Tried, to: Written) -> None:
    """Write a stage a line, each under the one before it."""
    to.line(f"line {tried.line_no}")
    if tried.fields:
        to.line(
            "  row      "
            + "  ".join(f"{name}={_short(text)}" for name, text in tried.fields.items())
        )
    for name, text in tried.derived:
        to.line(f"  derived  {name} = {_short(text)}")
    if tried.type is not None:
        to.line(f"  type     {tried.type}")
    outcome = tried.outcome
    if isinstance(outcome, Reject):
        word = "filtered" if outcome.reason is Reason.FILTERED else "REJECTED"
        to.line(f"  {word} {outcome.reason.value}: {outcome.detail}")
        return
    kept = "".join(f"  {name}={_short(text)}" for name, text in (outcome.extras or {}).items())
    to.line(
        f"  usage    {outcome.uid_type} {outcome.uid}  {outcome.usage_class}  {_instant(outcome.started_us)}"
        f"  {outcome.quantity}  {outcome.origin or '-'} -> {outcome.destination or '-'}{kept}"
    )
    if tried.same_as is not None:
        word = "CONFLICT" if tried.conflicts else "duplicate"
        to.line(f"  {word}: the same event as line {tried.same_as}")


def _short(text: str) -> str:
    plain = text if text.isprintable() else ascii(text)
    return plain if len(plain) <= SHOWN_CHARACTERS_MAX else f"{plain[:SHOWN_CHARACTERS_MAX]}..."


def _sum_up(counts: Counter[str], faults: Iterable[str], to: Written) -> None:
    if to.is_json:
        to.line({"lines": counts.total(), "verdicts": dict(counts), "trailer": [*faults]})
        return
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    to.line(f"{counts.total()} lines: {said or 'nothing in it'}")
    for fault in faults:
        to.line(f"the file would be held: {fault}")
