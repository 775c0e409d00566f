"""A profile tried on a file as intake would take it: whether it would be held, its lines, and what became of each."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from bmu.mediation import Profile, SourceSettings, Totals, UndecodableError
from bmu.mediation.headed import has_heading, head_of, heading_faults, names_faults
from bmu.mediation.parts import split_lines
from bmu.mediation.session_trial import SessionTrial
from bmu.mediation.trial import Trial
from bmuid.cli.offline.tried import Written, verdict
from bmuid.intake.lines import lines_in
from bmuid.intake.unpacking import UnpackError

# They are begun anew for each who reads them.
Octets = Callable[[], Iterable[bytes]]
HELD_TOLD_MAX = 5
_NOTHING_WRONG = ("UDR", "RECORD", "FILTERED", "DUPLICATE")


@dataclass(slots=True)
class _Found:
    """
    What a file came to.

    Shapes:
        lines, usage: how many of each verdict; *usage*: of what sessions came to, None where there are none.
        held: why intake would hold such a file.
    """

    lines: Counter[str] = field(default_factory=Counter)
    usage: Counter[str] | None = None
    held: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        both = self.lines + (self.usage or Counter())
        return bool(self.lines) and not self.held and {*both} <= {*_NOTHING_WRONG}


def try_file(
    profile: Profile, source: SourceSettings, octets: Octets, most: int, to: Written
) -> bool:
    """
    Try a profile on a file; tell whether it has lines, none was rejected that no filter is for, and it would be taken.

    Errors:
        ValueError: the source's time zone does not exist.
    """
    found = _Found()
    try:
        _try(profile, source, octets, most, to, found)
    except (UndecodableError, UnpackError) as error:
        found.held.append(str(error))
    _sum_up(found, to)
    return found.is_good


def _try(
    profile: Profile,
    source: SourceSettings,
    octets: Octets,
    most: int,
    to: Written,
    found: _Found,
) -> None:
    rest = _decoded(profile, octets())
    head = [*islice(rest, head_of(profile))]
    header = head[-1] if has_heading(profile) and len(head) == head_of(profile) else b""
    found.held += _heading_faults(profile, header, octets())
    if found.held:
        return
    lines: Iterator[bytes] = chain(head, rest)
    totals = Totals(profile, header) if profile.trailer is not None else None
    if totals is not None:
        lines = _counted(lines, totals)
    if profile.splitting:
        lines = split_lines(profile, lines)
    shown = enumerate(islice(lines, most), 1)
    if profile.aggregation is None:
        _rows(Trial(profile, source, header), shown, to, found)
    else:
        _sessions(SessionTrial(profile, profile.aggregation, source, header), shown, to, found)
    if totals is not None:
        # However few are shown, the trailer is of all.
        for _ in lines:
            pass
        found.held += totals.faults()


def _heading_faults(profile: Profile, header: bytes, blocks: Iterable[bytes]) -> tuple[str, ...]:
    return (
        heading_faults(profile, header) if has_heading(profile) else names_faults(profile, blocks)
    )


def _rows(trial: Trial, numbered: Iterable[tuple[int, bytes]], to: Written, found: _Found) -> None:
    for line_no, line in numbered:
        row = trial.line(line_no, line)
        found.lines[verdict(row)] += 1
        to.row(row)


def _sessions(
    trial: SessionTrial, numbered: Iterable[tuple[int, bytes]], to: Written, found: _Found
) -> None:
    for line_no, line in numbered:
        record = trial.line(line_no, line)
        found.lines[verdict(record)] += 1
        to.record(record)
    found.usage = Counter()
    for usage in trial.usage():
        if usage.usage is not None:
            found.usage[verdict(usage.usage)] += 1
        to.usage(usage)


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


def _sum_up(found: _Found, to: Written) -> None:
    if to.is_json:
        of_sessions = {} if found.usage is None else {"usage": dict(found.usage)}
        counted = {"lines": found.lines.total(), "verdicts": dict(found.lines), **of_sessions}
        to.line(counted | {"held": found.held})
        return
    if found.lines or not found.held:
        to.line(f"{found.lines.total()} lines: {_counts(found.lines) or 'nothing in it'}")
    if found.usage is not None:
        to.line(f"usage of their sessions: {_counts(found.usage) or 'none'}")
    for why in found.held[:HELD_TOLD_MAX]:
        to.line(f"such a file would be held: {why}")
    if len(found.held) > HELD_TOLD_MAX:
        to.line(f"and for {len(found.held) - HELD_TOLD_MAX} more reasons like these")


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.most_common())
