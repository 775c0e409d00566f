"""Compressed files of records come out as they went in; what only an attack has is refused at once."""

import contextlib
import gzip
import io
import lzma
import random
import stat
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmuid.intake.unpacking import Limits, Packing, UnpackError, packing_of, unpacked

LIMITS = Limits()
RECORDS = b"".join(
    b"%d;44207946%04d;33199001234;%d\n" % (n, n * 7 % 9999, n % 613) for n in range(40_000)
)


def zipped(
    *members: tuple[zipfile.ZipInfo | str, bytes], how: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """Make a zip file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as archive:
        for name, octets in members:
            archive.writestr(name, octets)
    return made.getvalue()


def out_of(path: Path, octets: bytes, limits: Limits = LIMITS) -> bytes:
    """Unpack a file with these octets."""
    path.write_bytes(octets)
    return b"".join(unpacked(path, limits))


PACKED = {
    Packing.GZ: gzip.compress(RECORDS),
    Packing.XZ: lzma.compress(RECORDS),
    Packing.ZIP: zipped(("usage.csv", RECORDS)),
}


@pytest.mark.parametrize("packing", Packing)
def test_records_come_out_as_they_went_in(tmp_path: Path, packing: Packing) -> None:
    """Whichever way a file was compressed, its records are those of the plain file."""
    path = tmp_path / "usage"
    assert out_of(path, PACKED[packing]) == RECORDS
    assert packing_of(path) is packing


def test_a_plain_file_is_given_as_it_is(tmp_path: Path) -> None:
    """What is not compressed goes through, an empty file, too."""
    assert out_of(tmp_path / "usage", RECORDS) == RECORDS
    assert packing_of(tmp_path / "usage") is None
    assert not out_of(tmp_path / "usage", b"")
    assert out_of(tmp_path / "usage", zipped(("a", b"1;2\n"), how=zipfile.ZIP_STORED)) == b"1;2\n"


@pytest.mark.parametrize("packing", Packing)
def test_a_file_that_was_cut_or_damaged_is_refused(tmp_path: Path, packing: Packing) -> None:
    """Half an archive is no file: what came out before is not taken for one."""
    whole = PACKED[packing]
    for cut in range(0, len(whole), len(whole) // 60):
        if cut < 8:
            continue
        with pytest.raises(UnpackError, match=r"damaged|early"):
            out_of(tmp_path / "usage", whole[:cut])
    middle = len(whole) // 2
    with pytest.raises(UnpackError, match="damaged"):
        out_of(
            tmp_path / "usage", whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        )


def link() -> zipfile.ZipInfo:
    """Give a member that is a symbolic link."""
    found = zipfile.ZipInfo("usage.csv")
    found.create_system = 3
    found.external_attr = (stat.S_IFLNK | 0o777) << 16
    return found


def encrypted() -> bytes:
    """Give an archive whose member says that it is encrypted."""
    octets = bytearray(zipped(("usage.csv", RECORDS)))
    octets[6] |= 1
    octets[octets.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(octets)


REFUSED = {
    "two members": (zipped(("a", b"1"), ("b", b"2")), "2 members"),
    "no member": (zipped(), "empty zip"),
    "two gz members": (gzip.compress(b"1\n") + gzip.compress(b"2\n"), "more than one member"),
    "two xz streams": (lzma.compress(b"1\n") + lzma.compress(b"2\n"), "more than one member"),
    "rubbish behind": (gzip.compress(b"1\n") + b"rubbish", "more than one member"),
    "gz in zip": (zipped(("a.gz", PACKED[Packing.GZ])), "within a compressed one"),
    "zip in gz": (gzip.compress(PACKED[Packing.ZIP]), "within a compressed one"),
    "xz in xz": (lzma.compress(PACKED[Packing.XZ]), "within a compressed one"),
    "tar in gz": (gzip.compress(b"a".ljust(257, b"\0") + b"ustar\x0000".ljust(800, b"\0")), "kind tar"),
    "tar": (b"a".ljust(257, b"\0") + b"ustar\x0000".ljust(800, b"\0"), "kind tar"),
    "bzip2": (b"BZh91AY&SY....", "kind bzip2"),
    "7z": (b"7z\xbc\xaf\x27\x1c....", "kind seven zip"),
    "a link": (zipped((link(), b"/etc/passwd")), "link"),
    "a directory": (zipped(("calls/", b"")), "directory"),
    "encrypted": (encrypted(), "encrypted"),
    "another way": (zipped(("a", RECORDS), how=zipfile.ZIP_BZIP2), "use deflate"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_switch_sends_is_refused(tmp_path: Path, kind: str) -> None:
    """Whoever hands in something else than one file is told what it is, and what to do."""
    octets, words = REFUSED[kind]
    with pytest.raises(UnpackError, match=words):
        out_of(tmp_path / "usage", octets)


def gz_bomb() -> bytes:
    """Give 10 GiB of nothing in 10 MB, made of one compressed piece over and over."""
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = pack.compress(bytes(1 << 20)) + pack.flush(zlib.Z_FULL_FLUSH)
    piece = pack.compress(bytes(1 << 20)) + pack.flush(zlib.Z_FULL_FLUSH)
    return start + piece * 10_000


def long_directory() -> bytes:
    """Give an archive that says its directory is nearly all of 64 MiB."""
    octets = bytearray(zipped(("a", b"1")))
    end = octets.rindex(b"PK\x05\x06")
    octets[end + 12 : end + 16] = (60 << 20).to_bytes(4, "little")
    return b"PK\x03\x04" + bytes(64 << 20) + bytes(octets)


@pytest.mark.parametrize("bomb", [gz_bomb, long_directory])
def test_a_bomb_is_refused_at_once(tmp_path: Path, bomb: object) -> None:
    """Ten gigabytes in ten megabytes cost neither two seconds nor four megabytes."""
    assert callable(bomb)
    path = tmp_path / "usage"
    path.write_bytes(bomb())
    tracemalloc.start()
    began = time.perf_counter()
    try:
        with pytest.raises(UnpackError):
            for _ in unpacked(path, LIMITS):
                pass
        took = time.perf_counter() - began
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert took < 2
    assert peak < 4 << 20


@pytest.mark.parametrize(
    "pack", [gzip.compress, lzma.compress, lambda octets: zipped(("a", octets))]
)
def test_the_limits_are_those_that_were_set(tmp_path: Path, pack: object) -> None:
    """A ratio of a thousand is refused, and so is more than may come out, whatever the ratio."""
    assert callable(pack)
    with pytest.raises(UnpackError, match="more than 100 octets"):
        out_of(tmp_path / "usage", pack(b"1;2;3\n" * 2_000_000))
    noise = random.Random(4).randbytes(300_000)
    assert out_of(tmp_path / "usage", pack(noise), Limits(octets_max=300_000)) == noise
    with pytest.raises(UnpackError, match="more than 299,999 octets"):
        out_of(tmp_path / "usage", pack(noise), Limits(octets_max=299_999))


@settings(max_examples=150, deadline=None)
@given(
    packing=st.sampled_from(Packing),
    changes=st.lists(
        st.tuples(st.integers(0, 400), st.binary(max_size=3)), min_size=1, max_size=4
    ),
)
def test_damaged_archives_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, packing: Packing, changes: list[tuple[int, bytes]]
) -> None:
    """Any octets instead of others: the file is read or refused in plain words, and nothing else happens."""
    octets = {
        Packing.GZ: gzip.compress(RECORDS[:999]),
        Packing.XZ: lzma.compress(RECORDS[:999]),
        Packing.ZIP: zipped(("usage.csv", RECORDS[:999])),
    }[packing]
    for at, other in changes:
        octets = octets[:at] + other + octets[at + len(other) :]
    path = tmp_path_factory.mktemp("spool") / "usage"
    with contextlib.suppress(UnpackError):
        out_of(path, octets)
