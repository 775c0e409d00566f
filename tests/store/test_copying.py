"""Rows on their way into the database: the same octets, compiled or not, and what comes out is what went in."""

import json
import struct
from contextlib import closing
from types import ModuleType

import psycopg2
import pytest
from conftest import Database
from hypothesis import given
from hypothesis import strategies as st

from bmu.rating.detail import Detail, detail_of
from bmuid.store import copying
from bmuid.store.copying import (
    CONSTANTS,
    EACH,
    INSTANT,
    INT2,
    INT4,
    INT8,
    JSON,
    LESS,
    OCTETS,
    ONCE,
    TEXT,
    WHOLE,
    Field,
    Rows,
    copy_in,
    decode_plainly,
    decoded,
    encode_all,
    encode_plainly,
    encoded,
)

VALUES = {
    INT2: st.integers(-(2**15), 2**15 - 1),
    INT4: st.integers(-(2**31), 2**31 - 1),
    INT8: st.integers(-(2**63), 2**63 - 1),
    INSTANT: st.integers(-(10**15), 10**16),
    TEXT: st.text(),
    OCTETS: st.binary(),
    JSON: st.builds(Detail, aggregate=st.text() | st.none(), recorded_e11=st.integers())
    | st.dictionaries(st.text(), st.text()),
}
FIELDS = (*(Field(form, 0, item) for item, form in enumerate(VALUES)), Field(INT8, 1, WHOLE))
rows = st.lists(st.tuples(*(each | st.none() for each in VALUES.values())), max_size=20)


@pytest.fixture(scope="module")
def compiled() -> ModuleType:
    """Give the compiled form."""
    return pytest.importorskip("bmuid.store._copying", reason="built without a compiler")


@given(rows, st.data())
def test_compiled_or_not_the_octets_are_the_same(
    compiled: ModuleType, found: list[tuple[object, ...]], data: st.DataObject
) -> None:
    """Whatever stands in the rows, from any row to any other."""
    numbers = list(range(len(found)))
    first = data.draw(st.integers(0, len(found)))
    last = data.draw(st.integers(first, len(found)))
    fields = (*FIELDS, Field(TEXT, CONSTANTS, 0))
    given_ = fields, (found, numbers), (encode_all(TEXT, ["always"])[0],), first, last, ONCE

    assert compiled.encode(*given_) == encode_plainly(*given_)


@given(
    st.lists(
        st.tuples(
            st.text(),
            st.lists(st.tuples(VALUES[INT8], VALUES[INT8].filter(lambda n: n > -(2**63)))).map(
                tuple
            ),
        ),
        max_size=8,
    )
)
def test_as_many_rows_as_a_row_holds(
    compiled: ModuleType, found: list[tuple[str, tuple[tuple[int, int], ...]]]
) -> None:
    """One for each, with what stands beside it; where nothing is held there is no row."""
    fields = (Field(TEXT, 0, 0), Field(INT8, EACH, 0), Field(LESS, EACH, 1), Field(INT4, 1, WHOLE))
    given_ = fields, (found, list(range(len(found)))), (), 0, len(found), (0, 1)
    expected = [
        (text, one, -other, place)
        for place, (text, held) in enumerate(found)
        for one, other in held
    ]

    octets = compiled.encode(*given_)

    assert octets == encode_plainly(*given_)
    assert decode_plainly(TEXT + INT8 + INT8 + INT4, octets) == expected


@pytest.mark.parametrize(
    ("row", "each"),
    [
        ((1,), (0, 0)),
        ((1,), (0, 1)),
        ((1,), (1, 0)),
        ((((1,),),), (0, -2)),
        (((1,),), (0, 0)),
        (((),), ONCE),
    ],
)
def test_rows_for_each_of_what_is_not_held_are_refused(
    compiled: ModuleType, row: tuple[object, ...], each: tuple[int, int]
) -> None:
    """As any other mistake in a table's fields."""
    with pytest.raises((TypeError, ValueError)):
        compiled.encode((Field(INT8, EACH, 0),), ([row],), (), 0, 1, each)


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (INT2, 2**15),
        (INT4, -(2**31) - 1),
        (INT8, 2**63),
        (LESS, -(2**63)),
        (LESS, 2**63),
        (LESS, "1"),
        (INT8, "1"),
        (TEXT, 1),
        (TEXT, "\ud800"),
        (OCTETS, "text"),
        (JSON, "text"),
    ],
)
def test_what_is_not_of_its_form_is_refused(
    compiled: ModuleType, form: str, value: object
) -> None:
    """A value that does not fit its column never gets there as another one."""
    refusals = (OverflowError, TypeError, ValueError, struct.error)
    with pytest.raises(refusals):
        compiled.encode((Field(form, 0, 0),), ([(value,)],), (), 0, 1, ONCE)


@pytest.mark.parametrize(
    ("fields", "sources"),
    [
        ((Field(INT8, 0, 1),), ([(1,)],)),
        ((Field(INT8, 1, 0),), ([(1,)],)),
        ((Field(INT8, 0, 0),), ([1],)),
        ((Field(INT8, 0, 0),), (((1,),),)),
        ((Field(INT8, 0, 0),), ([],)),
        ((Field(INT8, CONSTANTS, 0),), ([(1,)],)),
        ((Field("x", 0, 0),), ([(1,)],)),
        ((Field(INT8, 0, WHOLE),) * 65, ([1],)),
    ],
)
def test_rows_that_are_not_as_said_are_refused(
    compiled: ModuleType, fields: tuple[Field, ...], sources: tuple[list[object], ...]
) -> None:
    """A mistake in a table's fields ends in an error, never in memory that is somebody else's."""
    with pytest.raises((TypeError, ValueError)):
        compiled.encode(fields, sources, (), 0, 1, ONCE)


@pytest.mark.parametrize("plainly", [True, False])
def test_the_database_reads_what_was_written(
    database: Database, monkeypatch: pytest.MonkeyPatch, *, plainly: bool
) -> None:
    """Numbers, instants, texts, octets, details and nulls come out as they went in, row by row, also beyond one piece."""
    if plainly:
        monkeypatch.setattr(copying, "_encode_rows", encode_plainly)
    found = [
        (-1, 2**31 - 1, -(2**63), 0, "Zoë 🙂", b"\x00\xff", Detail(aggregate="Zoë")),
        (None, None, None, None, None, None, None),
        *((n, n, n, n * 1_000_000, str(n), b"", None) for n in range(2500)),
    ]
    with closing(database.connect("postgres")) as connection, connection.cursor() as txn:
        txn.execute(
            "CREATE TEMP TABLE t (a smallint, b integer, c bigint, d timestamptz, e text, f bytea, g jsonb, n bigint, k text)"
        )
        statement = "COPY t FROM STDIN BINARY"
        fields = (*FIELDS, Field(TEXT, CONSTANTS, 0))
        copy_in(
            txn, statement, encoded(Rows(fields, (found, list(range(len(found)))), ((TEXT, "k"),)))
        )
        txn.execute(
            "SELECT a, b, c, (extract(epoch FROM d) * 1000000)::bigint, e, f, g, n, k FROM t ORDER BY n"
        )
        back = txn.fetchall()

    assert [
        (*row[:5], row[5] and bytes(row[5]), row[6] and detail_of(row[6])) for row in back
    ] == found
    assert [row[7:] for row in back] == [(n, "k") for n in range(len(found))]


def test_a_file_that_breaks_off_writes_nothing(database: Database) -> None:
    """A value that can't be encoded fails the whole statement, whatever was sent before it."""
    with closing(database.connect("postgres")) as connection, connection.cursor() as txn:
        txn.execute("CREATE TABLE t (n bigint)")
        connection.commit()
        numbers: list[object] = [*range(5000), 2**63]
        with pytest.raises((psycopg2.Error, OverflowError, struct.error)):
            copy_in(
                txn,
                "COPY t FROM STDIN BINARY",
                encoded(Rows((Field(INT8, 0, WHOLE),), (numbers,))),
            )
        connection.rollback()
        txn.execute("SELECT count(*) FROM t")
        assert txn.fetchone() == (0,)


READ = {form: values for form, values in VALUES.items() if form != JSON} | {
    JSON: st.dictionaries(st.text(), st.text())
}
read_rows = st.lists(st.tuples(*(each | st.none() for each in READ.values())), max_size=20)


def octets_of(found: list[tuple[object, ...]]) -> bytes:
    """Encode rows, a field of each form."""
    fields = tuple(Field(form, 0, item) for item, form in enumerate(READ))
    return b"".join(encoded(Rows(fields, (found,))))


@given(read_rows)
def test_what_is_read_is_what_was_written(found: list[tuple[object, ...]]) -> None:
    """Compiled or not: each value of each form, and nulls; of JSON the text."""
    forms, octets = "".join(READ), octets_of(found)
    wanted = [
        tuple(
            json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            if isinstance(value, dict)
            else value
            for value in row
        )
        for row in found
    ]
    assert decode_plainly(forms, octets) == wanted
    assert decoded(forms, memoryview(octets)) == wanted


@given(read_rows.filter(bool), st.data())
def test_what_is_cut_or_of_other_forms_is_told(
    found: list[tuple[object, ...]], data: st.DataObject
) -> None:
    """Nothing is made of octets that are not whole rows."""
    forms, octets, whole = "".join(READ), octets_of(found), octets_of(found[:-1])
    cut = octets[: data.draw(st.integers(len(whole) + 1, len(octets) - 1))]
    for decode in (decode_plainly, decoded):
        with pytest.raises(ValueError, match="row of"):
            decode(forms[1:], octets)
        with pytest.raises(ValueError, match="row"):
            decode(forms, cut)
