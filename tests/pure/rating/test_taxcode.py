"""Which taxes a customer pays is found by what fits best, and never by what contradicts."""

import pytest

from bmu.rating import TaxCodeRow
from bmu.rating.taxcode import TaxPlace, TaxTraits, best_tax_code

# One line each: code, account category, service category, country, state, and what else is to be said of it.
CODES = """
    ANY         -         -       -   -
    GERMANY     -         -       DE  -
    ROAMING     -         -       FR  -   of_event
    CALIFORNIA  -         -       US  CA
    VOICE       -         voice   -   -
    VOICE-DE    -         voice   DE  -
    PARTNER     partner   -       -   -
    SECOND      partner   -       -   -
"""


def codes_of(table: str) -> tuple[TaxCodeRow, ...]:
    """Read tax codes; their ids are as their lines."""
    codes = []
    for number, line in enumerate(filter(None, map(str.strip, table.splitlines())), 1):
        code, *rest = line.split()
        names = [None if word == "-" else word for word in rest[:4]]
        account, service, country, state = names
        codes.append(
            TaxCodeRow(
                number,
                code,
                code,
                (),
                account,
                service,
                country,
                state,
                of_event="of_event" in rest,
                default="default" in rest,
            )
        )
    return tuple(codes)


def best(table: str, account: str, event: str, category: str, service: str) -> str | None:
    """Name the code for a customer and an event at places like US/CA."""
    found = best_tax_code(
        codes_of(table),
        TaxTraits(place_of(account), place_of(event), category or None, service or None),
    )
    return found.code if found else None


def place_of(text: str) -> TaxPlace:
    """Read a country and a state."""
    country, _, state = text.partition("/")
    return TaxPlace(country or None, state or None)


@pytest.mark.parametrize(
    ("account", "event", "category", "service", "wanted"),
    [
        ("DE", "DE", "", "", "GERMANY"),
        ("GB", "GB", "", "", "ANY"),
        ("", "", "", "", "ANY"),
        ("US/CA", "US/CA", "", "", "CALIFORNIA"),
        ("US/NV", "US/NV", "", "", "ANY"),
        ("US", "US", "", "", "ANY"),
        ("GB", "FR", "", "", "ROAMING"),
        ("FR", "GB", "", "", "ANY"),
        ("GB", "", "", "", "ANY"),
        ("US/CA", "US/CA", "", "voice", "VOICE"),
        ("DE", "DE", "", "voice", "VOICE-DE"),
        ("DE", "DE", "", "data", "GERMANY"),
        ("DE", "DE", "partner", "voice", "PARTNER"),
        ("DE", "DE", "enterprise", "voice", "VOICE-DE"),
    ],
)
def test_the_code_that_names_most_of_what_is_so_is_taken(
    account: str, event: str, category: str, service: str, wanted: str
) -> None:
    """The customer's category counts most, then the service's, the state, the country; equals go by the lower id."""
    assert best(CODES, account, event, category, service) == wanted


def test_a_default_stands_back_for_whatever_fits() -> None:
    """Only where no code fits is the default taken, though it names a place that is another; without it: no tax."""
    table = "DEFAULT - - DE - default\n FRANCE - - FR -"
    assert best(table, "FR", "", "", "") == "FRANCE"
    assert best(table, "DE", "", "", "") == "DEFAULT"
    assert best(table, "GB", "", "", "") == "DEFAULT"
    assert best("FRANCE - - FR -", "GB", "", "", "") is None
    assert best("ANY - - - -\n DEFAULT - - DE - default", "DE", "", "", "") == "ANY"


def test_a_code_by_the_event_asks_for_the_state_there_too() -> None:
    """Usage in a state is taxed by that state, wherever the customer lives."""
    table = "THERE - - US NY of_event"
    assert best(table, "US/CA", "US/NY", "", "") == "THERE"
    assert best(table, "US/NY", "US/CA", "", "") is None


def test_the_order_of_the_catalogue_changes_nothing() -> None:
    """However the codes are listed, a tie goes to the lower id."""
    codes = codes_of(CODES)
    traits = TaxTraits(place_of("DE"), place_of("DE"), "partner", None)
    assert best_tax_code(codes, traits) == best_tax_code(codes[::-1], traits) == codes[6]
