"""Why an event costs what it costs, told from the rows of a catalogue alone."""

from bmu.rating import Owner, Rated, Step, Tried, explain, gather, tried_of
from bmu.usage import UDR
from bmuid.cli.offline.rater import Numbered, Rater


def reasons(
    udr: UDR, owner: Owner, rated: Rated, catalogue: Numbered, rater: Rater
) -> tuple[Step, ...]:
    """Tell step by step how the figures of an event came about."""
    buckets = {bucket: rater.bucket(bucket) for bucket, _ in rated.draws}
    drawing = rated.detail.drawing if rated.detail else None
    if drawing is not None:
        buckets |= {draw.bucket_id: rater.bucket(draw.bucket_id) for draw in drawing.draws}
    grown = rated.detail.grown if rated.detail else ()
    buckets |= {each.bucket_id: rater.bucket(each.bucket_id) for each in grown}
    said = udr if udr.uid else udr._replace(uid="-")
    evidence = gather(catalogue.shelves, said, owner, rated, buckets)
    tried = tried_of(said, owner.terms, catalogue.tariff, evidence.usage_class.code)
    return explain(evidence, tried if isinstance(tried, Tried) else None)
