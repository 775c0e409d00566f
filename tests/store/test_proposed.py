"""From a file of calls that nobody described to charges, by the profile that is proposed for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import usage_world as world
from asking import Asking
from conftest import Database
from offices import Office, opened
from usage_world import AWAY, HOME, put

from bmu.mediation.proposal import Proposal, propose

CALLS = (
    "Call ID;Calling Number;Called Number;Setup Time;Connect Time;Talk Time (min:sec);Disposition",
    f"hv-1;+{world.number_of(1)};00{AWAY};03/08/2026 11:59:50;03/08/2026 12:00:00;1:30;ANSWERED",
    f"hv-2;+{world.number_of(2)};00{HOME};13/08/2026 11:59:50;13/08/2026 12:00:00;0:45;ANSWERED",
    f"hv-3;+{world.number_of(1)};00{AWAY};03/08/2026 12:10:00;;0:00;BUSY",
    f"hv-4;+{world.number_of(1)};00{AWAY};03/08/2026 12:10:00;33/08/2026 12:00:00;1:00;ANSWERED",
)


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


def test_a_newcomer_gets_from_an_unknown_file_to_charges(office: Office) -> None:
    """Propose, load, hand in: each line has its verdict, and what was talked is charged to the second."""
    proposal = propose("\r\n".join(CALLS[:4]).encode(), "harbour")
    assert isinstance(proposal, Proposal)
    assert proposal.doubts == ()
    staff = Asking(office.database)
    assert staff.staff("profile_load", document=proposal.document).done
    assert staff.staff("source_set", code=world.SOURCE, profile="harbour").done

    put(office.spool, "calls.csv", [f"{line}\r" for line in CALLS])
    office.take_in()
    office.rate()

    assert office.verdicts("calls.csv") == {
        "new": 2,
        "duplicate": 0,
        "suspended": 0,
        "rejected": 3,
    }
    charged = office.all("SELECT account_id, quantity, amount_e11 FROM charge ORDER BY 1")
    assert charged == [(1, 90, 90 * 10**9), (2, 45, 0)]
    rejected = dict(office.all("SELECT line_no, detail FROM verdict WHERE verdict = 'REJECTED'"))
    assert rejected[1] == "line that names the columns"
    assert rejected[4] == "not answered: Disposition is 'BUSY'"
    assert "33/08/2026 12:00:00" in str(rejected[5])
