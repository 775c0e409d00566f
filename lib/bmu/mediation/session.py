"""
One session of partial records: what it has come to with each of them, and when usage is made of it.

In whatever order its records come, the figures of all usage made of it add up to the same, and none of them ever falls:
a counter's highest value counts, a sum's records are added once each. Who sees to it that each record is taken once
is the caller: a record has its own event key, as usage has.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from bmu.mediation.aggregation import Aggregation, Cut, Emit, Take
from bmu.mediation.numbers_seen import Seen, gaps, with_number
from bmu.mediation.partial import Figures, Kind, Order, Row
from bmu.mediation.runs import Run, with_row
from bmu.mediation.turns import Turns

Texts = tuple[tuple[Order, Mapping[str, str]], ...]
_NONE: Figures = {}


class State(Enum):
    """Whether more is expected of a session; STOPPED: only records whose numbers are missing."""

    OPEN = "OPEN"
    STOPPED = "STOPPED"
    FINISHED = "FINISHED"


class Session(NamedTuple):
    """
    What the records so far have come to.

    Shapes:
        rows, told: records taken, and those of them that usage made so far stands for.
        number: of the last usage; made: whether any of it had figures.
        until_us, told_until_us: the latest record, and that when usage was last made; None: not known.
        runs: by their beginning.
        sums, lows, highs: figures of SUM, MIN, MAX.
        emitted: of COUNTER and SUM, what is in the usage made so far.
        firsts, lasts: each field once, with the order of the record that it is of.
        seen: which numbers of records there were, as ranges in order.
    """

    state: State = State.OPEN
    rows: int = 0
    told: int = 0
    number: int = 0
    made: bool = False
    started: bool = False
    until_us: int | None = None
    told_until_us: int | None = None
    runs: tuple[Run, ...] = ()
    sums: Figures = _NONE
    lows: Figures = _NONE
    highs: Figures = _NONE
    emitted: Figures = _NONE
    firsts: Texts = ()
    lasts: Texts = ()
    seen: Seen = ()


class Why(Enum):
    """Why usage is made; NODE: the switch began or ended, CLOSED: staff ended the session."""

    STOPPED = "STOPPED"
    INTERIM = "INTERIM"
    CUT = "CUT"
    LATE = "LATE"
    TIMED_OUT = "TIMED_OUT"
    NODE = "NODE"
    CLOSED = "CLOSED"


class Emission(NamedTuple):
    """
    Usage of a session: the figures since the usage before it, the texts as they are now.

    Shapes:
        number: from 1 on.
        rows: how many records it stands for that none before it stood for.
        missing: what is known not to have come: ``start``, ``stop``, numbers of records.
        fields: by name; None: nothing has come that would be usage, the records are only accounted for.
    """

    number: int
    why: Why
    rows: int
    from_us: int | None
    until_us: int | None
    missing: str
    fields: Mapping[str, str] | None


Step = tuple[Session, list[Emission]]
NEW = Session()


class Gathering:
    """Takes records into sessions as settings say; holds nothing of them."""

    __slots__ = ("_aggregation", "_counted", "_counters", "_firsts", "_others", "_turns")

    def __init__(self, aggregation: Aggregation, time_zone: str) -> None:
        self._aggregation = aggregation
        self._counted: list[tuple[str, Take]] = [
            (each.field, each.take)
            for each in aggregation.gathered
            if each.take not in {Take.FIRST, Take.LAST}
        ]
        self._counters = [field for field, take in self._counted if take is Take.COUNTER]
        self._others = [each for each in self._counted if each[1] is not Take.COUNTER]
        self._firsts = frozenset(
            each.field for each in aggregation.gathered if each.take is Take.FIRST
        )
        self._turns = None if aggregation.cut is Cut.NEVER else Turns(aggregation.cut, time_zone)

    def taken(self, session: Session, row: Row) -> Step:
        """Take a record that was not taken before; give the session as it is now, and the usage that is made."""
        told: list[Emission] = []
        if self._turns is not None and self._turned(session, row):
            session = self._emitted(session, Why.CUT, told)
        before, session = session.state, self._joined(session, row)
        if not session.runs[-1].stopped:
            if row.kind is Kind.INTERIM and self._aggregation.emit is Emit.AT_INTERIM:
                session = self._emitted(session, Why.INTERIM, told)
            return session, told
        if before is State.FINISHED:
            session = self._emitted(session, Why.LATE, told, accounted=True)
            return session._replace(state=before), told
        if self._aggregation.wait_s and self._gaps(session):
            return session._replace(state=State.STOPPED), told
        return self._finished(session, Why.STOPPED, told), told

    def over(self, session: Session, why: Why) -> Step:
        """End a session of which nothing more is expected; one that is finished stays as it is."""
        told: list[Emission] = []
        if session.state is State.FINISHED:
            return session, told
        return self._finished(session, why, told), told

    def _turned(self, session: Session, row: Row) -> bool:
        if session.until_us is None or row.at_us is None or session.state is State.FINISHED:
            return False
        assert self._turns is not None
        return self._turns.of(row.at_us) > self._turns.of(session.until_us)

    def _joined(self, session: Session, row: Row) -> Session:
        sums, lows, highs = session.sums, session.lows, session.highs
        figures = row.figures
        counters = {field: figures[field] for field in self._counters if field in figures}
        for field, take in self._others:
            figure = figures.get(field)
            if figure is None:
                continue
            if take is Take.SUM:
                sums = {**sums, field: sums.get(field, 0) + figure}
            elif take is Take.MIN:
                lows = {**lows, field: min(lows.get(field, figure), figure)}
            else:
                highs = {**highs, field: max(highs.get(field, figure), figure)}
        texts = row.texts
        firsts = session.firsts
        if self._firsts:
            firsts = _earliest(
                firsts, row.order, {name: texts[name] for name in self._firsts if name in texts}
            )
            texts = {name: text for name, text in texts.items() if name not in self._firsts}
        until_us = session.until_us
        if row.at_us is not None and (until_us is None or row.at_us > until_us):
            until_us = row.at_us
        return Session(
            State.OPEN,
            session.rows + 1,
            session.told,
            session.number,
            session.made,
            session.started or row.kind is Kind.START,
            until_us,
            session.told_until_us,
            with_row(session.runs, row, counters),
            sums,
            lows,
            highs,
            session.emitted,
            firsts,
            _latest(session.lasts, row.order, texts),
            session.seen if row.sequence is None else with_number(session.seen, row.sequence),
        )

    def _finished(self, session: Session, why: Why, told: list[Emission]) -> Session:
        session = self._emitted(session, why, told, accounted=True, even_nothing=not session.made)
        return session._replace(state=State.FINISHED)

    def _emitted(
        self,
        session: Session,
        why: Why,
        told: list[Emission],
        *,
        accounted: bool = False,
        even_nothing: bool = False,
    ) -> Session:
        """Make usage of what is new; of nothing new none, unless the records are to be accounted for."""
        emitted = session.emitted
        totals = _totals(session, self._counters)
        grown = {field: max(0, figure - emitted.get(field, 0)) for field, figure in totals.items()}
        is_usage = even_nothing or any(grown.values())
        if not is_usage and not (accounted and session.rows > session.told):
            return session
        number = session.number + 1
        missing = self._missing(session, why)
        fields = None
        if is_usage:
            fields = _texts_of(session)
            kept = {**session.lows, **session.highs, **grown}
            fields.update((field, str(kept.get(field, 0))) for field, _ in self._counted)
            emitted = {field: figure + emitted.get(field, 0) for field, figure in grown.items()}
        rows = session.rows - session.told
        until_us = session.until_us
        told.append(Emission(number, why, rows, _from_us(session), until_us, missing, fields))
        return session._replace(
            number=number,
            told=session.rows,
            made=session.made or is_usage,
            emitted=emitted,
            told_until_us=until_us if is_usage else session.told_until_us,
        )

    def _gaps(self, session: Session) -> Seen:
        return gaps(session.seen, self._aggregation.sequence_first)

    def _missing(self, session: Session, why: Why) -> str:
        found = []
        if self._aggregation.starts and not session.started:
            found.append("start")
        found += [str(a) if a == b else f"{a}-{b}" for a, b in self._gaps(session)]
        if why in {Why.TIMED_OUT, Why.NODE, Why.CLOSED} and not session.runs[-1].stopped:
            found.append("stop")
        return " ".join(found)


def _totals(session: Session, counters: list[str]) -> dict[str, int]:
    totals = dict(session.sums)
    for field in counters:
        totals[field] = sum(run.counters.get(field, 0) for run in session.runs)
    return totals


def _from_us(session: Session) -> int | None:
    """Give the instant from which usage is new: the end of that before it, or the beginning of what came since."""
    if session.until_us is None:
        return None
    if session.told_until_us is None:
        return session.runs[0].begun_us
    told = session.told_until_us
    return max(
        told, min((run.begun_us for run in session.runs if run.until_us > told), default=told)
    )


def _latest(groups: Texts, order: Order, texts: Mapping[str, str]) -> Texts:
    """Keep of each field the text of the latest record."""
    return _kept(groups, order, texts, latest=True)


def _earliest(groups: Texts, order: Order, texts: Mapping[str, str]) -> Texts:
    """Keep of each field the text of the earliest record."""
    return _kept(groups, order, texts, latest=False)


def _kept(groups: Texts, order: Order, texts: Mapping[str, str], *, latest: bool) -> Texts:
    if not texts:
        return groups
    left: list[tuple[Order, Mapping[str, str]]] = []
    mine = texts
    for of, held in groups:
        if latest and of <= order and held.keys() <= texts.keys():
            continue
        if (of > order) is latest:
            mine = {name: text for name, text in mine.items() if name not in held}
            left.append((of, held))
        elif rest := {name: text for name, text in held.items() if name not in texts}:
            left.append((of, rest))
    if mine:
        left.append((order, mine))
    return tuple(left)


def _texts_of(session: Session) -> dict[str, str]:
    return {
        name: text
        for groups in (session.firsts, session.lasts)
        for _, held in groups
        for name, text in held.items()
    }
