"""What a session has come to, as a JSON document, and back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bmu.mediation.partial import Order
from bmu.mediation.runs import Run
from bmu.mediation.session import Session, State, Texts

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def document_of(session: Session) -> str:
    """Write all of a session but its state and its numbers of records, which are told beside it."""
    return _encode(
        {
            "made": session.made,
            "started": session.started,
            "until_us": session.until_us,
            "told_until_us": session.told_until_us,
            "runs": session.runs,
            "sums": session.sums,
            "lows": session.lows,
            "highs": session.highs,
            "emitted": session.emitted,
            "firsts": session.firsts,
            "lasts": session.lasts,
            "seen": session.seen,
        }
    )


def session_of(
    document: Mapping[str, Any], state: str, rows: int, told: int, number: int
) -> Session:
    """Read a session that `document_of` wrote."""
    return Session(
        State(state),
        rows,
        told,
        number,
        document["made"],
        document["started"],
        document["until_us"],
        document["told_until_us"],
        tuple(Run(*each) for each in document["runs"]),
        document["sums"],
        document["lows"],
        document["highs"],
        document["emitted"],
        _texts(document["firsts"]),
        _texts(document["lasts"]),
        tuple((first, last) for first, last in document["seen"]),
    )


def _texts(groups: Sequence[tuple[Sequence[int], Mapping[str, str]]]) -> Texts:
    return tuple((_order(order), held) for order, held in groups)


def _order(figures: Sequence[int]) -> Order:
    at_us, sequence, rank, content = figures
    return at_us, sequence, rank, content
