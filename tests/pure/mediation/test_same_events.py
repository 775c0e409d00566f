"""Which changes of a profile make other events of the same rows."""

from dataclasses import replace

import pytest

from bmu.mediation import BUILT_IN, Profile
from bmu.mediation.profile import Derived, RecordType
from bmu.mediation.same_events import tell_alike
from bmu.mediation.transform import Combine

CALLS = BUILT_IN["asterisk-master-csv"]
SESSIONS = BUILT_IN["freeradius-detail"]
NAME, OTHER = CALLS.identities[0][0], CALLS.destination
NAMED_ANEW = Derived(NAME, Combine("{" + OTHER + "}"))
assert SESSIONS.aggregation is not None


@pytest.mark.parametrize(
    "mended",
    [
        replace(CALLS, destination="", usage_class="calls", code="mine"),
        replace(CALLS, derived=(Derived("further", Combine("x")),)),
        replace(CALLS, types=(RecordType("a", (), usage_class="sms"),)),
    ],
)
def test_what_is_read_otherwise_is_the_same_event(mended: Profile) -> None:
    """What a call costs and where it went says nothing of which call it is."""
    assert tell_alike(CALLS, mended)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CALLS, replace(CALLS, identities=((NAME, OTHER),))),
        (CALLS, replace(CALLS, derived=(NAMED_ANEW,))),
        (CALLS, replace(CALLS, types=(RecordType("a", (), identities=((OTHER,),)),))),
        (CALLS, replace(CALLS, types=(RecordType("a", (), derived=(NAMED_ANEW,)),))),
        (CALLS, replace(CALLS, splitting=("in", "out"))),
        (SESSIONS, replace(SESSIONS, aggregation=None)),
        (
            SESSIONS,
            replace(SESSIONS, aggregation=replace(SESSIONS.aggregation, session=("User-Name",))),
        ),
    ],
)
def test_what_names_events_makes_others(before: Profile, after: Profile) -> None:
    """Other fields to tell them by, other texts in these, parts of rows, sessions or none."""
    assert not tell_alike(before, after)
    assert not tell_alike(after, before)
