"""Owners that the workers of a machine share: the same ones for all, at each revision, and gone with the last worker."""

import resource
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from asking import Asking
from conftest import ROOT, Database

from bmu.rating import Owners
from bmuid.intake.allowances import Allowances
from bmuid.intake.owning import SharedOwners
from bmuid.intake.sharing import Sharing, own_sharing
from bmuid.intake.snapshot import Snapshot, Snapshots
from bmuid.store import owners, revisions

CATALOGUE = (ROOT / "examples" / "demo" / "catalogue.toml").read_text(encoding="utf-8")
FAMILY = """
[[account]]
number = "CHAIN"
name = "A chain of shops"

[[account]]
number = "SHOP"
name = "One of the shops"
parent = "CHAIN"
inherits_plan = true
[[account.service]]
package = "PAYT"
from = 2026-08-01
uids = [{ type = "phone", value = "441" }]

[[account]]
number = "GUEST"
name = "Whose calls the shop pays"
usage_invoicer = "SHOP"
[[account.service]]
package = "PAYT"
from = 2026-08-01
attributes = { sim = "esim" }
uids = [{ type = "phone", value = "442" }, { type = "imsi", value = "445" }]

[[account]]
number = "OTHER"
name = "Nothing to do with them"
[[account.service]]
package = "PAYT"
from = 2026-08-01
uids = [{ type = "phone", value = "443" }]
"""
UIDS = [
    (type_, value) for type_ in ("phone", "imsi") for value in ("441", "442", "443", "444", "445")
]
# What people do in the course of a year, each in a revision of its own.
CHANGES = (
    ("account_set", {"number": "CHAIN", "rate_plan": "RES"}),
    ("uid_end", {"type": "phone", "value": "443", "to": "2026-09-01"}),
    ("uid_assign", {"type": "phone", "value": "443", "account": "SHOP", "from_": "2026-09-01"}),
    ("uid_assign", {"type": "phone", "value": "444", "account": "OTHER"}),
    ("account_set", {"number": "CHAIN", "rate_plan": "BUS"}),
    ("uid_assign", {"type": "imsi", "value": "444", "account": "GUEST"}),
    ("account_set", {"number": "GUEST", "usage_invoicer": "-"}),
    ("account_exempt", {"number": "OTHER", "certificate": "C-2"}),
    ("account_set", {"number": "SHOP", "attributes": "segment=gold"}),
)


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database with customers whose terms hang on each other."""
    asking = Asking(database)
    assert asking.staff("catalogue_load", document=CATALOGUE).done
    loaded = asking.staff("accounts_load", document=FAMILY)
    assert loaded.done, loaded.body
    return asking


def worker(directory: Path, changes_max: int = 1000) -> SharedOwners:
    """Give what a worker has of owners, who shares however little there is."""
    return SharedOwners(Sharing(directory), shared_min=0, changes_max=changes_max)


def look(asking: Asking, shared: SharedOwners, revision: int = 0) -> Owners:
    """Have a worker load the owners of a revision; none: of the newest."""
    with closing(asking.database.connect("bmuid")) as connection, connection.cursor() as txn:
        return shared.at(txn, revision or revisions.newest(txn))


def plain(asking: Asking, revision: int = 0) -> Owners:
    """Give the same owners, read one by one."""
    with closing(asking.database.connect("bmuid")) as connection, connection.cursor() as txn:
        return Owners(list(owners.at(txn, revision or revisions.newest(txn))))


def left(directory: Path) -> list[str]:
    """Give the names of what is in a directory."""
    return sorted(path.name for path in directory.iterdir())


def told(found: Owners) -> list[object]:
    """Give all that they say of anybody."""
    return [sorted(found.all_of(*uid)) for uid in UIDS]


def newest(asking: Asking) -> int:
    """Give the newest revision."""
    [(revision,)] = asking.sql("SELECT max(id) FROM revision")
    return int(revision)


def test_each_revision_has_its_owners_whatever_was_loaded_before(
    asking: Asking, tmp_path: Path
) -> None:
    """A worker that reads what changed finds the same as one that reads all, forwards and backwards."""
    first = newest(asking)
    for name, texts in CHANGES:
        changed = asking.staff(name, **texts)
        assert changed.done, changed.body
    last = newest(asking)
    expected = {revision: told(plain(asking, revision)) for revision in range(first, last + 1)}
    there_and_back = [*range(first, last + 1), first, *range(last, first, -2)]

    one, other = worker(tmp_path), worker(tmp_path)
    for revision in there_and_back:
        assert told(look(asking, one, revision)) == expected[revision]
        assert told(look(asking, worker(tmp_path), revision)) == expected[revision]
    assert told(look(asking, other, last)) == expected[last]
    assert len(left(tmp_path)) == 1
    assert expected[first] != expected[last]
    assert last - first == len(CHANGES)


def test_an_account_that_changes_nothing_of_others_is_read_alone(asking: Asking) -> None:
    """One change among a million customers is read as one."""
    with closing(asking.database.connect("bmuid")) as connection, connection.cursor() as txn:
        before = revisions.newest(txn)
    asking.staff("account_exempt", number="OTHER", certificate="C-2")
    with closing(asking.database.connect("bmuid")) as connection, connection.cursor() as txn:
        assert owners.changed(txn, before, before + 1, 9) == (("phone", "443"),)
        assert owners.changed(txn, before + 1, before + 1, 9) == ()
        assert owners.changed(txn, 0, before, 3) is None


def test_workers_share_what_one_of_them_packed(asking: Asking, tmp_path: Path) -> None:
    """A second worker needs no memory of its own, and the last to go leaves nothing behind."""
    one, other = worker(tmp_path), worker(tmp_path)
    found = look(asking, one)
    [name] = left(tmp_path)
    packed = (tmp_path / name).stat()
    again = look(asking, other)

    assert told(found) == told(again) == told(plain(asking))
    assert left(tmp_path) == [name]
    assert (tmp_path / name).stat().st_ino == packed.st_ino
    assert packed.st_mode & 0o777 == 0o600
    del found, one
    assert left(tmp_path) == [name]
    del again, other
    assert left(tmp_path) == []


def test_after_many_changes_all_are_packed_anew(asking: Asking, tmp_path: Path) -> None:
    """What is held beside the shared part stays small, and an older part goes when nobody needs it."""
    one = worker(tmp_path, changes_max=2)
    first = look(asking, one)
    [before] = left(tmp_path)
    asking.staff("account_set", number="CHAIN", rate_plan="RES")
    now = look(asking, one)

    assert told(now) == told(plain(asking))
    assert now.changes == 0
    assert len(left(tmp_path)) == 2
    del first
    [after] = left(tmp_path)
    assert after != before


def test_owners_of_another_database_are_not_taken(asking: Asking, tmp_path: Path) -> None:
    """Nor those of the same one before it was led back to an earlier day."""
    held = look(asking, worker(tmp_path))
    [name] = left(tmp_path)
    with closing(asking.database.connect("bmuid")) as connection, connection.cursor() as txn:
        assert revisions.name(txn, newest(asking)) == name
    asking.sql(
        "SET session_replication_role TO replica; UPDATE revision SET at = at + interval '1 second'"
    )

    again = look(asking, worker(tmp_path))

    assert len(left(tmp_path)) == 2
    assert told(held) == told(again)


HOLDER = """
import sys, time
from pathlib import Path
from bmuid.intake.sharing import Sharing
sharing = Sharing(Path(sys.argv[1]))
with sharing.alone():
    held = sharing.put("held", [b"x" * 9])
print("holds", flush=True)
time.sleep(600)
"""


def test_what_killed_workers_leave_goes_when_the_next_one_looks(tmp_path: Path) -> None:
    """As long as one process maps it, it stays; kill -9 leaves no memory taken for ever."""
    (tmp_path / "half.part").write_bytes(b"of a worker that was killed as it wrote")
    sharing = Sharing(tmp_path)
    command = (sys.executable, "-c", HOLDER, str(tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"holds\n"
            with sharing.alone():
                sharing.sweep()
            assert sharing.names() == left(tmp_path) == ["held"]
            mapped = sharing.map("held")
        finally:
            holder.kill()

    with sharing.alone():
        sharing.sweep()
    assert mapped is not None
    assert bytes(mapped) == b"x" * 9
    assert sharing.names() == ["held"]
    del mapped
    assert left(tmp_path) == []
    assert sharing.map("held") is None


def test_what_the_killed_alone_had_is_removed(tmp_path: Path) -> None:
    """Nobody else holds it: the next look removes it."""
    (tmp_path / "held").write_bytes(b"of workers that were killed")
    sharing = Sharing(tmp_path)

    with sharing.alone():
        sharing.sweep()

    assert left(tmp_path) == []


def test_without_room_each_worker_has_its_own(
    asking: Asking, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A full memory disk costs memory, never a call."""
    shared = worker(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        found = look(asking, shared)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert told(found) == told(plain(asking))
    assert left(tmp_path) == []
    assert "owners are not shared" in caplog.text
    assert told(look(asking, SharedOwners(None))) == told(found)


def test_a_directory_that_others_may_enter_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever made a directory of that name first, no number is read from it."""
    ours = own_sharing(tmp_path)
    assert ours is not None
    assert ours.directory.parent == tmp_path
    assert ours.directory.stat().st_mode & 0o777 == 0o700
    assert own_sharing(tmp_path) == ours

    ours.directory.chmod(0o750)
    assert own_sharing(tmp_path) is None
    assert "is not ours alone" in caplog.text


def test_a_tariff_that_did_not_change_is_not_compiled_again(asking: Asking) -> None:
    """A number that changes hands does not make rating wait for 200,000 prices."""
    snapshots = Snapshots()

    def tariff() -> object:
        with closing(asking.database.connect("bmuid")) as connection, connection.cursor() as txn:
            found = snapshots.at(txn, revisions.newest(txn)).tariff
            assert found.revision == revisions.newest(txn)
            return found.rates

    first = tariff()
    asking.staff("uid_end", type="phone", value="443", to="2026-09-01")
    assert tariff() is first
    document = CATALOGUE.replace('name = "Residential"', 'name = "Residential, new"')
    assert asking.staff("catalogue_load", document=document).done
    assert tariff() is not first


def test_what_was_granted_is_not_asked_for_again_when_owners_change(asking: Asking) -> None:
    """A number that changes hands makes no work for a million others; new prices or allowances do."""
    snapshots = Snapshots()

    def snapshot() -> Snapshot:
        with closing(asking.database.connect("bmuid")) as connection, connection.cursor() as txn:
            return snapshots.at(txn, revisions.newest(txn))

    first = snapshot()
    asking.staff("uid_end", type="phone", value="443", to="2026-09-01")
    second = snapshot()
    document = CATALOGUE.replace('name = "Residential"', 'name = "Residential, new"')
    assert asking.staff("catalogue_load", document=document).done
    third = snapshot()

    assert second.tariff is not first.tariff
    assert second.grants_as(first.tariff)
    assert not third.grants_as(second.tariff)
    assert not first.grants_as(None)
    shared = replace(second, allowances=Allowances(begin_with_use=True))
    assert not shared.grants_as(first.tariff)
    assert shared.grants_as(second.tariff)
