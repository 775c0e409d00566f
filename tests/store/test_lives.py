"""What was charged, read again: the same compiled or not, whatever the rows hold."""

from collections import Counter
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.rating.balance import Entry, EntryKind
from bmu.rating.detail import Cost, Detail
from bmuid.store import lives
from bmuid.store.copying import INSTANT, INT2, INT4, INT8, JSON, TEXT, Field, Rows, encoded
from bmuid.store.lives import Names, made_of, made_plainly

FEW = st.integers(1, 3)
BIGS = st.integers(-(2**63), 2**63 - 1)
SMALLS = st.integers(0, 2**31 - 1)
NONE = st.none()
DETAILS = st.builds(
    Detail,
    reclassified_from=NONE | st.text(),
    aggregate=NONE | st.text(),
    cost=NONE | st.builds(Cost, BIGS),
)
# Account, instant, record, version, service, revision; the charge's figures; its detail; its record.
FIELDS = (
    *((INT8, FEW), (INSTANT, st.integers(0, 10**16)), (INT8, st.integers(1, 9))),
    *((INT4, FEW), (INT8, BIGS), (INT8, SMALLS)),
    *((INT4, FEW), (INT2, st.integers(1, 8)), (INT4, SMALLS), (INT4, SMALLS), (INT4, SMALLS)),
    *((INT4, NONE | SMALLS), (INT4, NONE | SMALLS), *[(INT8, BIGS)] * 6, (TEXT, st.just("GBP"))),
    (JSON, NONE | DETAILS),
    *((INT8, BIGS), (INT8, FEW), (TEXT, st.text()), (TEXT, st.text())),
    (JSON, NONE | st.dictionaries(st.text(), st.text(), max_size=2)),
)
LINE = 21


def versions(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Make rows of a record its versions: of one account and instant, the first with the record, the others without."""
    firsts: dict[object, tuple[object, ...]] = {}
    counted: Counter[object] = Counter()
    found = []
    for row in rows:
        first = firsts.setdefault(row[2], row)
        counted[row[2]] += 1
        whole = (*first[:3], counted[row[2]], *row[4:])
        found.append(whole if first is row else (*whole[:LINE], *[None] * (len(row) - LINE)))
    return found


CHARGES = st.lists(st.tuples(*(values for _, values in FIELDS)), max_size=12).map(versions)
SHUFFLED = CHARGES.flatmap(st.permutations)
KEYS = st.tuples(st.integers(1, 9), FEW)
ENTRIES = st.lists(
    st.builds(Entry, BIGS, st.sampled_from(EntryKind), BIGS.filter(bool)), min_size=1
)
NAMES = st.builds(
    Names,
    wanted=st.sets(FEW),
    gone=st.sets(KEYS, max_size=3),
    moved=st.dictionaries(KEYS, ENTRIES, max_size=4),
    uids=st.fixed_dictionaries({n: st.tuples(st.text(), st.text()) for n in (1, 2, 3)}),
    classes=st.fixed_dictionaries({n: st.text(min_size=1) for n in (1, 2, 3)}),
)


@pytest.fixture(scope="module")
def compiled() -> ModuleType:
    """Give the compiled form."""
    return pytest.importorskip("bmuid.store._lives", reason="built without a compiler")


def octets_of(rows: list[tuple[object, ...]]) -> bytes:
    """Encode rows as the database gives them."""
    fields = tuple(Field(form, 0, item) for item, (form, _) in enumerate(FIELDS))
    return b"".join(encoded(Rows(fields, (rows,))))


@pytest.mark.usefixtures("compiled")
@given(SHUFFLED, NAMES)
def test_compiled_or_not_the_charges_are_the_same(
    rows: list[tuple[object, ...]], names: Names
) -> None:
    """In the same order, each field, and of the same types; those of other accounts, and reversed ones, left out."""
    octets = octets_of(rows)
    found, wanted = made_of(octets, names), made_plainly(octets, names)
    assert found == wanted
    assert list(map(_types, found[0])) == list(map(_types, wanted[0]))
    assert {
        row[:3:2] for row in rows if row[0] in names.wanted and row[2:4] not in names.gone
    } == {(account_id, live.udr_id) for live, (account_id, _) in zip(*found, strict=True)}


@pytest.mark.usefixtures("compiled")
@given(CHARGES.filter(bool), NAMES, st.data())
def test_what_is_no_row_is_told(
    rows: list[tuple[object, ...]], names: Names, data: st.DataObject
) -> None:
    """Cut anywhere, nothing is made of it; nor of a record of an identifier that nobody knows."""
    octets, whole = octets_of(rows), octets_of(rows[:-1])
    cut = octets[: data.draw(st.integers(len(whole) + 1, len(octets) - 1))]
    for made in (made_of, made_plainly):
        with pytest.raises(ValueError, match="row"):
            made(cut, names)
    everything = names._replace(wanted={1, 2, 3}, gone=set(), uids={})
    for made in (made_of, made_plainly):
        with pytest.raises(KeyError):
            made(octets, everything)


@pytest.mark.usefixtures("compiled")
@given(CHARGES.filter(bool), NAMES, st.integers(LINE, LINE + 3))
def test_what_no_record_is_of_is_told(
    rows: list[tuple[object, ...]], names: Names, place: int
) -> None:
    """A later version without the first one, or a first one with half a record, is nothing to rate again."""
    everything = names._replace(wanted={1, 2, 3}, gone=set())
    later = (*rows[0][:3], 2, *rows[0][4:LINE], *[None] * (len(FIELDS) - LINE))
    half = (*rows[0][:place], None, *rows[0][place + 1 :])
    for wrong in (later, half):
        for made in (made_of, made_plainly):
            with pytest.raises(ValueError, match="row"):
                made(octets_of([wrong]), everything)


def _types(live: lives.Live) -> tuple[object, ...]:
    return type(live), *map(type, live), *map(type, live.rated), *map(type, live.udr)
