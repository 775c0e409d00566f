"""A site's own plug-in makes rows of rows in a process of its own; whatever it does, the worker lives and says why."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from plugged import installed

from bmu.mediation import Mediator, Profile, Reject, SourceSettings, profile_of
from bmu.mediation.decoding import UndecodableError, decoding_faults
from bmu.mediation.profile import Decoding, Format
from bmuid.intake.decoding import decode
from bmuid.intake.plugin import LIMITS, PluginLimits, plugged

EXAMPLE = Path(__file__).parents[3] / "examples/mediation_plugin"
Install = Callable[[str], None]
ROW = [b'{"line":"a"}']


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Give what installs a plug-in of that text, called mine."""

    def write(text: str) -> None:
        info = tmp_path / "mine-1.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n", "utf-8")
        (info / "entry_points.txt").write_text(
            "[bmuid.mediation]\nmine = mine_rows:make\n", "utf-8"
        )
        (tmp_path / "mine_rows.py").write_text(text, "utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))

    return write


def made(
    text: str, install: Install, lines: list[bytes], limits: PluginLimits = LIMITS
) -> list[dict[str, str]]:
    """Give the rows that a plug-in makes."""
    install(text)
    return [json.loads(line) for line in plugged("mine", lines, limits)]


class TestTheExample:
    """The package under examples/."""

    def test_a_line_of_readings_becomes_an_event_for_each(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """From the file to what is charged, by the profile beside it; a line that is none says why."""
        monkeypatch.syspath_prepend(str(installed(tmp_path, EXAMPLE)))
        profile = profile_of((EXAMPLE / "meters.toml").read_text("utf-8"))
        assert isinstance(profile, Profile), profile
        assert profile.decoding is not None
        octets = b"M17;1785744000;3,0,5\r\nhello\nM18;1785744000;0\n\xff\n"
        lines = list(decode(profile.decoding, [octets[:9], octets[9:]]))
        taken = Mediator(profile, SourceSettings("m", "UTC", "44", "0", "00")).take_many(lines, 1)

        assert [
            each.detail if isinstance(each, Reject) else (each.uid, each.started_us // 10**6, each.quantity)
            for each in taken
        ] == [
            ("M17", 1785744000, 3),
            ("M17", 1785746400, 5),
            "1 parts; expected meter;second;readings",
            "left out by the plug-in",
            "no UTF-8, at octet 46",
        ]  # fmt: skip


class TestRows:
    """What is made of rows."""

    def test_rows_stay_in_their_order_however_many(self, install: Install) -> None:
        """None, one or several of each; over many batches."""
        lines = [json.dumps({"n": str(n)}).encode() for n in range(1001)]
        found = made(
            "def make(row):\n    return [{'n': row['n'], 'part': str(p)} for p in range(int(row['n']) % 3)]",
            install,
            lines,
        )

        assert [row.get("n") for row in found if "#" not in row] == [
            str(n) for n in range(1001) for _ in range(n % 3)
        ]
        assert sum("#" in row for row in found) == 334

    def test_what_is_no_row_is_none_for_a_plug_in(self, install: Install) -> None:
        """Faults of the decoder and heads of files stand where they stood."""
        lines = [b'{"#":"head"}', b'{"line":"a"}', b'{"!":"broken, at octet 3","octets":"00"}']
        found = made("def make(row):\n    return [{'line': row['line'].upper()}]", install, lines)

        assert found == [
            {"#": "head"},
            {"line": "A"},
            {"!": "broken, at octet 3", "octets": "00"},
        ]

    def test_a_refusal_says_why_with_the_row(self, install: Install) -> None:
        """It is a rejected line that a person can mend."""
        assert made("def make(row):\n    return 'not ours'", install, ROW) == [
            {"!": "not ours", "row": '{"line":"a"}'}
        ]

    def test_large_rows_go_both_ways(self, install: Install) -> None:
        """More than a pipe holds, at once."""
        lines = [json.dumps({"line": "x" * 60_000}).encode()] * 150
        found = made("def make(row):\n    return [row]", install, lines)

        assert found == [{"line": "x" * 60_000}] * 150


HOLDS = [
    ("def make(row):\n    return 1 / 0", "fails with ZeroDivisionError: division by zero, at row 1"),
    ("def make(row):\n    return [{'a': 1}]", "fails with TypeError: a row is a mapping of texts to texts, not {'a': 1}, at row 1"),
    ("def make(row):\n    return None", "fails with TypeError: 'NoneType' object is not iterable, at row 1"),
    ("import nothing_of_the_kind", "can't be loaded: ModuleNotFoundError: No module named 'nothing_of_the_kind'"),
    ("import os\ndef make(row):\n    os._exit(3)", "ended by itself (exit code 3)"),
    ("import os, signal\ndef make(row):\n    os.kill(os.getpid(), signal.SIGSEGV)", "ended by itself (signal SIGSEGV)"),
    ("import sys\nsys.exit(0)\n", "ended by itself (exit code 0)"),
    ("def make(row):\n    return [{'a': 'x' * (2 << 30)}]", "fails with MemoryError, at row 1"),
    ("def make(row):\n    return [row] * 1001", "makes 1,001 rows of one; at most 1,000 are taken"),
    ("import socket\ndef make(row):\n    socket.socket()", "fails with OSError: [Errno 24] Too many open files, at row 1"),
    ("def make(row):\n    open('/etc/hostname')", "fails with OSError: [Errno 24] Too many open files: '/etc/hostname', at row 1"),
    ("import os\ndef make(row):\n    os.write(3, b'x' * 4000)", "makes more than 268,435,456 octets of 200 rows"),
    ("import os\ndef make(row):\n    os.write(3, b'\\0\\0\\0\\5hello')", "answers something else"),
    ("import os\ndef make(row):\n    os.write(3, b'\\0\\1\\0\\0' + b'[' * 65536)", "answers something else"),
]  # fmt: skip


class TestFailures:
    """What holds the file."""

    @pytest.mark.parametrize(("text", "why"), HOLDS)
    def test_the_file_is_held_with_a_sentence(self, install: Install, text: str, why: str) -> None:
        """It crashes, fails, eats, or reaches for what it may not have."""
        with pytest.raises(UndecodableError) as caught:
            made(text, install, ROW)

        assert (
            str(caught.value) == f"the plug-in mine {why}; mend it, or take it out of the profile"
        )

    @pytest.mark.parametrize(
        "text",
        [
            "import threading\ndef make(row):\n    threading.Event().wait()",
            "import threading\nthreading.Event().wait()",
        ],
    )
    def test_one_that_hangs_is_ended(self, install: Install, text: str) -> None:
        """While it loads, or at a row."""
        with pytest.raises(
            UndecodableError, match=r"mine gives no answer within 0\.5 seconds; mend it"
        ):
            made(text, install, ROW, PluginLimits(seconds=0.5))

    @pytest.mark.parametrize("after", ["signal.pause()", "os._exit(3)"])
    def test_one_that_forks_is_ended_with_its_children(self, install: Install, after: str) -> None:
        """A child that it leaves behind holds nobody up."""
        text = f"import os, signal\ndef make(row):\n    os.fork() or signal.pause()\n    {after}"
        with pytest.raises(UndecodableError, match=r"mine gives no answer within 0\.5 seconds"):
            made(text, install, ROW, PluginLimits(seconds=0.5))

    def test_one_that_turns_in_circles_is_ended(self, install: Install) -> None:
        """It has so many seconds of a processor for a batch, and no more."""
        text = "def make(row):\n    while True:\n        pass"
        with pytest.raises(UndecodableError, match="mine needs too much processor time; mend it"):
            made(text, install, ROW, PluginLimits(processor_seconds=1))

    def test_one_that_is_not_there_is_named(self) -> None:
        """The group of entry points is told, so that whoever installs it knows."""
        with pytest.raises(
            UndecodableError,
            match="no installed package has the entry point 'acme' in the group bmuid",
        ):
            list(plugged("acme", ROW))

    def test_what_it_prints_is_no_answer(self, install: Install) -> None:
        """Nor does it harm."""
        assert made(
            "import os\nprint('hello')\ndef make(row):\n    print(row)\n    os.write(1, b'more')\n    return [row]",
            install,
            ROW,
        ) == [{"line": "a"}]

    def test_it_sees_no_settings_of_the_worker(
        self, install: Install, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither its environment nor any descriptor but three."""
        monkeypatch.setenv("SECRET", "word")
        with Path(sys.executable).open("rb") as kept:
            kept.read(1)
            found = made(
                "import os\nSEEN = {'env': str(os.environ.get('SECRET')), 'fds': str(len(os.listdir('/proc/self/fd')))}\n"
                "def make(row):\n    return [SEEN]",
                install,
                ROW,
            )

        # The fourth is that of the directory it lists.
        assert found[0]["env"] == "None"
        assert int(found[0]["fds"]) <= 5


def test_lines_of_text_have_no_names_for_a_plug_in() -> None:
    """It is told with the format that gives them one."""
    wanted = Decoding(Format.TEXT, (("encoding", "utf-16"),), "mine")

    assert [*decoding_faults(wanted)] == [
        "decoding: a plugin takes rows with names, not lines of text; format = LINES gives it whole lines"
    ]
