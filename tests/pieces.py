"""A switch that tells of calls in pieces, and who takes them."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import usage_world as world
from offices import NeverStopped, Office
from usage_world import AWAY, MONDAY_NOON, number_of, put

from bmu.mediation import Clock, Form, Identifier, Instant, JSONLine, Profile
from bmu.mediation.aggregation import Aggregation, Gathered, Take
from bmuid.intake.assembly import Sessions
from bmuid.intake.chunk import Bench
from bmuid.intake.profiles import Profiles
from bmuid.intake.spool import Spool
from bmuid.store import assembled
from bmuid.store.assembled import Books
from bmuid.store.transaction import run
from bmuid.worker.arriving import Arriving
from bmuid.worker.assembling import Assembling
from bmuid.worker.rating import Rating

CALLS = Profile(
    code="asterisk-master-csv",
    name="Calls in pieces",
    encoding="utf-8",
    layout=JSONLine(),
    fields=("switch", "call", "kind", "at", "seconds", "from", "to"),
    identities=(("call",),),
    uids=(Identifier("phone", "from", Form.NUMBER),),
    usage_class="voice",
    started=Instant("session.from", Clock.EPOCH),
    quantity="seconds",
    origin="from",
    destination="to",
    aggregation=Aggregation(
        session=("switch", "call"),
        record=("kind", "at"),
        kind="kind",
        starts=("start",),
        interims=("interim",),
        stops=("stop",),
        nodes=("boot",),
        node=("switch",),
        gathered=(Gathered("seconds", Take.COUNTER),),
        at=Instant("at", Clock.EPOCH),
        elapsed="seconds",
        timeout_s=3600,
    ),
)
NOON = int(MONDAY_NOON.timestamp())


def piece(call: str, kind: str, seconds: int = 0, at: int | None = None, customer: int = 1) -> str:
    """Give what the switch tells of a call that began at noon."""
    row = {
        "switch": "s1",
        "call": call,
        "kind": kind,
        "at": str(NOON + (seconds if at is None else at)),
        "seconds": "" if kind == "start" else str(seconds),
        "from": f"+{number_of(customer)}",
        "to": f"+{AWAY}",
    }
    return json.dumps(row)


@dataclass
class Exchange:
    """
    The small company, whose switch tells of calls in pieces.

    Shapes:
        profile: by which they are read; None: by one that staff have loaded.
    """

    office: Office
    profile: Profile | None = CALLS

    @property
    def profiles(self) -> Profiles:
        """Give the profiles that workers begin with."""
        return Profiles() if self.profile is None else Profiles({self.profile.code: self.profile})

    def hand_in(self, name: str, *lines: str) -> None:
        """Hand in a file, and have its records taken."""
        put(self.office.spool, name, lines)
        spool = Spool(self.office.spool)
        arriving = Arriving(spool, self.office.parts, NeverStopped(), profiles=self.profiles)
        arriving.scan(self.office.connection)
        self.work()

    def assembling(self) -> Assembling:
        """Give who takes the records."""
        spool = Spool(self.office.spool)
        return Assembling(Sessions(spool, 90, 3, self.profiles), self.office.parts)

    def work(self, after: timedelta = timedelta(0)) -> None:
        """Take and rate all there is, so long after now."""
        worker = self.assembling()
        while worker.step(self.office.connection, datetime.now(UTC) + after):
            pass
        bench = Bench(Spool(self.office.spool), self.office.days_back, profiles=self.profiles)
        rating = Rating(bench, NeverStopped())
        while rating.step(self.office.connection):
            pass

    def charged(self) -> list[tuple[int, int]]:
        """Give of each charge the customer and the seconds, in the order of their files."""
        return [
            (int(str(account)), int(str(seconds)))
            for account, seconds in self.office.all(
                "SELECT account_id, quantity FROM udr ORDER BY file_id, line_no"
            )
        ]

    def books(self) -> Books:
        """Give the books of the partial records."""
        found = run(self.office.connection, assembled.books, world.SOURCE)
        assert found.hold
        return found
