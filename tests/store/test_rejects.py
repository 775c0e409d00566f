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

    def test_begins_with_the_names_of_its_columns_and_can_be_handed_in(
        self, office: Office, asking: Asking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where a line names the columns it comes first, once, however many parts are asked for: mended, the file is read by it."""
        monkeypatch.setattr(rejects, "LINES_A_PART", 2)
        asking.staff("source_set", code=SOURCE, profile="kamailio-cdrs-csv")
        head = (
            "cdr_id,src_username,src_domain,dst_username,dst_domain,dst_ousername,call_start_time,duration,sip_call_id,"
            "sip_from_tag,sip_to_tag,src_ip,cost,rated,created"
        )
        rows = [
            f"{n},0{number_of(1)[2:]},d,33199001234,d,0033199001234,2026-08-03 08:1{n}:00,6{n},c{n},f,t,192.0.2.20,0,0,"
            for n in range(5)
        ]
        broken = [row.replace(":00,6", ":00,x") for row in rows]
        assert office.hand_in("a.csv", [head, *broken, rows[0]]) == {
            "new": 1, "duplicate": 0, "suspended": 0, "rejected": 6,
        }  # fmt: skip

        written = file_of(asking)

        assert written.decode().splitlines() == [head, *broken]
        mended = written.decode().replace(":00,x", ":00,6").splitlines()
        assert office.hand_in("a-mended.csv", mended) == {
            "new": 4, "duplicate": 1, "suspended": 0, "rejected": 1,
        }  # fmt: skip

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
