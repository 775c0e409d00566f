"""Rejected lines given back as they came: mended and handed in, they are charged, and nothing is charged twice."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Asking
from conftest import Database
from offices import Office, opened
from usage_world import SOURCE, call, number_of

from bmuid.operations import rejects
from bmuid.operations.registry import Role

BAD = '"A1","half a line, and a caf\u00e9'


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at the admin door."""
    return Asking(database)


def file_of(asking: Asking, file: str = "1", **texts: str) -> bytes:
    """Give the whole file of rejects, asked for part by part."""
    octets, after = b"", "0"
    while after != "None":
        answer = asking.staff("file_rejects", role=Role.AUDITOR, id=file, after=after, **texts)
        assert answer.done, answer.body
        octets += base64.b64decode(answer.body["octets"])
        after = str(answer.body["after"])
    return octets


class TestAFileOfRejects:
    """What `bmadmin file rejects` writes."""

    def test_holds_the_lines_as_they_came(self, office: Office, asking: Asking) -> None:
        """Rejected lines, octet by octet, with whatever line ends and characters they have; no usage, nothing filtered."""
        wrong = call("1.3", 1).replace(",60,60,", ",60,x,") + "\r"
        lines = [call("1.1", 1), BAD, call("1.2", 1, disposition="NO ANSWER"), wrong, call("1.4", 400)]  # fmt: skip
        office.hand_in("a.csv", lines)

        assert file_of(asking) == f"{BAD}\n{wrong}\n".encode()
        assert file_of(asking, reason="FILTERED") == f"{lines[2]}\n".encode()
        assert file_of(asking, reason="BAD_QUANTITY") == f"{wrong}\n".encode()
        assert file_of(asking, suspended="yes") == f"{BAD}\n{wrong}\n{lines[4]}\n".encode()

    def test_begins_with_the_header_once(
        self, office: Office, asking: Asking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where the profile has a line that names the columns it comes first, however many parts are asked for."""
        monkeypatch.setattr(rejects, "LINES_A_PART", 2)
        office.hand_in("a.csv", [f"bad {n}" for n in range(5)])
        office.as_owner(
            "SET session_replication_role = replica; UPDATE usage_file SET header = 'a,b'"
        )

        assert file_of(asking) == b"a,b\nbad 0\nbad 1\nbad 2\nbad 3\nbad 4\n"

    def test_leaves_out_what_is_not_kept_whole_and_says_so(
        self, office: Office, asking: Asking
    ) -> None:
        """Of a line longer than any record only the beginning is kept: its number is told instead."""
        office.hand_in("a.csv", ["x" * 70_000, BAD])

        answer = asking.staff("file_rejects", id="1").body
        assert base64.b64decode(answer["octets"]) == f"{BAD}\n".encode()
        assert answer["left_out"] == [1]

    def test_tells_reasons_beside(self, office: Office, asking: Asking) -> None:
        """Explained, each line has its number, reason and detail, in parts."""
        office.hand_in("a.csv", [BAD, call("1.1", 1), "bad\x07"])

        first = asking.staff("file_rejects", id="1", explain="yes", limit="1").body
        [line] = first["lines"]
        assert (line["line_no"], line["verdict"], line["reason"], line["text"]) == (
            1, "REJECTED", "MALFORMED_LINE", BAD,
        )  # fmt: skip
        assert (first["octets"], first["after"]) == (None, 1)
        [line] = asking.staff("file_rejects", id="1", explain="yes", after="1").body["lines"]
        assert (line["text"], base64.b64decode(line["octets"])) == ("bad\\x07", b"bad\x07")

    def test_is_refused_where_lines_were_made_of_it(self, office: Office, asking: Asking) -> None:
        """Of a file that had no lines, and of events in real time, there is nothing to hand in again, and it is said what to do."""
        office.hand_in("a.csv", [BAD])
        office.as_owner(
            "SET session_replication_role = replica; UPDATE usage_file SET decoded_octets = 5"
        )
        asking.staff("usage_rate", source=SOURCE, event="e1", class_="voice", uid=number_of(1),
            started_at="2026-08-05T11:00:00Z", quantity="30", destination="4420")  # fmt: skip

        assert asking.staff("file_rejects", id="1").code == "NO_LINES"
        assert asking.staff("file_rejects", id="1", explain="yes").done
        assert asking.staff("file_rejects", id="2").code == "NO_LINES"
        assert asking.staff("file_rejects", id="9").code == "NOT_FOUND"

    def test_mended_and_handed_in_is_charged(self, office: Office, asking: Asking) -> None:
        """Of three rejected lines two are mended: they are charged, the third is rejected again, and none is a duplicate."""
        good = [call("1.1", 1), call("1.2", 2)]
        office.hand_in("a.csv", [call("1.0", 3), *(line.replace("ANSWERED", "") for line in good), BAD])  # fmt: skip
        broken = file_of(asking).decode().splitlines()
        assert len(broken) >= 1

        mended = [*good, *(line for line in broken if line == BAD)]
        assert office.hand_in("a-mended.csv", mended) == {
            "new": 2, "duplicate": 0, "suspended": 0, "rejected": 1,
        }  # fmt: skip
        assert asking.staff("reconcile_show", full="yes").body["verdict"] == "adds up"
