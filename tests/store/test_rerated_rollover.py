"""Usage of several periods rated again, where one leaves something to the next: as if the prices had been these at first."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from again import holds, planned, rerated
from asking import Asking
from conftest import Database
from offices import Office
from rich_world import CATALOGUE, DAY, FR, GB, HOUR, found, lines_of
from usage_world import SOURCE

from bmuid.operations.registry import Door, Role

HEAD, _, REST = CATALOGUE.partition('\n[[bucket]]\ncode = "TEN-A-WEEK"')
OLD, _, TAIL = REST.partition("\n[[")
KEPT = 'quantity = 600\nrecurrence = "WEEK"\nrollover = true\nrollover_periods = 2\n'
assert KEPT in OLD


def with_weeks(
    kept: str = KEPT, rounding: str = "SEC", classes: str = "voice", had: str = ""
) -> str:
    """Give the catalogue with ten minutes a week that are kept otherwise, drawn by other calls, or had otherwise."""
    row = OLD.replace(KEPT, kept).replace('classes = ["voice"]', f'classes = ["{classes}"]')
    document = f'{HEAD}\n[[bucket]]\ncode = "TEN-A-WEEK"{row}{had}\n\n[[{TAIL}'
    return document.replace('rounding = "SEC"', f'rounding = "{rounding}"')


def kept(**more: int) -> str:
    """Say how ten minutes a week are kept."""
    lines = "".join(f"{name} = {value}\n" for name, value in more.items())
    return f'quantity = 600\nrecurrence = "WEEK"\nrollover = true\n{lines}'


CATALOGUES = {
    "as it was": with_weeks,
    "by the minute": lambda had: with_weeks(rounding="MIN", had=had),
    "nothing included": lambda had: with_weeks(classes="premium", had=had),
    "kept for a week": lambda had: with_weeks(kept(rollover_periods=1), had=had),
    "not kept": lambda had: with_weeks('quantity = 600\nrecurrence = "WEEK"\n', had=had),
    "kept for ever": lambda had: with_weeks(kept(), had=had),
    "at most 100 seconds kept": lambda had: with_weeks(
        kept(rollover_periods=3, rollover_max=100), had=had
    ),
}
# Each company has two lines, of which the tests use the one, or both.
TWINS = range(len(CATALOGUES) + 1)
ACCOUNTS = "".join(
    f"""
[[account]]
number = "TWIN-{twin}"
name = "Twin {twin}"
"""
    + "".join(
        f"""
[[account.service]]
package = "WEEKLY"
from = 2026-08-03
uids = [{{ type = "phone", value = "{441632960100 + 2 * twin + line}" }}]
"""
        for line in range(2)
    )
    for twin in TWINS
)

Call = tuple[int, str, int, timedelta]


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database with companies that are alike."""
    asking = found(Asking(database))
    loaded = asking.staff("accounts_load", document=ACCOUNTS)
    assert loaded.done, loaded.body
    return asking


@pytest.fixture
def office(asking: Asking, tmp_path: Path) -> Iterator[Office]:
    """Give the workers that rate for it."""
    with closing(asking.database.connect()) as connection:
        yield Office(asking.database, connection, tmp_path, parts=1)


def load(asking: Asking, document: str) -> None:
    """Load a catalogue."""
    loaded = asking.staff("catalogue_load", document=document)
    assert loaded.done, loaded.body


def hand_in(office: Office, twin: int, calls: Sequence[Call], name: str = "") -> None:
    """Let a company make calls: which line, who was called, how many seconds, how long after noon of the first Monday."""
    name = name or f"of-{twin}"
    lines = lines_of(name, *((100 + 2 * twin + line, *call) for line, *call in calls))
    assert office.hand_in(name, lines)["new"] == len(calls)


def charges(office: Office, twin: int) -> list[tuple[object, ...]]:
    """Give what a company's calls cost, in the order of time."""
    return office.all(
        """
        SELECT c.started_at, c.rounded, c.billable, c.rated_e11, c.amount_e11, c.tax_e11
        FROM charge AS c JOIN account AS a ON a.id = c.account_id
        WHERE a.number = %(number)s AND NOT EXISTS (SELECT FROM charge_reversal AS r WHERE r.account_id = c.account_id
            AND r.started_at = c.started_at AND r.udr_id = c.udr_id AND r.version = c.version)
        ORDER BY 1, c.udr_id
        """,
        number=f"TWIN-{twin}",
    )


def allowances(office: Office, twin: int) -> list[tuple[object, ...]]:
    """Give what a company's weeks had and have left: from when, until when, kept from before or not, had, left."""
    return office.all(
        """
        SELECT to_char(lower(b.during), 'MM-DD'), to_char(upper(b.during), 'MM-DD'), part, granted + added, balance,
            s.id - (SELECT min(o.id) FROM account_service AS o WHERE o.account_id = a.id)
        FROM bucket AS b JOIN account AS a ON a.id = b.account_id
        LEFT JOIN account_service AS s ON s.id = b.account_service_id
        WHERE a.number = %(number)s AND granted + added > 0 AND (part = 'CARRIED' OR balance < granted + added) ORDER BY 6, 1, 2, 3
        """,
        number=f"TWIN-{twin}",
    )


def usage(seed: int) -> list[Call]:
    """Draw calls of six weeks, in the order they are made; about as many minutes as there are, some weeks more or less."""
    chance = random.Random(seed)
    found: list[Call] = []
    for week in range(6):
        if week and chance.random() < 0.2:
            continue
        for _ in range(chance.randint(1, 6)):
            later = 7 * week * DAY + chance.randrange(6 * 24 * 4) * HOUR / 4
            number = GB if chance.random() < 0.9 else FR
            found.append((chance.randrange(2), number, chance.randint(1, 330), later))
    return sorted(found, key=lambda call: call[3])


@pytest.mark.parametrize(
    "had",
    ["", 'scope = "ACCOUNT"', "on_first_use = true"],
    ids=["by each line", "by the company", "from the first use on"],
)
@pytest.mark.parametrize("seed", range(2))
def test_it_is_as_if_the_prices_had_been_these_at_first(
    office: Office, asking: Asking, had: str, seed: int
) -> None:
    """Whatever a catalogue says of what is kept: rated again, a company stands where one stands that began with it."""
    calls = usage(seed)
    office.chunk_lines = random.Random(seed).choice((1, 4, 100))
    load(asking, CATALOGUES["as it was"](had=had))
    hand_in(office, 0, calls)
    before = charges(office, 0), allowances(office, 0)
    was = before
    others = list(CATALOGUES)[1:]
    random.Random(seed).shuffle(others)

    for twin, name in enumerate([*others, "as it was"], 1):
        load(asking, CATALOGUES[name](had=had))
        plan = planned(office, asking, from_="2026-08-01", accounts="TWIN-0")
        assert charges(office, 0) == was[0]
        assert allowances(office, 0) == was[1]
        carried_out = rerated(office, asking, from_="2026-08-01", accounts="TWIN-0")
        was = charges(office, 0), allowances(office, 0)
        office.chunk_lines = 100
        hand_in(office, twin, calls)

        assert was == (charges(office, twin), allowances(office, twin)), name
        assert plan["accounts"] == carried_out["accounts"]
        assert holds(office)

    assert was == before


MINUTES = CATALOGUE.replace('rounding = "SEC"', 'rounding = "MIN"')
# Nine calls of half a minute and a second are 279 seconds, or nine minutes.
FAR_OFF = datetime(2099, 1, 1, tzinfo=UTC)
NINE = [(GB, 31, n * HOUR) for n in range(1, 10)]


def sums(office: Office) -> list[tuple[object, ...]]:
    """Give how much was included of all calls that are charged, and how much was not."""
    return office.all(
        """
        SELECT sum(rounded - billable)::integer, sum(billable)::integer FROM charge AS c WHERE NOT EXISTS (
            SELECT FROM charge_reversal AS r WHERE r.account_id = c.account_id AND r.started_at = c.started_at
            AND r.udr_id = c.udr_id AND r.version = c.version)
        """
    )


def left(office: Office) -> list[tuple[object, ...]]:
    """Give what there was and is of what had something in it."""
    return office.all(
        "SELECT part, granted + added, balance FROM bucket WHERE granted + added > 0 ORDER BY lower(during), id"
    )


def test_what_a_reservation_holds_of_what_was_carried_stays_held(
    office: Office, asking: Asking
) -> None:
    """By the minute nearly nothing would be left to carry: what is held of it is not there for the week before."""
    hand_in(office, 0, [(0, *call) for call in NINE])
    # The workers look at the clock, and would end it by now.
    switch = Asking(asking.database, now=FAR_OFF, name=SOURCE)
    call = {"event": "a call", "class": "voice", "uid": "441632960100", "destination": GB}
    at = {"started_at": "2026-08-11T11:00:00Z", "quantity": "100"}
    held = switch.ask(Door.USAGE, "usage_reserve", Role.SOURCE, call | at)
    assert held.body["quantity"] == 100
    before = left(office)
    assert before == [("ALLOTMENT", 279, 0), ("CARRIED", 321, 221), ("ALLOTMENT", 600, 600)]

    load(asking, MINUTES)
    rerated(office, asking, from_="2026-08-01")

    assert sums(office) == [(500, 40)]
    assert left(office) == [("ALLOTMENT", 500, 0), ("CARRIED", 100, 0), ("ALLOTMENT", 600, 600)]
    assert holds(office)

    load(asking, CATALOGUE)
    rerated(office, asking, from_="2026-08-01")
    assert (sums(office), left(office)) == ([(279, 0)], before)
    assert holds(office)


TOGETHER = 'quantity = 600\nrecurrence = "MONTH"\nscope = "TREE"\n'
KEPT_TOGETHER = CATALOGUE.replace(TOGETHER, TOGETHER + "rollover = true\nrollover_periods = 1\n")


def test_what_another_company_has_used_of_what_was_carried_stays_used(
    office: Office, asking: Asking
) -> None:
    """One of a group is rated again; the other has used 250 seconds of what August left, and keeps them."""
    assert KEPT_TOGETHER != CATALOGUE
    load(asking, KEPT_TOGETHER)
    for name, calls in (
        # July's ten minutes, and nine of August's.
        ("a", [(8, GB, 600, 0 * DAY), *((8, *call) for call in NINE)]),
        ("b", [(9, GB, 250, 30 * DAY)]),
    ):
        assert office.hand_in(name, lines_of(name, *calls))["new"] == len(calls)
    before = left(office)
    assert before[-2:] == [("CARRIED", 321, 71), ("ALLOTMENT", 600, 600)]

    load(asking, KEPT_TOGETHER.replace('rounding = "SEC"', 'rounding = "MIN"'))
    rerated(office, asking, from_="2026-08-01", accounts="BRANCH-1")

    assert sums(office) == [(600 + 350 + 250, 190)]
    assert holds(office)

    load(asking, KEPT_TOGETHER)
    rerated(office, asking, from_="2026-08-01", accounts="BRANCH-1")
    assert (sums(office), left(office)) == ([(600 + 279 + 250, 0)], before)
    assert holds(office)


def test_what_is_carried_does_not_hang_on_how_a_file_is_cut(
    office: Office, asking: Asking
) -> None:
    """A week's calls and the next week's in one piece: the bound of what is kept holds for what is left, not for all."""
    load(asking, with_weeks(kept(rollover_max=100)))
    calls = [(0, GB, 400, 0 * DAY), (0, GB, 150, 1 * DAY), (0, GB, 700, 7 * DAY)]
    for twin, lines in enumerate((1, 2, 100)):
        office.chunk_lines = lines
        hand_in(office, twin, calls)

    assert {tuple(charges(office, twin)) for twin in range(3)} == {tuple(charges(office, 0))}
    # 50 seconds of the first week, 600 of the second; 50 are paid for.
    assert sums(office) == [(3 * 1200, 3 * 50)]
