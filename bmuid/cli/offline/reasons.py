"""Why an event costs what it costs, told from the rows of a catalogue alone."""

from bmu.period import from_us
from bmu.rating import Drawn, Evidence, Owner, Rated, Step, explain
from bmu.usage import UDR
from bmuid.cli.offline.rater import REVISION, Numbered, Rater


def reasons(
    udr: UDR, owner: Owner, rated: Rated, catalogue: Numbered, rater: Rater
) -> tuple[Step, ...]:
    """Tell step by step how the figures of an event came about."""
    return explain(_evidence(udr, owner, rated, catalogue, rater))


def _evidence(udr: UDR, owner: Owner, rated: Rated, catalogue: Numbered, rater: Rater) -> Evidence:
    rows, tariff = catalogue
    rate = rows.rates[rated.rate_id - 1]
    group = rows.rate_groups[rated.rate_group_id - 1]
    pattern = (
        rows.location_patterns[rated.location_pattern_id - 1]
        if rated.location_pattern_id
        else None
    )
    places, index = rows.locations, tariff.places.index
    periods = {row.code: row for row in rows.time_periods}
    assert rated.tax_id is not None, rated
    return Evidence(
        account_zone=owner.terms.zone,
        started_at=from_us(udr.started_us),
        uid_type=udr.uid_type,
        uid=udr.uid or "-",
        origin=udr.origin,
        destination=udr.destination,
        revision=REVISION,
        plan_level=rated.plan_level,
        usage_class=rows.usage_classes[rated.usage_class_id - 1],
        package=tariff.packages[owner.terms.package],
        rate_plan=rows.rate_plans[rated.rate_plan_id - 1],
        rate_group=group,
        time_period=periods[group.time_period] if group.time_period else None,
        rate=rate,
        rounding=tariff.roundings[rate.rounding] if rate.rounding else None,
        pattern=pattern,
        location=places[index[pattern.location]] if pattern else None,
        rate_location=places[index[rate.location]] if rate.location else None,
        tax=rows.taxes[rated.tax_id - 1],
        quantity=rated.quantity,
        rounded=rated.rounded,
        billable=rated.billable,
        rated_e11=rated.rated_e11,
        amount_e11=rated.amount_e11,
        tax_e11=rated.tax_e11,
        currency=rated.currency,
        draws=tuple(
            Drawn(bucket, _name(rater.bucket(bucket), catalogue), taken)
            for bucket, taken in rated.draws
        ),
    )


def _name(code: str, catalogue: Numbered) -> str:
    return catalogue.tariff.bucket_types[code].name
