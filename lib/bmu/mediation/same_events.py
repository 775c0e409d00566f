"""Whether two profiles tell a source's events apart alike, so that what was one before is the same one again."""

from collections.abc import Iterator, Sequence

from bmu.mediation.profile import Derived, Profile


def tell_alike(one: Profile, other: Profile) -> bool:
    """Tell whether rows that were events by one profile are the same events by the other, as far as the profiles show."""
    return [*_what_tells(one)] == [*_what_tells(other)]


def _what_tells(profile: Profile) -> Iterator[object]:
    """Give all of a profile on which the keys of events depend."""
    aggregation = profile.aggregation
    yield profile.splitting
    if aggregation is not None:
        # Its records are told apart as they came.
        yield aggregation.session, aggregation.record or aggregation.sequence
        return
    yield profile.identities
    yield _made_for(profile.identities, profile.derived)
    for each in profile.types:
        if each.identities is not None or each.derived:
            identities = profile.identities if each.identities is None else each.identities
            made = _made_for(identities, each.derived)
            if each.identities is not None or made:
                yield each.conditions, identities, made


def _made_for(
    identities: Sequence[Sequence[str]], derived: Sequence[Derived]
) -> tuple[Derived, ...]:
    """Give what is derived to be part of what tells events apart."""
    named = {name for each in identities for name in each}
    return tuple(each for each in derived if each.field in named)
