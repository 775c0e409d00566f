"""The lines of the demo company's customers, read from demo/accounts.toml."""

import tomllib
from datetime import date
from pathlib import Path

from harbour.calls import Line

ACCOUNTS = Path(__file__).resolve().parents[1] / "demo" / "accounts.toml"
ALWAYS = date(9999, 1, 1)
ALSO_IN_BRISTOL = "447700900101"  # so that one customer's calls come from both switches


def customers() -> list[Line]:
    """Every number of every account, with who holds it from when to when."""
    lines = []
    for account in tomllib.loads(ACCOUNTS.read_text("utf-8"))["account"]:
        for service in account["service"]:
            for uid in service["uids"]:
                number = str(uid["value"])
                line = Line(
                    account=account["number"],
                    name=account["name"],
                    number=number,
                    held_from=uid.get("from", service["from"]),
                    held_to=uid.get("to", ALWAYS),
                    business=service["package"] == "BUSINESS-1000",
                    switch=switch_of(account["number"], number),
                )
                lines.append(line)
    return lines


def switch_of(account: str, number: str) -> str:
    """Which switch carries the calls of a number: Bristol's FreeSWITCH or London's Asterisk."""
    bristol = number.startswith("441174960") or number == ALSO_IN_BRISTOL or account == "A1003"
    return "freeswitch" if bristol else "asterisk"
