"""Usage rated again by a test: plans made, computed and carried out, and what counts afterwards."""

from asking import Asking
from offices import NeverStopped, Office

from bmuid.intake.chunk import Bench
from bmuid.intake.snapshot import Snapshots
from bmuid.intake.spool import Spool
from bmuid.worker.rating import Rating

FROM = "2026-08-01"


def live(office: Office) -> list[tuple[object, ...]]:
    """Give the charges that count, without what differs between any two ratings."""
    return office.all(
        """
        SELECT c.account_id, u.file_id, u.line_no, c.rounded, c.billable, c.rated_e11, c.amount_e11, c.tax_e11,
            (SELECT coalesce(sum(d.quantity), 0) FROM draw AS d WHERE d.account_id = c.account_id
                AND d.udr_id = c.udr_id AND d.started_at = c.started_at)
        FROM charge AS c JOIN udr AS u ON u.account_id = c.account_id AND u.started_at = c.started_at AND u.id = c.udr_id
        WHERE NOT EXISTS (SELECT FROM charge_reversal AS r WHERE r.account_id = c.account_id
            AND r.started_at = c.started_at AND r.udr_id = c.udr_id AND r.version = c.version)
        ORDER BY 1, 2, 3
        """
    )


def holds(office: Office) -> bool:
    """Tell whether each bucket is the sum of its draws and no usage record has two live charges."""
    buckets = office.all(
        "SELECT b.id FROM bucket AS b WHERE balance <> (SELECT sum(quantity) FROM draw AS d"
        " WHERE d.account_id = b.account_id AND d.bucket_id = b.id)"
    )
    places = [row[:3] for row in live(office)]
    return not buckets and len(places) == len(set(places))


def planned(office: Office, asking: Asking, **texts: str) -> dict[str, object]:
    """Make a plan, have it computed, and give what it shows."""
    asked = asking.staff("rerate_plan", **(texts or {"from_": FROM}))
    assert asked.done, asked.body
    office.rate()
    shown = asking.staff("rerate_show", id=str(asked.body["plan"]["id"])).body
    assert shown["plan"]["state"] == "PLANNED"
    return shown


def rerated(office: Office, asking: Asking, **texts: str) -> dict[str, object]:
    """Make a plan and carry it out; give what it shows then."""
    plan_id = str(planned(office, asking, **texts)["plan"]["id"])
    assert asking.staff("rerate_run", id=plan_id, accounts_a_second="10000").done
    bench = Bench(Spool(office.spool), office.days_back, snapshots=Snapshots(office.taxed_by))
    worker = Rating(bench, NeverStopped())
    while asking.staff("rerate_show", id=plan_id).body["plan"]["state"] == "RUNNING":
        worker.step(office.connection)
    office.rate()
    return asking.staff("rerate_show", id=plan_id).body
