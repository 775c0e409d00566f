"""Whose event it was, what kind, and where it took place."""

from collections.abc import Iterator

from bmu.rating.evidence import Evidence
from bmu.rating.explain.step import Step
from bmu.rating.explain.words import clock, event_noun
from bmu.rating.kinds import Side


def owner_step(evidence: Evidence) -> Step:
    """Tell which identifier made the event, and whose it was then."""
    noun = "number" if evidence.uid_type == "phone" else evidence.uid_type
    began = clock(evidence.started_at, evidence.account_zone)
    return Step(
        "Whose it is",
        f"The {noun} {evidence.uid} belonged to this account when the {event_noun(evidence)} began,"
        f" on {began}.",
        {
            "uid_type": evidence.uid_type,
            "uid": evidence.uid,
            "started_at": evidence.started_at.isoformat(),
            "zone": evidence.account_zone,
            "package": evidence.package.code,
        },
    )


def kind_step(evidence: Evidence) -> Step:
    """Tell the class of the event, its location and the pattern that told it."""
    return Step(
        "What it is",
        " ".join(_kind(evidence)),
        {
            "usage_class": evidence.usage_class.code,
            "recorded_as": evidence.detail.reclassified_from,
            "side": evidence.usage_class.side.value,
            "pattern": evidence.pattern.code if evidence.pattern else None,
            "location": evidence.location.code if evidence.location else None,
        },
    )


def _kind(evidence: Evidence) -> Iterator[str]:
    yield f"{evidence.usage_class.name}."
    recorded_as = evidence.detail.reclassified_from
    if recorded_as is not None:
        yield f'Its record says "{recorded_as}"; by where it took place and what else it says, it counts as this.'
    if evidence.pattern is None or evidence.location is None:
        return
    if evidence.usage_class.side is Side.ORIGIN:
        number = f"From {evidence.origin}"
    else:
        number = f"Called {evidence.destination}"
    yield (
        f"{number}: the longest matching prefix {evidence.pattern.code} is"
        f" {evidence.location.name}."
    )
