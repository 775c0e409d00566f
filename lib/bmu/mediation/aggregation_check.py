"""What is wrong with how a profile has partial records gathered."""

from collections import Counter
from collections.abc import Iterator

from bmu.mediation.aggregation import Aggregation, Cut, Take
from bmu.mediation.assembled import SESSION_FIELDS, assembled
from bmu.mediation.profile import Profile
from bmu.mediation.transforming import instant_faults

SECONDS_MAX = 366 * 86_400


def aggregation_faults(profile: Profile) -> Iterator[str]:
    """Find all that keeps partial records from being gathered as the profile says."""
    aggregation = profile.aggregation
    if aggregation is None:
        return
    for field in SESSION_FIELDS:
        if field in profile.fields:
            yield f"fields: {field!r} is the name of what sessions come to"
    known = assembled(profile).fields
    for where, field in _named(aggregation):
        if field not in known or field in SESSION_FIELDS:
            yield f"aggregation.{where}: no field is called {field!r}"
    yield from _records(aggregation)
    yield from _kinds(aggregation)
    yield from _gathered(aggregation)
    yield from _times(aggregation)


def _named(aggregation: Aggregation) -> Iterator[tuple[str, str]]:
    yield "kind", aggregation.kind
    for where in ("session", "record", "node"):
        yield from ((where, field) for field in getattr(aggregation, where))
    for each in aggregation.gathered:
        yield "gather.field", each.field
        if each.high:
            yield "gather.high", each.high
    if aggregation.sequence is not None:
        yield "sequence", aggregation.sequence
    if aggregation.at is not None:
        yield "at", aggregation.at.field


def _records(aggregation: Aggregation) -> Iterator[str]:
    if not aggregation.session:
        yield "aggregation.session: a session needs fields that tell it from others"
    if not aggregation.record and aggregation.sequence is None:
        yield "aggregation.record: a record needs fields that tell it from the others of its session, or a sequence"
    if aggregation.nodes and not aggregation.node:
        yield "aggregation.node: say which fields name the switch that ends its sessions"


def _kinds(aggregation: Aggregation) -> Iterator[str]:
    if not aggregation.stops:
        yield "aggregation.stops: say which records end a session"
    texts = Counter(
        (*aggregation.starts, *aggregation.interims, *aggregation.stops, *aggregation.nodes)
    )
    for text, times in texts.items():
        if times > 1:
            yield f"aggregation.kind: {text!r} is there {times} times"


def _gathered(aggregation: Aggregation) -> Iterator[str]:
    takes = {each.field: each.take for each in aggregation.gathered}
    for field, times in Counter(each.field for each in aggregation.gathered).items():
        if times > 1:
            yield f"aggregation.gather: {field!r} is there {times} times"
    for each in aggregation.gathered:
        if each.high and each.take in {Take.FIRST, Take.LAST}:
            yield f"aggregation.gather.high: {each.field!r} is no figure"
    if aggregation.elapsed is not None:
        if takes.get(aggregation.elapsed) is not Take.COUNTER:
            yield f"aggregation.elapsed: {aggregation.elapsed!r} is not gathered as COUNTER"
        if aggregation.at is None:
            yield "aggregation.elapsed: it says nothing without *at*, when a record was made"


def _times(aggregation: Aggregation) -> Iterator[str]:
    if not 1 <= aggregation.timeout_s <= SECONDS_MAX:
        yield f"aggregation.timeout_s: not 1 to {SECONDS_MAX} seconds"
    if not 0 <= aggregation.wait_s <= SECONDS_MAX:
        yield f"aggregation.wait_s: not 0 to {SECONDS_MAX} seconds"
    if aggregation.wait_s and aggregation.sequence is None:
        yield "aggregation.wait_s: without a sequence nothing is known to be missing"
    if aggregation.sequence_first not in {0, 1}:
        yield "aggregation.sequence_first: 0 or 1"
    if aggregation.at is None and aggregation.cut is not Cut.NEVER:
        yield "aggregation.cut: needs *at*, when a record was made"
    if aggregation.at is not None:
        yield from instant_faults("aggregation.at", aggregation.at)
