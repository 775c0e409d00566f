"""Allowances of a line's own beside those that it shares with others."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

from asking import Asking
from conftest import Database
from offices import Office
from rich_world import CATALOGUE, DAY, FR, GB, HOUR, found, lines_of

PLAIN = """
[[bucket]]
code = "OWN"
name = "Five minutes a month"
unit = "TIME"
classes = ["voice"]
quantity = 300
recurrence = "MONTH"

[[package]]
code = "OWN"
name = "A line with five minutes"
price = "6.00"
frequency = "MONTH"
buckets = ["OWN"]
rate_plan = "RETAIL"
"""
ACCOUNTS = """
[[account]]
number = "BOTH"
name = "Credit for all lines, and minutes of one"
[[account.service]]
package = "MONEY"
from = 2026-01-01
uids = [{ type = "phone", value = "441632960091" }]
[[account.service]]
package = "OWN"
from = 2026-01-01
uids = [{ type = "phone", value = "441632960092" }]

[[account]]
number = "BRANCH-3"
name = "Third of the group"
parent = "HOLDING"
[[account.service]]
package = "OWN"
from = 2026-01-01
uids = [{ type = "phone", value = "441632960093" }]
"""


def test_a_line_keeps_its_own_minutes_where_others_share_more(
    database: Database, tmp_path: Path
) -> None:
    """My line's minutes come first, every month; then the money or the minutes that we share."""
    asking = found(Asking(database))
    for name, document in (("catalogue_load", CATALOGUE + PLAIN), ("accounts_load", ACCOUNTS)):
        loaded = asking.staff(name, document=document)
        assert loaded.done, loaded.body
    with closing(database.connect()) as connection:
        office = Office(database, connection, tmp_path, parts=1)
        calls = ((92, GB, 300, timedelta()), (93, GB, 400, HOUR), (92, FR, 60, 31 * DAY))
        assert office.hand_in("own.csv", lines_of("own", *calls))["new"] == 3
        drawn = office.all(
            "SELECT a.number, b.code, -sum(d.quantity)::bigint FROM draw AS d JOIN bucket AS b ON b.id = d.bucket_id"
            " JOIN charge AS c ON c.udr_id = d.udr_id JOIN account AS a ON a.id = c.account_id"
            " WHERE d.kind = 'DRAW' GROUP BY 1, 2, lower(b.during) ORDER BY 1, lower(b.during), 2"
        )

    assert drawn == [
        ("BOTH", "OWN", 300),
        ("BOTH", "OWN", 60),
        ("BRANCH-3", "OWN", 300),
        ("BRANCH-3", "TOGETHER", 100),
    ]
