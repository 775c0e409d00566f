"""What was charged, read again: the same compiled or not, whatever the rows hold."""

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
    *((INT8, BIGS), (INT8, FEW), (INT8, BIGS), (TEXT, st.text()), (TEXT, st.text())),
    (JSON, NONE | st.dictionaries(st.text(), st.text(), max_size=2)),
)
CHARGES = st.lists(
    st.tuples(*(values for _, values in FIELDS)), max_size=12, unique_by=lambda row: row[2:4]
)
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
@given(CHARGES, NAMES)
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


def _types(live: lives.Live) -> tuple[object, ...]:
    return type(live), *map(type, live), *map(type, live.rated), *map(type, live.udr)
