"""The loops over a chunk's lines and events: the same compiled or not."""

import sys
from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.mediation import Reject
from bmu.mediation.mediator import MARK, NOT_TOLD
from bmu.mediation.reject import Reason
from bmu.rating import Owner, OwnerRow, Owners, Rated, Terms, Unrated, UnratedReason
from bmu.usage import UDR
from bmuid.intake import loops
from bmuid.intake.lines import LINE_OCTETS_MAX
from bmuid.intake.loops import KNOWN_MAX, LOOK_CLOSER, Home, Month
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
    terms=st.just(Terms("P", "GBP", "UTC")),
    bill_day=st.just(1),
)
rejects = st.builds(Reject, st.integers(1, 30), st.just(Reason.FILTERED), st.just(""))


def owner_of(row: OwnerRow) -> Owner:
    """Give the owner that a row makes."""
    (found,) = Owners([row]).all_of(row.uid_type, row.value)
    return found


owned = st.lists(
    st.tuples(udrs().filter(lambda udr: udr.started_us < 2**63), rows.map(owner_of)), max_size=20
)


# Short ones, which come again, ones that are too long to be kept, and none at all.
texts = st.none() | st.binary(max_size=1) | st.integers(40, 46).map(lambda octets: b"x" * octets)


class Homes:
    """Answers of a kind for each text, and which of them were asked for."""

    def __init__(self, only: Owner) -> None:
        self.asked: list[bytes] = []
        self._only = only

    def of_all(self, some: list[bytes]) -> list[Home]:
        """Give the homes of texts."""
        self.asked += some
        return [self.of(text) for text in some]

    def of(self, text: bytes | None) -> Home:
        """Give the home of a text."""
        if text is None:
            return LOOK_CLOSER, None
        kind = text[0] if text else 0
        return kind % 4 - 1, self._only if kind & 8 else None


def laid(lines: list[bytes], some: list[bytes | None]) -> tuple[bytearray, bytes]:
    """Lay lines in memory, and behind each the text that is said to tell whose it is; give their marks, too."""
    octets, marks = bytearray(), bytearray()
    for line, text in zip(lines, some, strict=True):
        at, behind = len(octets), len(octets) + len(line)
        told = (NOT_TOLD, NOT_TOLD) if text is None else (behind, behind + len(text))
        marks += MARK.pack(at, behind, *told)
        octets += line + (text or b"")
    return octets, bytes(marks)


@given(
    st.lists(st.tuples(st.lists(texts, max_size=40), st.integers(0, 2)), max_size=4),
    st.integers(0, 40),
    rows.map(owner_of),
)
def test_a_glance_finds_the_same_lines(
    compiled: ModuleType,
    chunks: list[tuple[list[bytes | None], int]],
    longest: int,
    only: Owner,
) -> None:
    """A part's own lines and those to look closer at, chunk after chunk; one that is too long is empty, and kept."""
    homes, plain_homes = Homes(only), Homes(only)
    marked, plain = compiled.Marked(), loops.Known()
    for some, part in chunks:
        lines = [b"%d" % n for n in range(len(some))]
        if longest < len(lines):
            lines[longest] = b"x" * (LINE_OCTETS_MAX + 1)

        mine, line_nos, owners, closer, cut = plain.glance(
            lines, some, 7, plain_homes.of_all, part
        )

        glanced = marked.glance(*laid(lines, some), 7, homes.of_all, part)
        assert glanced == (mine, line_nos, owners, closer, cut)
        places = [line_no - 7 for line_no in line_nos]
        assert mine == [b"" if n == longest else lines[n] for n in places]
        assert cut == {n + 7: lines[n] for n in places if n == longest}
        found = [homes.of(some[n]) for n in places]
        assert owners == [owner for _, owner in found]
        assert closer == [
            n + 7 for n, (at, _) in zip(places, found, strict=True) if at == LOOK_CLOSER
        ]
        assert {at for at, _ in found} <= {part, LOOK_CLOSER}


def test_a_text_is_asked_for_once(compiled: ModuleType) -> None:
    """So many that the table grows, and all of them are found again in any order, each in its own home."""
    homes, marked, plain = Homes(nobody_else()), compiled.Marked(), loops.Known()
    some: list[bytes | None] = [b"%c-%d" % (n % 250, n) for n in range(20_000)]
    lines = [b""] * len(some)

    first = marked.glance(*laid(lines, some), 1, homes.of_all, 1)
    again = marked.glance(*laid(lines, some[::-1]), 1, homes.of_all, 1)

    # Of its own lines a part asks again whose they are, until it knows.
    unowned = [text for text in some if homes.of(text) == (1, None)]
    assert homes.asked == some + unowned[::-1]
    assert first == plain.glance(lines, some, 1, homes.of_all, 1)
    assert again == plain.glance(lines, some[::-1], 1, homes.of_all, 1)


def test_no_more_texts_are_kept_than_there_is_room_for(compiled: ModuleType) -> None:
    """When they are too many all are forgotten, compiled or not."""
    asked = []
    marked, plain = compiled.Marked(), loops.Known()
    for is_plain in (False, True):
        homes = Homes(nobody_else())
        for first in (0, KNOWN_MAX - 1, 0):
            some: list[bytes | None] = [b"%d" % n for n in range(first, first + KNOWN_MAX)]
            lines = [b""] * KNOWN_MAX
            if is_plain:
                plain.glance(lines, some, 1, homes.of_all, 99)
            else:
                marked.glance(*laid(lines, some), 1, homes.of_all, 99)
        asked.append(len(homes.asked))

    assert asked == [3 * KNOWN_MAX - 1] * 2


def test_owners_are_kept_no_longer_than_the_texts(compiled: ModuleType) -> None:
    """The table gives back what it holds."""
    only = nobody_else()
    before = sys.getrefcount(only)
    marked, homes = compiled.Marked(), Homes(only)
    some: list[bytes | None] = [b"%c" % n for n in range(8, 16)]
    found = marked.glance(*laid([b""] * 8, some), 1, homes.of_all, 0)
    assert sys.getrefcount(only) > before + 8
    del marked, found, homes
    assert sys.getrefcount(only) == before


@pytest.mark.parametrize("mark", [(2, 1, 0, 0), (0, 4, 0, 0), (0, 1, 2, 1), (0, 1, 0, 4)])
def test_marks_beyond_the_octets_are_refused(
    compiled: ModuleType, mark: tuple[int, int, int, int]
) -> None:
    """Whoever made them: nothing is read but the octets."""
    with pytest.raises(ValueError, match="beyond the octets"):
        compiled.Marked().glance(bytearray(3), MARK.pack(*mark), 1, Homes(nobody_else()).of_all, 0)


@pytest.mark.parametrize(
    "wrong", [lambda _: 1, lambda _: [], lambda _: [(0,)], lambda _: [None], lambda _: [(None, 1)]]
)
def test_what_is_no_answer_is_an_exception(
    compiled: ModuleType, wrong: Callable[[list[bytes]], object]
) -> None:
    """And a text that had none is asked for again."""
    marked, homes = compiled.Marked(), Homes(nobody_else())
    for text in (b"a", b"x" * 99):
        with pytest.raises(TypeError):
            marked.glance(*laid([b""], [text]), 1, wrong, 0)
        marked.glance(*laid([b""], [text]), 1, homes.of_all, 0)
    assert homes.asked == [b"a", b"x" * 99]


@pytest.mark.parametrize("began", range(9, 22))
@pytest.mark.parametrize("window", [(0, 30), (10, 19), (11, 18), (0, 20)])
def test_the_edges_of_ownership_and_window(
    compiled: ModuleType, began: int, window: tuple[int, int]
) -> None:
    """An owner's end is no longer its own; the window's is."""
    udr = UDR(1, b"", 0, "phone", "441", "voice", began, 1, "", "")
    only = nobody_else()._replace(from_us=10, to_us=20)
    is_plain = 10 <= began < 20 and window[0] <= began <= window[1]
    expected = ([udr], [only], []) if is_plain else ([], [], [])

    for form in (compiled.own, loops.own_plainly):
        assert form([udr], [only], window, lambda _: None) == expected


def nobody_else() -> Owner:
    """Make an owner."""
    return Owner(0, 1, 2, 3, 4, Terms("P", "GBP", "UTC"), 1)


@given(
    st.lists(st.tuples(udrs() | rejects, st.none() | rows.map(owner_of)), max_size=20),
    instants,
    instants,
)
def test_an_event_gets_its_only_owner_or_the_one_that_is_looked_up(
    compiled: ModuleType,
    pairs: list[tuple[UDR | Reject, Owner | None]],
    oldest: int,
    newest: int,
) -> None:
    """Compiled or not: the only one if the event began in time, and in the owner's; else whoever is found, or none."""
    nobody = Unrated(UnratedReason.NO_UID, "")

    def look_up(udr: UDR) -> Owner | Unrated | None:
        return None if udr.line_no % 2 else nobody

    kept = []
    for each, only in pairs:
        if isinstance(each, UDR):
            began = each.started_us
            plain = only and only.from_us <= began < only.to_us and oldest <= began <= newest
            owner = only if plain else look_up(each)
            kept += [(each, owner)] if owner else []
    rejected = [each for each, _ in pairs if isinstance(each, Reject)]
    expected = [udr for udr, _ in kept], [owner for _, owner in kept], rejected
    given_ = [each for each, _ in pairs], [only for _, only in pairs], (oldest, newest), look_up

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


@given(st.lists(st.sampled_from((b"", b"\0", b"a", b"\x80", b"ab")), max_size=30))
def test_event_keys_come_in_their_order(compiled: ModuleType, heads: list[bytes]) -> None:
    """Compiled or not: by key, as the database orders them, those of one key as they came; and whether there are any."""
    # Some differ in the first octets, some only in the last ones.
    keys = [head + bytes(16 - 2 * len(head)) + head for head in heads]
    events = [UDR(n, key, 0, "phone", "1", "voice", 0, 1, "", "") for n, key in enumerate(keys)]
    expected = sorted(events, key=lambda udr: (udr.event_key, udr.line_no))

    any_twice = len(set(keys)) < len(keys)
    assert loops.by_key_plainly(events) == compiled.by_key(events) == (expected, any_twice)


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
    with pytest.raises(TypeError):
        compiled.by_key([()])
    with pytest.raises(ValueError, match="no event key"):
        compiled.by_key([UDR(1, b"", 0, "phone", "1", "voice", 0, 1, "", "")])
    for form in (compiled.by_account, lambda a, b: compiled.survey(a, b, {})):
        with pytest.raises(ValueError, match="parallel"):
            form([()], [])
