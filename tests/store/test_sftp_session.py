"""What a client of the SFTP door can do with its source's directory, and what it can't, without a network."""

import os
import resource
import signal
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmuid.doors.sftp_folder import Folder
from bmuid.doors.sftp_session import HANDLES_MAX, Session
from bmuid.doors.sftp_uploads import Terms
from bmuid.doors.sftp_wire import (
    Attributes,
    Code,
    Entry,
    Fields,
    Kind,
    Open,
    PacketError,
    Packets,
    names,
    packet,
    text,
)
from bmuid.intake.spool import Spool

FILE_OCTETS_MAX = 10_000
WRITE = Open.WRITE | Open.CREATE | Open.TRUNCATE
NO_ATTRIBUTES = struct.pack(">I", 0)
SIZE_NONE = struct.pack(">IQ", 1, 0)
MODE_ALL = struct.pack(">II", 4, 0o7777)


@dataclass
class Asker:
    """A client that says what it likes."""

    session: Session
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def ask(self, kind: int, body: bytes) -> tuple[int, Fields]:
        """Ask; give the kind of the answer, and its fields."""
        request = next(self.numbers)
        octets = self.session.answer(bytes((kind,)) + struct.pack(">I", request) + body)
        [answer] = Packets().feed(octets)
        fields = Fields(answer, 1)
        assert fields.number() == request
        return answer[0], fields

    def code(self, kind: int, body: bytes) -> Code:
        """Ask what is answered with how it went; anything else is OK."""
        answer, fields = self.ask(kind, body)
        return Code(fields.number()) if answer == Kind.STATUS else Code.OK

    def open(self, path: bytes, how: Open = WRITE) -> bytes:
        """Open; give the handle."""
        answer, fields = self.ask(Kind.OPEN, text(path) + struct.pack(">I", how) + NO_ATTRIBUTES)
        assert answer == Kind.HANDLE, fields.number()
        return fields.octets()

    def write(self, handle: bytes, offset: int, octets: bytes) -> Code:
        """Write."""
        return self.code(Kind.WRITE, text(handle) + struct.pack(">Q", offset) + text(octets))

    def close(self, handle: bytes) -> Code:
        """Close."""
        return self.code(Kind.CLOSE, text(handle))

    def put(self, path: bytes, octets: bytes) -> Code:
        """Open, write, close."""
        handle = self.open(path)
        assert self.write(handle, 0, octets) is Code.OK
        return self.close(handle)

    def rename(self, old: bytes, new: bytes) -> Code:
        """Rename."""
        return self.code(Kind.RENAME, text(old) + text(new))

    def size(self, path: bytes) -> int | None:
        """Ask for the size of a file; None: there is none."""
        answer, fields = self.ask(Kind.STAT, text(path))
        return fields.attributes().size if answer == Kind.ATTRS else None

    def listed(self) -> dict[bytes, int | None]:
        """List the directory."""
        _, fields = self.ask(Kind.OPENDIR, text(b"."))
        handle = fields.octets()
        found = {}
        while True:
            answer, fields = self.ask(Kind.READDIR, text(handle))
            if answer == Kind.STATUS:
                assert Code(fields.number()) is Code.EOF
                break
            for _ in range(fields.number()):
                name, _ = fields.octets(), fields.octets()
                found[name] = fields.attributes().size
        assert self.close(handle) is Code.OK
        return found


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Give a spool with one source."""
    (tmp_path / "spool").mkdir()
    made = Spool(tmp_path / "spool")
    made.make("pbx")
    return made


@pytest.fixture
def arriving(spool: Spool) -> Path:
    """Give the in/ of the source."""
    return spool.root / "pbx" / "in"


def client(arriving: Path, room_octets_min: int = 0) -> Asker:
    """Let one more client in."""
    terms = Terms(FILE_OCTETS_MAX, room_octets_min)
    session = Session(Folder(arriving, terms), "pbx")
    assert session.answer(b"\x01" + struct.pack(">I", 3))
    return Asker(session)


@pytest.fixture
def asker(arriving: Path) -> Asker:
    """Give a client that is let in."""
    return client(arriving)


def taken(spool: Spool) -> list[str]:
    """Give what intake would take now."""
    return [each.name for each in spool.take("pbx")]


class TestAFile:
    """When a file is complete."""

    def test_is_nothing_before_it_is_closed(self, asker: Asker, spool: Spool) -> None:
        """Under its final name: intake sees it when the client has closed it in order."""
        handle = asker.open(b"/Master.csv")
        assert asker.write(handle, 0, b"one\n") is Code.OK
        before, listed = taken(spool), asker.listed()
        assert asker.close(handle) is Code.OK

        assert (before, listed, taken(spool)) == ([], {}, ["Master.csv"])

    def test_cut_before_its_close_never_was(
        self, asker: Asker, spool: Spool, arriving: Path
    ) -> None:
        """The connection ends: of an upload under its final name nothing is left."""
        assert asker.write(asker.open(b"Master.csv"), 0, b"one\n") is Code.OK
        asker.session.end()

        assert taken(spool) == []
        assert list(arriving.iterdir()) == []

    @pytest.mark.parametrize("name", [b"x.csv.part", b".x.csv", b"x.csv.filepart"])
    def test_is_complete_when_its_client_renames_it(
        self, asker: Asker, spool: Spool, name: bytes
    ) -> None:
        """As the manual says for the directory, and as WinSCP does it."""
        assert asker.put(name, b"one\n") is Code.OK
        before = taken(spool)
        assert asker.rename(name, b"x.csv") is Code.OK

        assert (before, taken(spool)) == ([], ["x.csv"])

    def test_can_be_gone_on_with(self, asker: Asker, arriving: Path) -> None:
        """Cut in the middle, an unfinished file is gone on with by another connection where it ends."""
        assert asker.write(asker.open(b"x.part"), 0, b"one\n") is Code.OK
        asker.session.end()
        again = client(arriving)
        assert again.size(b"x.part") == 4
        handle = again.open(b"x.part", Open.WRITE)
        assert again.write(handle, 4, b"two\n") is Code.OK
        assert again.close(handle) is Code.OK
        assert again.rename(b"x.part", b"x.csv") is Code.OK

        assert (arriving / "x.csv").read_bytes() == b"one\ntwo\n"

    def test_is_written_in_any_order(self, asker: Asker, arriving: Path) -> None:
        """Clients have many requests under way."""
        handle = asker.open(b"x.csv")
        for offset in (6, 0, 3):
            assert asker.write(handle, offset, b"abc") is Code.OK
        assert asker.close(handle) is Code.OK

        assert (arriving / "x.csv").read_bytes() == b"abcabcabc"

    def test_is_added_to_at_its_end(self, asker: Asker, arriving: Path) -> None:
        """Who opens to append writes at the end, whatever offset is said."""
        assert asker.put(b"x.part", b"one\n") is Code.OK
        handle = asker.open(b"x.part", Open.WRITE | Open.APPEND)
        assert asker.write(handle, 0, b"two\n") is Code.OK
        assert asker.close(handle) is Code.OK

        assert (arriving / "x.part").read_bytes() == b"one\ntwo\n"

    def test_that_was_taken_already_is_still_told_of(self, asker: Asker, arriving: Path) -> None:
        """Many clients look for what they handed in, and call it failed when it is not there."""
        assert asker.put(b"x.csv", b"one\n") is Code.OK
        assert asker.put(b"y.part", b"three\n") is Code.OK
        assert asker.rename(b"y.part", b"y.csv") is Code.OK
        (arriving / "x.csv").unlink()
        (arriving / "y.csv").unlink()

        assert (asker.size(b"x.csv"), asker.size(b"y.csv"), asker.size(b"z.csv")) == (4, 6, None)

    def test_gets_times_and_modes_without_an_error(self, asker: Asker) -> None:
        """`put -p` sets them; they mean nothing here."""
        handle = asker.open(b"x.part")

        assert asker.code(Kind.FSETSTAT, text(handle) + MODE_ALL) is Code.OK
        assert asker.code(Kind.SETSTAT, text(b"x.part") + MODE_ALL) is Code.OK
        assert asker.ask(Kind.FSTAT, text(handle))[1].attributes().mode == stat.S_IFREG | 0o640


class TestWhatWaits:
    """Nobody's octets are lost, and none are changed after they were handed in."""

    def test_is_not_replaced(self, asker: Asker, arriving: Path) -> None:
        """A file of the same name is refused while the first waits: at its beginning, at its end, at its rename."""
        early = asker.open(b"x.csv")
        assert asker.put(b"x.csv", b"first\n") is Code.OK
        assert asker.put(b"y.part", b"second\n") is Code.OK
        body = text(b"x.csv") + struct.pack(">I", WRITE) + NO_ATTRIBUTES

        assert asker.code(Kind.OPEN, body) is Code.FAILURE
        assert asker.close(early) is Code.FAILURE
        assert asker.rename(b"y.part", b"x.csv") is Code.FAILURE
        assert (arriving / "x.csv").read_bytes() == b"first\n"
        assert asker.listed() == {b"x.csv": 6, b"y.part": 7}

    def test_is_not_the_clients_any_more(self, asker: Asker, arriving: Path) -> None:
        """Handed in, it can't be written to, renamed, removed, cut short or read."""
        assert asker.put(b"x.csv", b"first\n") is Code.OK
        opened = [
            asker.code(Kind.OPEN, text(b"x.csv") + struct.pack(">I", how) + NO_ATTRIBUTES)
            for how in (Open.READ, Open.WRITE, Open.WRITE | Open.APPEND, Open.READ | Open.WRITE)
        ]

        assert Code.OK not in opened
        assert asker.rename(b"x.csv", b"x.part") is Code.PERMISSION_DENIED
        assert asker.code(Kind.REMOVE, text(b"x.csv")) is Code.PERMISSION_DENIED
        assert asker.code(Kind.SETSTAT, text(b"x.csv") + SIZE_NONE) is Code.PERMISSION_DENIED
        assert (arriving / "x.csv").read_bytes() == b"first\n"

    def test_what_another_connection_writes_is_left_to_it(
        self, asker: Asker, arriving: Path
    ) -> None:
        """One unfinished file has one writer: nobody else opens, renames or removes it."""
        handle = asker.open(b"x.part")
        other = client(arriving)
        body = text(b"x.part") + struct.pack(">I", WRITE) + NO_ATTRIBUTES

        assert other.code(Kind.OPEN, body) is Code.FAILURE
        assert other.rename(b"x.part", b"x.csv") is Code.FAILURE
        assert other.code(Kind.REMOVE, text(b"x.part")) is Code.FAILURE
        assert asker.close(handle) is Code.OK
        assert other.code(Kind.REMOVE, text(b"x.part")) is Code.OK

    def test_two_uploads_of_one_name_are_not_mixed(self, asker: Asker, arriving: Path) -> None:
        """A client that lost its connection begins again while the old one still seems to be there."""
        other = client(arriving)
        first, second = asker.open(b"x.csv"), other.open(b"x.csv")
        assert asker.write(first, 0, b"old old old\n") is Code.OK
        assert other.write(second, 0, b"new\n") is Code.OK
        assert other.close(second) is Code.OK
        asker.session.end()

        assert (arriving / "x.csv").read_bytes() == b"new\n"

    @pytest.mark.parametrize("again", ["open", "rename", "remove"])
    def test_a_crash_between_the_two_names_harms_nothing(
        self, asker: Asker, arriving: Path, again: str
    ) -> None:
        """Killed when a file had its final name and still its old one: the next try ends well, nothing is written to."""
        assert asker.put(b"x.part", b"handed in\n") is Code.OK
        os.link(arriving / "x.part", arriving / "x.csv")
        match again:
            case "open":
                assert asker.put(b"x.part", b"another\n") is Code.OK
            case "rename":
                assert asker.rename(b"x.part", b"x.csv") is Code.OK
            case _:
                assert asker.code(Kind.REMOVE, text(b"x.part")) is Code.OK

        assert (arriving / "x.csv").read_bytes() == b"handed in\n"
        assert (arriving / "x.part").exists() == (again == "open")


class TestLimits:
    """What there is not endless room for."""

    def test_a_file_too_large_is_gone(self, asker: Asker, arriving: Path) -> None:
        """Written on beyond the limit, nothing of it is handed in, even when the client closes it as if all were well."""
        handle = asker.open(b"x.csv")
        part = asker.open(b"y.part")
        for one in (handle, part):
            assert asker.write(one, 0, b"x" * FILE_OCTETS_MAX) is Code.OK
            assert asker.write(one, FILE_OCTETS_MAX, b"x") is Code.FAILURE
            assert asker.write(one, 0, b"x") is Code.FAILURE
            assert asker.close(one) is Code.FAILURE

        assert list(arriving.iterdir()) == []

    def test_a_file_that_is_all_hole_is_too_large(self, asker: Asker) -> None:
        """An octet far behind counts like all before it."""
        assert asker.write(asker.open(b"x.csv"), 1 << 62, b"x") is Code.FAILURE
        body = text(asker.open(b"x.part")) + struct.pack(">IQ", 1, 1 << 62)
        assert asker.code(Kind.FSETSTAT, body) is Code.FAILURE

    def test_a_full_disk_is_told_and_leaves_nothing(self, asker: Asker, arriving: Path) -> None:
        """No room in the middle: the client is told, and what it goes on to say makes no file of half of it."""
        handle = asker.open(b"x.csv")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        told = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
            found = [asker.write(handle, at, b"x" * 3000) for at in (0, 3000, 6000)]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, told)

        assert found == [Code.OK, Code.FAILURE, Code.FAILURE]
        assert asker.close(handle) is Code.FAILURE
        assert list(arriving.iterdir()) == []

    def test_with_little_room_nothing_is_begun(self, arriving: Path) -> None:
        """Then sources keep what they have, and try again."""
        asker = client(arriving, room_octets_min=1 << 60)
        body = text(b"x.csv") + struct.pack(">I", WRITE) + NO_ATTRIBUTES

        assert asker.code(Kind.OPEN, body) is Code.FAILURE

    def test_handles_are_counted(self, asker: Asker) -> None:
        """A client has some files open, not thousands."""
        handles = [asker.open(b"x%d" % number) for number in range(HANDLES_MAX)]
        body = text(b"y") + struct.pack(">I", WRITE) + NO_ATTRIBUTES

        assert asker.code(Kind.OPEN, body) is Code.FAILURE
        assert asker.close(handles[0]) is Code.OK
        assert asker.code(Kind.OPEN, body) is Code.OK

    def test_unfinished_files_are_counted(self, asker: Asker, arriving: Path) -> None:
        """A thousand of them, and the client has to clean up."""
        for number in range(1000):
            (arriving / f"{number}.part").touch()
        body = text(b"y.part") + struct.pack(">I", WRITE) + NO_ATTRIBUTES

        assert asker.code(Kind.OPEN, body) is Code.FAILURE
        assert asker.code(Kind.REMOVE, text(b"7.part")) is Code.OK
        assert asker.code(Kind.OPEN, body) is Code.OK


PATHS = (
    b"..", b"../", b"../..", b"../secret", b"../../secret", b"/../../../../etc/passwd", b"a/../../secret",
    b"x/../../../secret", b"~", b"~root", b"~root/x", b"/etc/passwd", b"//etc//passwd", b"/", b".", b"", b"./.",
    b"\0", b"x\0../secret", b"a\nb", b"n" * 201, b"n" * 5000, b"/" * 5000, b"../" * 3000 + b"etc/passwd", b"a/b",
    b"link", b"link.part", b"nowhere.part", b"folder", b"folder/secret", b"outside", b"outside/secret", b"outside.part/x", b"fifo",
    b"fifo.part", b"hard.part", b".handed-0.part", b"\xff\xfe", b"%2e%2e/secret", b"..%2fsecret", b"..\\secret",
    b"/proc/self/root/etc/passwd", b"/dev/null", b"-rf", b"x;id", b"$(id)", b"in/../..", b".ssh/authorized_keys",
)  # fmt: skip


def tricks(path: bytes) -> Iterator[tuple[int, bytes]]:
    """Give everything that can be asked of a path."""
    for how in (1, 2, 3, 6, 10, 26, 42, 63, 0xFFFFFFFF):
        yield Kind.OPEN, text(path) + struct.pack(">I", how) + NO_ATTRIBUTES
    for kind in (
        Kind.OPENDIR,
        Kind.STAT,
        Kind.LSTAT,
        Kind.REMOVE,
        Kind.RMDIR,
        Kind.READLINK,
        Kind.REALPATH,
    ):
        yield kind, text(path)
    for attributes in (
        SIZE_NONE,
        MODE_ALL,
        struct.pack(">III", 2, 0, 0),
        struct.pack(">III", 8, 0, 0),
    ):
        yield Kind.SETSTAT, text(path) + attributes
    yield Kind.MKDIR, text(path) + NO_ATTRIBUTES
    for pair in (
        text(b"ok.part") + text(path),
        text(path) + text(b"got.csv"),
        text(path) + text(b"got.part"),
    ):
        yield Kind.RENAME, pair
        yield Kind.SYMLINK, pair
        for name in (b"hardlink@openssh.com", b"posix-rename@openssh.com"):
            yield Kind.EXTENDED, text(name) + pair
    for name in (
        b"statvfs@openssh.com",
        b"lsetstat@openssh.com",
        b"expand-path@openssh.com",
        b"copy-data",
        b"x",
    ):
        yield Kind.EXTENDED, text(name) + text(path) + MODE_ALL


class TestTricks:
    """No way out, whatever a client says."""

    def test_nothing_outside_is_touched_read_or_told_of(
        self, arriving: Path, tmp_path: Path
    ) -> None:
        """Paths upwards, absolute, with links, pipes and odd octets, in everything that can be asked: 1,700 tricks."""
        outside = tmp_path / "outside"
        outside.mkdir()
        secrets = [
            outside / "secret", tmp_path / "secret", arriving.parent / "secret", arriving.parent.parent / "secret",
        ]  # fmt: skip
        for secret in secrets:
            secret.write_text("the secret of others")
        lay_traps(arriving, outside)
        told, laid, before = 0, state_of(arriving), picture(tmp_path, arriving)
        for path in PATHS:
            for kind, body in tricks(path):
                if state_of(arriving) != laid:
                    lay_traps(arriving, outside)
                    laid, before = state_of(arriving), picture(tmp_path, arriving)
                told += 1
                asker = client(arriving)
                answer, _ = asker.ask(kind, body)
                if answer == Kind.HANDLE and kind == Kind.OPEN:
                    handle = b"\0\0\0\1"
                    asker.write(handle, 0, b"overwritten")
                    read, _ = asker.ask(Kind.READ, text(handle) + struct.pack(">QI", 0, 100))
                    assert read == Kind.STATUS
                    asker.close(handle)
                asker.session.end()

                assert picture(tmp_path, arriving) == before, (path, kind, body)
        assert told > 1700

    @pytest.mark.parametrize(
        ("path", "real"),
        [
            (b".", b"/"),
            (b"..", b"/"),
            (b"/../../x", b"/x"),
            (b"a/../x", b"/x"),
            (b"//x/./", b"/x"),
        ],
    )
    def test_above_the_root_is_the_root(self, asker: Asker, path: bytes, real: bytes) -> None:
        """As on any system: clients ask where a path leads before they use it."""
        answer, fields = asker.ask(Kind.REALPATH, text(path))

        assert (answer, fields.number(), fields.octets()) == (Kind.NAME, 1, real)

    def test_links_are_not_shown(self, asker: Asker, arriving: Path, tmp_path: Path) -> None:
        """Somebody put links, pipes and directories there: a client sees files alone."""
        (tmp_path / "outside").mkdir()
        lay_traps(arriving, tmp_path / "outside")

        assert set(asker.listed()) == {b"hard.part", b"ok.part"}


def lay_traps(arriving: Path, outside: Path) -> None:
    """Put into the directory what leads out of it, anew."""
    for each in sorted(arriving.iterdir()):
        if each.is_dir() and not each.is_symlink():
            for one in each.iterdir():
                one.unlink()
            each.rmdir()
        else:
            each.unlink()
    target = outside / "target"
    if not target.exists():
        target.write_text("the secret of others")
    for name in ("link", "link.part"):
        (arriving / name).symlink_to(target)
    (arriving / "nowhere.part").symlink_to(outside / "made through a link")
    for name in ("outside", "outside.part"):
        (arriving / name).symlink_to(outside)
    for name in ("fifo", "fifo.part"):
        os.mkfifo(arriving / name)
    os.link(target, arriving / "hard.part")
    (arriving / "folder").mkdir()
    (arriving / "folder" / "secret").write_text("the secret of others")
    (arriving / "ok.part").write_text("mine")
    (arriving / ".handed-0.part").write_text("another's")


def state_of(arriving: Path) -> tuple[tuple[str, int, int], ...]:
    """Give what is there, so that it shows whether anything was changed."""
    with os.scandir(arriving) as found:
        return tuple(
            sorted(
                (one.name, one.inode(), one.stat(follow_symlinks=False).st_ctime_ns)
                for one in found
            )
        )


def picture(root: Path, arriving: Path) -> dict[str, tuple[int, bytes]]:
    """Give all that lies outside of the directory, and what in it leads out or is another's."""
    theirs = {
        "link",
        "link.part",
        "nowhere.part",
        "outside",
        "outside.part",
        "fifo",
        "fifo.part",
        "folder",
        ".handed-0.part",
    }
    found = {}
    for path in sorted(root.rglob("*")):
        if path.parent == arriving and path.name not in theirs:
            continue
        state = path.lstat()
        octets = path.read_bytes() if stat.S_ISREG(state.st_mode) else b""
        found[str(path)] = (state.st_mode, octets)
    return found


class TestOctets:
    """What is no protocol."""

    @given(st.lists(st.binary(max_size=60), max_size=20), st.randoms(use_true_random=False))
    def test_any_cut_gives_the_same_packets(self, bodies: list[bytes], random: Random) -> None:
        """Networks deliver in pieces of any size."""
        octets = b"".join(packet(Kind.WRITE, body) for body in bodies)
        packets, found, at = Packets(), [], 0
        while at < len(octets):
            size = random.randint(1, 40)
            found += packets.feed(octets[at : at + size])
            at += size

        assert found == [bytes((Kind.WRITE,)) + body for body in bodies]

    @given(st.binary(min_size=1, max_size=80) | st.builds(
        lambda kind, rest: bytes((kind,)) + b"\0\0\0\1" + rest,
        st.integers(0, 255), st.binary(max_size=60)))  # fmt: skip
    def test_garbage_is_refused_and_nothing_else(
        self, tmp_path_factory: pytest.TempPathFactory, octets: bytes
    ) -> None:
        """Whatever a packet holds, it is answered, or it ends the connection; nothing worse."""
        spool = Spool(tmp_path_factory.getbasetemp() / "garbage")
        spool.make("pbx")
        asker = client(spool.root / "pbx" / "in")
        try:
            answer = asker.session.answer(octets)
        except PacketError:
            answer = b"cut"
        asker.session.end()

        assert answer

    @pytest.mark.parametrize("octets", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\x05\0\0"])
    def test_a_packet_has_a_size(self, octets: bytes) -> None:
        """None of nothing, and none that would fill memory."""
        with pytest.raises(PacketError):
            list(Packets().feed(octets))

    def test_it_begins_with_a_greeting(self, arriving: Path) -> None:
        """What asks before saying which version it speaks is cut off."""
        session = Session(Folder(arriving, Terms(1, 0)), "pbx")
        with pytest.raises(PacketError):
            session.answer(bytes((Kind.STAT,)) + b"\0\0\0\1" + text(b"/"))

    def test_names_keep_their_octets(self, asker: Asker) -> None:
        """Old switches write names that are no UTF-8."""
        assert asker.put(b"\xe4\xf6.csv", b"x") is Code.OK
        assert asker.listed() == {b"\xe4\xf6.csv": 1}
        assert names(1, [Entry(b"\xe4", Attributes())])
