"""The company of the rich catalogue for tests: its customers and switch, and what the switch writes."""

from datetime import UTC, datetime, timedelta

from asking import Asking
from conftest import ROOT
from usage_world import LONDON, SOURCE

RICH = ROOT / "examples/rich"
CATALOGUE = (RICH / "catalogue.toml").read_text(encoding="utf-8")
NOON = datetime(2026, 8, 3, 11, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
GB, FR, US, PREMIUM = "442079460999", "33199001234", "12125550100", "449012345678"


def found(asking: Asking) -> Asking:
    """Found the company: its catalogue, its customers, one for each feature, and its switch."""
    accounts = (RICH / "accounts.toml").read_text(encoding="utf-8")
    for name, document in (("catalogue_load", CATALOGUE), ("accounts_load", accounts)):
        loaded = asking.staff(name, document=document)
        assert loaded.done, loaded.body
    asking.sql(
        "INSERT INTO source (code, name, profile, time_zone, country_code, trunk_prefix, international_prefix)"
        f" VALUES ('{SOURCE}', 'Switch', 'asterisk-master-csv', 'Europe/London', '44', '0', '00')"
    )
    return asking


class Calls:
    """Calls of the customers, in the order they are made."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def call(self, line: int, called: str, seconds: int, at: datetime = NOON) -> None:
        """Let a line, by the end of its number, make a call."""
        start, end = (
            f"{each.astimezone(LONDON):%Y-%m-%d %H:%M:%S}"
            for each in (at, at + timedelta(seconds=seconds))
        )
        number = 441632960000 + line
        self.lines.append(
            f'"x","+{number}","+{called}","outbound","""x"" <+{number}>","PJSIP/a-1","PJSIP/b-2","Dial",'
            f'"PJSIP/+{called}@b,60,T","{start}","{start}","{end}",{seconds},{seconds},"ANSWERED",'
            f'"DOCUMENTATION","1.{len(self.lines)}",""'
        )


def lines_of(name: str, *calls: tuple[int, str, int, timedelta]) -> list[str]:
    """Write the calls of one file: of which line, who was called, how many seconds, how long after NOON."""
    written = Calls()
    for line, called, seconds, later in calls:
        written.call(line, called, seconds, NOON + later)
    # No two files have the same event.
    return [line.replace('"1.', f'"{name}.') for line in written.lines]
