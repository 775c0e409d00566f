"""Owners as octets that processes share: the same owners as they were packed of, compiled or not."""

import struct
from collections.abc import Iterator
from datetime import date
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.period import FOREVER_US
from bmu.rating import Exemption, Owner, OwnerRow, Owners, Terms, UnratedReason
from bmu.rating.packed import HEAD, PART_OF_NOBODY, SEVERAL, PackedTerms, PlainPacked
from bmu.rating.packing import COPIED_EPOCH_US, Kinds, pack, pack_copied_plainly
from bmu.usage import UDR

SOME = Terms("HOME", "GBP", "Europe/London", country="GB")
ALL = Terms(
    *("SHOP", "EUR", "UTC", "AGREED", "LAST", "OWN", "PAYS", "DE", "BY", "retail"),
    exemptions=(
        Exemption("C-1"),
        Exemption("Nº 2", "VAT", date(2026, 1, 1), date(2027, 1, 1)),
    ),
    attributes=(("account.segment", "gold"), ("service.sim", "é")),
)
TYPES = ("phone", "imsi")
VALUES = ("441", "442", "44 é", "1" * 128, "")
PARTS = 3
numbers = st.integers(-(2**63), 2**63 - 1)
rows = st.builds(
    OwnerRow,
    uid_id=numbers,
    uid_type=st.sampled_from(TYPES),
    value=st.sampled_from(VALUES),
    from_us=st.integers(-5, 5),
    to_us=st.integers(-5, 5) | st.just(FOREVER_US),
    account_id=st.integers(-4, 9) | numbers,
    account_service_id=numbers,
    terms=st.sampled_from((SOME, ALL)),
    bill_day=st.integers(1, 28),
)
asked_types, asked_values = st.sampled_from((*TYPES, "ip")), st.sampled_from((*VALUES, "\ud800"))


@pytest.fixture(scope="module")
def compiled() -> ModuleType:
    """Give the compiled form."""
    found: ModuleType = pytest.importorskip(
        "bmu.rating._owners", reason="built without a compiler"
    )
    return found


def owner_of(row: OwnerRow) -> Owner:
    """Give the owner that a row tells of."""
    return Owner(*row[3:5], row.uid_id, *row[5:7], row.terms, row.bill_day)


def event(uid_type: str, uid: str, us: int) -> UDR:
    """Give usage of an identifier that began at an instant."""
    return UDR(1, b"-" * 16, 0, uid_type, uid, "voice", us, 1, "", "")


@given(st.lists(rows, max_size=20), asked_types, asked_values, st.integers(-6, 6))
def test_packed_owners_are_those_of_the_rows(
    compiled: ModuleType, given_: list[OwnerRow], uid_type: str, value: str, us: int
) -> None:
    """Who owns a number, when, on what terms and in which part: as the rows say, plain and compiled."""
    octets = pack(given_)
    theirs = [owner_of(row) for row in given_ if (row.uid_type, row.value) == (uid_type, value)]
    parts = {owner.account_id % PARTS for owner in theirs} or {PART_OF_NOBODY}
    at = min(parts) if len(parts) == 1 else SEVERAL

    for form in (PlainPacked, compiled.Packed):
        packed = form(octets, PackedTerms(octets))
        assert sorted(packed.all_of(uid_type, value)) == sorted(theirs)
        assert packed.uids == len({row[1:3] for row in given_})
        found = packed.find(uid_type, value, us)
        then = [owner for owner in theirs if owner.from_us <= us < owner.to_us]
        reason = UnratedReason.UID_NOT_IN_PERIOD if theirs else UnratedReason.NO_UID
        assert found in then if then else found is reason
        assert packed.find_all([event(uid_type, value, us), event("fax", "1", us)]) == [
            found,
            UnratedReason.NO_UID,
        ]
        for part in range(PARTS):
            only = theirs[0] if len(theirs) == 1 and part == at else None
            uids = [(uid_type, value), None, ("ip", "")] * 30
            nobody = PART_OF_NOBODY, None
            assert packed.homes(uids, PARTS, part) == [(at, only), nobody, nobody] * 30


def test_owners_of_many_events_are_found_at_once(compiled: ModuleType) -> None:
    """However many there are, each in its place."""
    number = [OwnerRow(n, "phone", f"44{n}", 0, 10, n, n, SOME, 1) for n in range(1, 400)]
    octets = pack(number)
    events = [event("phone", f"44{n * 7 % 500}", n % 12) for n in range(1000)]

    plain, quick = (
        form(octets, PackedTerms(octets)).find_all(events)
        for form in (PlainPacked, compiled.Packed)
    )

    assert quick == plain
    assert [owner.uid_id for owner in quick[:3] if isinstance(owner, Owner)] == [7, 14]
    assert set(quick[8:12]) >= {UnratedReason.UID_NOT_IN_PERIOD}


@given(st.lists(rows, max_size=20), st.sets(st.tuples(asked_types, asked_values)), st.data())
def test_changes_take_the_place_of_what_was_packed(
    given_: list[OwnerRow], changed: set[tuple[str, str]], data: st.DataObject
) -> None:
    """A number that changes hands, or is nobody's any more, and all others as they were."""
    uids = [uid for uid in changed if uid[1] in VALUES and uid[0] in TYPES]
    uid_rows = st.lists(
        st.builds(lambda row, uid: row._replace(uid_type=uid[0], value=uid[1]), rows, st.sampled_from(uids))
    ) if uids else st.just([])  # fmt: skip
    now = data.draw(uid_rows)
    both = [row for row in given_ if row[1:3] not in changed] + now

    found, expected = Owners(given_).with_changes(uids, now), Owners(both)

    for uid_type in TYPES:
        for value in VALUES:
            uid = uid_type, value
            if uid in changed and uid not in uids:
                continue
            assert sorted(found.all_of(*uid)) == sorted(expected.all_of(*uid))
            assert found.homes([uid, None], PARTS, 1) == expected.homes([uid, None], PARTS, 1)
            for us in range(-6, 7):
                one, other = found.find(*uid, us), expected.find(*uid, us)
                assert isinstance(one, Owner) == isinstance(other, Owner)
                assert isinstance(one, Owner) or one is other
                assert found.find_all([event(*uid, us)]) == [one]
    assert len(found) == len(expected)
    assert found.changes == len(uids)


def copied(row: OwnerRow) -> bytes:
    """Write a row as PostgreSQL copies it out."""
    from_, to = (struct.pack(">q", us - COPIED_EPOCH_US) for us in (row.from_us, row.to_us))
    key = f"{row.uid_type}:{row.value}".encode()
    fields = [key, from_] if row.to_us == FOREVER_US else [key, from_, to]
    written = [struct.pack(">i", len(field)) + field for field in fields]
    if row.to_us == FOREVER_US:
        written.append(struct.pack(">i", -1))
    numbers = struct.pack(
        ">iqiqiqih", 8, row.uid_id, 8, row.account_id, 8, row.account_service_id, 2, row.bill_day
    )
    plain = [text.encode() for text in (row.terms.package, "GBP", "UTC", "GB")]
    return b"".join(
        [struct.pack(">h", 11), *written, numbers, *(struct.pack(">i", len(one)) + one for one in plain)]
    )  # fmt: skip


class Numbered(dict[bytes, int]):
    """Numbers for what was not seen before."""

    def __missing__(self, key: bytes) -> int:
        self[key] = len(self)
        return self[key]


def plain_terms(numbered: Numbered) -> Iterator[Terms]:
    """Give the terms that numbers were given to."""
    for fields in numbered:
        [length] = struct.unpack_from(">i", fields)
        yield Terms(fields[4 : 4 + length].decode(), "GBP", "UTC", country="GB")


@given(st.lists(rows.map(lambda row: row._replace(from_us=abs(row.from_us))), max_size=20))
def test_what_is_copied_out_is_packed_alike(compiled: ModuleType, given_: list[OwnerRow]) -> None:
    """Rows of the database, some services with terms of their own: octet for octet, and the same owners."""
    octets, special = b"".join(map(copied, given_)), {}
    for row in given_:
        if row.account_service_id % 2:
            special[row.account_service_id] = 0
    outcomes = []
    for form in (pack_copied_plainly, compiled.pack_copied):
        numbered = Numbered({b"": 0})
        outcomes.append((bytes(form(octets, numbered, special)), list(numbered)))
    assert outcomes[0] == outcomes[1]

    kinds = Kinds()
    numbered = Numbered({b"\0\0\0\0": 0})
    packed = compiled.pack_copied(octets, numbered, special)
    for terms in plain_terms(numbered):
        kinds.number(terms)
    owners = Owners(packed + kinds.packed())
    for row in given_:
        package = "" if row.account_service_id in special else row.terms.package
        terms = Terms(package, "GBP", "UTC", country="GB")
        assert owner_of(row._replace(terms=terms)) in owners.all_of(row.uid_type, row.value)


@given(
    st.binary(max_size=60)
    | st.lists(rows, min_size=1, max_size=3).map(lambda some: b"".join(map(copied, some))[:-1])
)
def test_what_is_no_row_is_refused(compiled: ModuleType, octets: bytes) -> None:
    """A stream that is cut, or something else, is no million owners fewer."""
    for form in (pack_copied_plainly, compiled.pack_copied):
        if not octets:
            continue
        with pytest.raises(ValueError, match="no rows of owners"):
            form(octets, Numbered(), {})


@given(st.lists(rows, max_size=8), st.data())
def test_octets_that_were_written_over_are_not_read_beyond_their_end(
    compiled: ModuleType, given_: list[OwnerRow], data: st.DataObject
) -> None:
    """Whatever a file holds by then, a worker goes on or is told so; it never dies of it."""
    octets = pack(given_)
    for _ in range(data.draw(st.integers(1, 9))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    cut = octets[: data.draw(st.integers(0, len(octets)))]
    for some in (octets, cut):
        try:
            packed = compiled.Packed(some, dict.fromkeys(range(2), SOME))
            for uid_type in TYPES:
                for value in VALUES:
                    packed.all_of(uid_type, value)
                    packed.find(uid_type, value, 0)
        except (ValueError, KeyError):
            continue


def test_something_else_is_refused(compiled: ModuleType) -> None:
    """Octets of another program or version are not taken for owners."""
    whole = bytes(pack([]))
    for form in (PlainPacked, compiled.Packed):
        for octets in (b"", b"x" * HEAD.size, b"x" + whole[1:], whole[: HEAD.size]):
            with pytest.raises(ValueError, match="no packed owners"):
                form(octets, {})


def test_terms_are_read_once_however_many_share_them() -> None:
    """A million customers of ten packages are ten terms in memory."""
    octets = pack([OwnerRow(1, "phone", str(n), 0, 9, n, n, ALL, 1) for n in range(3)])
    terms = PackedTerms(octets)

    assert terms[0] == ALL
    assert terms[0] is terms[0]
