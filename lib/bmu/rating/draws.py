"""What the buckets gave for one event, as a charge keeps it; to JSON data and back exactly."""

from typing import NamedTuple

from bmu.rating.kept import list_of, object_of, whole_of
from bmu.rating.kinds import (
    BucketKind,
)


class Entered(NamedTuple):
    """A tier, the first is 1, that an event was the first to use, and its flat charge for each of *times*."""

    tier: int
    times: int
    flat_e11: int


class Reached(NamedTuple):
    """A threshold of a bucket that was reached: something to tell the customer, once a period."""

    bucket_id: int
    per_cent: int


class Draw(NamedTuple):
    """
    What one bucket gave.

    Units:
        quantity: base units, of a MONEY bucket 10^-11 of the currency.
        granted: what its repeated last tier granted for it, in the same unit.
    """

    bucket_id: int
    quantity: int
    kind: BucketKind = BucketKind.USAGE
    granted: int = 0
    entered: tuple[Entered, ...] = ()


class Drawing(NamedTuple):
    """
    What all buckets gave for an event, in the order drawn.

    Shapes:
        overage_plan: the rate plan for what is billable, of the last bucket used up that names one; none: as ever.

    Units:
        billable: base units that no bucket covered.
    """

    draws: tuple[Draw, ...]
    billable: int
    overage_plan: str | None = None
    reached: tuple[Reached, ...] = ()

    @property
    def units(self) -> tuple[tuple[int, int], ...]:
        """Bucket id and base units of each usage bucket touched."""
        return tuple(
            (draw.bucket_id, draw.quantity) for draw in self.draws if draw.kind is BucketKind.USAGE
        )

    @property
    def paid_e11(self) -> int:
        """What money buckets paid of the price of *billable*, before tax."""
        return sum(draw.quantity for draw in self.draws if draw.kind is BucketKind.MONEY)

    @property
    def flat_e11(self) -> int:
        """Flat charges of all tiers entered; no bucket pays them."""
        return sum(each.times * each.flat_e11 for draw in self.draws for each in draw.entered)

    def data(self) -> dict[str, object]:
        """Give the same as JSON data."""
        found: dict[str, object] = {
            "draws": [_draw_data(draw) for draw in self.draws],
            "billable": self.billable,
        }
        if self.overage_plan is not None:
            found["overage_plan"] = self.overage_plan
        if self.reached:
            found["reached"] = [
                {"bucket": each.bucket_id, "per_cent": each.per_cent} for each in self.reached
            ]
        return found


def drawing_of(data: object) -> Drawing:
    """
    Read what `Drawing.data` gave.

    Errors:
        ValueError: something else.
    """
    found = object_of(data)
    plan = found.get("overage_plan")
    if plan is not None and not isinstance(plan, str):
        raise ValueError(f"not a rate plan: {plan!r}")
    draws = tuple(_draw(each) for each in list_of(found.get("draws")))
    reached = tuple(
        Reached(whole_of(each.get("bucket")), whole_of(each.get("per_cent")))
        for each in map(object_of, list_of(found.get("reached", [])))
    )
    return Drawing(draws, whole_of(found.get("billable")), plan, reached)


def _draw_data(draw: Draw) -> dict[str, object]:
    found: dict[str, object] = {"bucket": draw.bucket_id, "quantity": draw.quantity}
    if draw.kind is not BucketKind.USAGE:
        found["kind"] = draw.kind.value
    if draw.granted:
        found["granted"] = draw.granted
    if draw.entered:
        found["entered"] = [
            {"tier": each.tier, "times": each.times, "flat_e11": each.flat_e11}
            for each in draw.entered
        ]
    return found


def _draw(data: object) -> Draw:
    found = object_of(data)
    return Draw(
        bucket_id=whole_of(found.get("bucket")),
        quantity=whole_of(found.get("quantity")),
        kind=BucketKind(found.get("kind", BucketKind.USAGE.value)),
        granted=whole_of(found.get("granted", 0)),
        entered=tuple(
            Entered(
                whole_of(each.get("tier")),
                whole_of(each.get("times")),
                whole_of(each.get("flat_e11")),
            )
            for each in map(object_of, list_of(found.get("entered", [])))
        ),
    )
