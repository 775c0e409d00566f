"""The loops over a chunk's lines and events: the same compiled or not, and no owner but the one that is looked up."""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.mediation import Reject
from bmu.mediation.reject import Reason
from bmu.rating import Owner, OwnerRow, Owners, Rated, Unrated, UnratedReason
from bmu.usage import UDR
from bmuid.intake import loops
from bmuid.intake.lines import LINE_OCTETS_MAX
from bmuid.intake.loops import LOOK_CLOSER, Month
from bmuid.store.days import US_A_DAY

UID_TYPES = ("phone", "imsi")
UIDS = tuple(f"4477{n}" for n in range(6))
# Instants around midnights and around the edges of each other, before 1970 too; and one that no 64 bits hold.
instants = st.builds(
    lambda day, more: day * US_A_DAY + more, st.integers(-2, 3), st.integers(-2, 2)
)


@pytest.fixture(scope="module")
def compiled() -> ModuleType:
    """Give the compiled form."""
    return pytest.importorskip("bmuid.intake._loops", reason="built without a compiler")


@st.composite
def udrs(draw: st.DrawFn) -> UDR:
    """Make an event of few users."""
    began, line_no = draw(instants | st.just(2**64)), draw(st.integers(1, 30))
    uid_type, uid = draw(st.sampled_from(UID_TYPES)), draw(st.sampled_from(UIDS))
    return UDR(line_no, b"", 0, uid_type, uid, "voice", began, 1, "", "")


rows = st.builds(
    OwnerRow,
    uid_id=st.integers(1, 9),
    uid_type=st.just("phone"),
    value=st.sampled_from(UIDS[1:]),
    from_us=instants,
    to_us=instants,
    account_id=st.integers(-(2**63), 2**63 - 1) | st.integers(1, 3),
    account_service_id=st.integers(1, 5),
    package=st.just("P"),
    currency=st.just("GBP"),
    zone=st.just("UTC"),
    bill_day=st.just(1),
)
owners = st.lists(rows, max_size=8).map(Owners)
rejects = st.builds(Reject, st.integers(1, 30), st.just(Reason.FILTERED), st.just(""))


def owner_of(row: OwnerRow) -> Owner:
    """Give the owner that a row makes."""
    found = Owners([row]).by_type[row.uid_type][row.value]
    assert isinstance(found, Owner)
    return found


owned = st.lists(
    st.tuples(udrs().filter(lambda udr: udr.started_us < 2**63), rows.map(owner_of)), max_size=20
)


@given(
    st.lists(st.none() | st.binary(max_size=1), max_size=20),
    st.dictionaries(st.none() | st.binary(max_size=1), st.integers(-1, 3)),
    st.integers(0, 2),
    st.integers(0, 20),
)
def test_a_glance_finds_the_same_lines(
    compiled: ModuleType,
    texts: list[bytes | None],
    known: dict[bytes | None, int],
    part: int,
    longest: int,
) -> None:
    """A part's own and those to look closer at; a text that is not known is asked for, and a cut line is empty."""
    lines = [b"%d" % n for n in range(len(texts))]
    if longest < len(lines):
        lines[longest] = b"x" * (LINE_OCTETS_MAX + 1)
    answers = []
    for form in (compiled.glance, loops.glance_plainly):
        asked: list[bytes | None] = []
        kept = dict(known)

        def home_of(
            text: bytes | None,
            asked: list[bytes | None] = asked,
            kept: dict[bytes | None, int] = kept,
        ) -> int:
            asked.append(text)
            return kept.setdefault(
                text, LOOK_CLOSER if text is None else text[0] % 3 if text else 0
            )

        answers.append((form(lines, texts, kept, home_of, part), kept, asked))

    assert answers[0] == answers[1]
    mine, places, closer = answers[1][0]
    assert mine == [b"" if n == longest else lines[n] for n in places]
    assert [answers[1][1][texts[n]] for n in closer] == [LOOK_CLOSER] * len(closer)


@given(
    st.lists(udrs() | rejects, max_size=20),
    owners,
    instants,
    instants,
    st.sets(st.integers(1, 30), max_size=5),
)
def test_an_event_gets_the_owner_that_is_looked_up(
    compiled: ModuleType,
    taken: list[UDR | Reject],
    all_owners: Owners,
    oldest: int,
    newest: int,
    shared: set[int],
) -> None:
    """Compiled or not: the one who owned its identifier when it began; all that is odd is asked for."""

    def look_up(udr: UDR) -> Owner | Unrated | None:
        found = all_owners.find(udr.uid_type, udr.uid, udr.started_us)
        if udr.line_no in shared and udr.line_no % 2:
            return None
        if isinstance(found, UnratedReason):
            return Unrated(found, "")
        if oldest <= udr.started_us <= newest:
            return found
        return Unrated(UnratedReason.OUT_OF_WINDOW, "")

    given_ = taken, all_owners.by_type, (oldest, newest), shared, look_up
    events = [(each, look_up(each)) for each in taken if isinstance(each, UDR)]
    kept = [(udr, owner) for udr, owner in events if owner is not None]
    expected = (
        [udr for udr, _ in kept],
        [owner for _, owner in kept],
        [each for each in taken if isinstance(each, Reject)],
    )

    assert loops.own_plainly(*given_) == expected
    assert compiled.own(*given_) == expected


@given(
    owned,
    st.dictionaries(st.integers(1, 5), st.tuples(instants, instants)),
    st.sets(st.integers(0, 19)),
)
def test_a_survey_tells_the_same(
    compiled: ModuleType,
    pairs: list[tuple[UDR, Owner]],
    granted: dict[int, Month],
    lost: set[int],
) -> None:
    """The days, the first and the last instant, and who is due a bucket: of the events with owners alone."""
    nobody = Unrated(UnratedReason.NO_UID, "")
    events = [udr for udr, _ in pairs]
    found = [nobody if n in lost else owner for n, (_, owner) in enumerate(pairs)]

    days, first, last, due = loops.survey_plainly(events, found, granted)

    assert compiled.survey(events, found, granted) == (days, first, last, due)
    assert {first // US_A_DAY, last // US_A_DAY} <= days | {0}
    assert not lost & set(due)


@given(owned)
def test_accounts_follow_each_other_and_keep_their_order(
    compiled: ModuleType, pairs: list[tuple[UDR, Owner]]
) -> None:
    """Compiled or not: by account, and within one as they came."""
    events, found = [udr for udr, _ in pairs], [owner for _, owner in pairs]
    ordered = sorted(pairs, key=lambda pair: pair[1].account_id)
    expected = [udr for udr, _ in ordered], [owner for _, owner in ordered]

    assert loops.by_account_plainly(events, found) == expected
    assert compiled.by_account(events, found) == expected


@given(owned, st.sets(st.integers(0, 19)))
def test_days_hold_the_same_events(
    compiled: ModuleType, pairs: list[tuple[UDR, Owner]], unpriced: set[int]
) -> None:
    """Compiled or not: each event in the list of its day, what has no price beside them."""
    events, found = [udr for udr, _ in pairs], [owner for _, owner in pairs]
    outcomes: list[Rated | Unrated] = [
        Unrated(UnratedReason.NO_RATE, str(n)) if n in unpriced else rated(n)
        for n in range(len(pairs))
    ]

    days, lost = loops.by_day_plainly(events, found, outcomes)

    assert compiled.by_day(events, found, outcomes) == (days, lost)
    assert sum(len(of_day) for _, of_day, _, _ in days) + len(lost) == len(events)
    assert all(udr.started_us // US_A_DAY == day for day, of_day, _, _ in days for udr in of_day)


def rated(number: int) -> Rated:
    """Make a price that can be told from others."""
    return Rated(*([number] * len(Rated._fields)))


def test_what_is_no_event_is_refused(compiled: ModuleType) -> None:
    """The compiled form reads no fields of what has none, and no list beyond its end."""
    with pytest.raises(TypeError):
        compiled.survey([()], [()], {})
    with pytest.raises(TypeError):
        compiled.by_account([()], [()])
    with pytest.raises(TypeError):
        compiled.by_day([()], [()], [()])
    for form in (compiled.by_account, lambda a, b: compiled.survey(a, b, {})):
        with pytest.raises(ValueError, match="parallel"):
            form([()], [])
