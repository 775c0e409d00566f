"""What a charge keeps beyond the plain figures; to JSON data and back exactly."""

from collections.abc import Mapping
from typing import NamedTuple

from bmu.rating.draws import Drawing, drawing_of
from bmu.rating.taxation import Taxes, taxes_from_json, taxes_to_json


class Part(NamedTuple):
    """
    A stretch of an event that was split, priced by a rate of its own.

    Units:
        rounded, billable: base units of the event's that lie in it; those of all parts sum up to the event's.
    """

    rate_group_id: int
    rate_id: int
    rounded: int
    billable: int


class Cost(NamedTuple):
    """
    What an event costs the company.

    Shapes:
        rate_group_id, rate_id: none where its record says it.

    Units:
        amount_e11: of all of the event, rounded.
    """

    amount_e11: int
    rate_group_id: int | None = None
    rate_id: int | None = None


class Overage(NamedTuple):
    """
    The rate that prices what went beyond a bucket with a rate plan of its own.

    Shapes:
        cost: what all of the event costs the company by that plan, where the rate is a markup.

    Units:
        recorded_e11: the amount that the record says, where the rate charges that.
    """

    rate_plan_id: int
    rate_group_id: int
    rate_id: int
    cost: Cost | None = None
    recorded_e11: int | None = None


class Grown(NamedTuple):
    """
    An allowance whose size an event's usage makes: *measured* of the event, what it grew by.

    Units:
        measured: base units of the event's class; granted: of the bucket.
    """

    bucket_id: int
    measured: int
    granted: int


class Detail(NamedTuple):
    """
    All that is not as in the plain case.

    Shapes:
        reclassified_from: code of the class that the record named.
        fallback_from: code of the plan that was chosen and had no rate.
        aggregate: code of the rate that prices the period's usage; the event itself costs nothing.
        parts: in the order of time, two or more, or none.
        drawing: what buckets gave, where one is beyond plain.
        taxes: where they are not one on top of the amount.
        grown: allowances that grew by it.

    Units:
        recorded_e11: the amount that the record says, before rounding, where that is charged.
    """

    reclassified_from: str | None = None
    fallback_from: str | None = None
    aggregate: str | None = None
    recorded_e11: int | None = None
    cost: Cost | None = None
    parts: tuple[Part, ...] = ()
    overage: Overage | None = None
    drawing: Drawing | None = None
    taxes: Taxes | None = None
    grown: tuple[Grown, ...] = ()

    def data(self) -> dict[str, object]:
        """Give the same as JSON data: whole numbers and texts, and nothing that is not there."""
        found: dict[str, object] = {
            "reclassified_from": self.reclassified_from,
            "fallback_from": self.fallback_from,
            "aggregate": self.aggregate,
            "recorded_e11": self.recorded_e11,
            "cost": list(self.cost) if self.cost else None,
            "parts": [list(part) for part in self.parts] or None,
            "overage": _overage_data(self.overage) if self.overage else None,
            "drawing": self.drawing.data() if self.drawing else None,
            "taxes": taxes_to_json(self.taxes) if self.taxes is not None else None,
            "grown": [list(each) for each in self.grown] or None,
        }
        return {name: value for name, value in found.items() if value is not None}


PLAIN = Detail()


def detail_of(data: object) -> Detail:
    """
    Read what `Detail.data` gave.

    Errors:
        ValueError: something else.
    """
    if not isinstance(data, dict):
        raise ValueError(f"not the details of a charge: {data!r}")  # noqa: TRY004
    found: Mapping[str, object] = data
    cost, overage, drawn = found.get("cost"), found.get("overage"), found.get("drawing")
    taxes = found.get("taxes")
    return Detail(
        reclassified_from=_text(found.get("reclassified_from")),
        fallback_from=_text(found.get("fallback_from")),
        aggregate=_text(found.get("aggregate")),
        recorded_e11=_whole(found.get("recorded_e11")),
        cost=None if cost is None else _cost(cost),
        parts=tuple(Part(*_numbers(part, 4)) for part in _list(found.get("parts", []))),
        overage=None if overage is None else _overage(overage),
        drawing=None if drawn is None else drawing_of(drawn),
        taxes=None if taxes is None else taxes_from_json(_list(taxes)),
        grown=tuple(Grown(*_numbers(each, 3)) for each in _list(found.get("grown", []))),
    )


def _overage_data(overage: Overage) -> list[object]:
    plan_id, group_id, rate_id, cost, recorded_e11 = overage
    found: list[object] = [plan_id, group_id, rate_id]
    if cost is not None or recorded_e11 is not None:
        found += [list(cost) if cost else None, recorded_e11]
    return found


def _overage(data: object) -> Overage:
    found = _list(data)
    plan_id, group_id, rate_id = _numbers(found[:3], 3)
    if len(found) == 3:
        return Overage(plan_id, group_id, rate_id)
    cost, recorded_e11 = found[3:]
    said = None if cost is None else _cost(cost)
    return Overage(plan_id, group_id, rate_id, said, _whole(recorded_e11))


def _cost(data: object) -> Cost:
    amount, group_id, rate_id = (_whole(each) for each in _list(data))
    if amount is None:
        raise ValueError(f"not a cost: {data!r}")
    return Cost(amount, group_id, rate_id)


def _numbers(data: object, count: int) -> list[int]:
    numbers = [each for each in _list(data) if isinstance(each, int)]
    if len(numbers) != count or len(_list(data)) != count:
        raise ValueError(f"not {count} whole numbers: {data!r}")
    return numbers


def _list(data: object) -> list[object]:
    if not isinstance(data, list):
        raise ValueError(f"not a list: {data!r}")  # noqa: TRY004
    return data


def _whole(data: object) -> int | None:
    if data is not None and (not isinstance(data, int) or isinstance(data, bool)):
        raise ValueError(f"not a whole number: {data!r}")
    return data


def _text(data: object) -> str | None:
    if data is not None and not isinstance(data, str):
        raise ValueError(f"not a text: {data!r}")
    return data
