"""Several taxes on one amount: on each other, in the price, not owed; and nothing is lost in between."""

import json
from datetime import date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.money import decimal_text, parse_e11
from bmu.period import to_us, zone_of
from bmu.rating import (
    Exemption,
    TaxCodeRow,
    Taxes,
    TaxRequest,
    TaxRow,
    TaxRules,
    TaxVendor,
    Untaxed,
)
from bmu.rating.taxation import (
    Levies,
    Levy,
    TaxPart,
    taxes_from_json,
    taxes_on,
    taxes_to_json,
)
from bmu.rating.taxcode import TaxPlace, TaxTraits

AMOUNTS = st.one_of(st.integers(0, 500), st.integers(0, 10**15))
LEVIES = st.lists(
    st.builds(
        Levy,
        st.integers(1, 9),
        st.one_of(st.integers(0, 10**6), st.sampled_from([50_000, 70_000, 99_750, 200_000])),
        st.booleans(),
        st.sampled_from([None, None, None, "C-7"]),
    ),
    max_size=4,
).map(tuple)


def levy(text: str) -> Levy:
    """Read "5 %" or "9.975 % compound" or "5 % exempt"; all are tax 1."""
    rate, _, rest = text.partition(" %")
    certificate = "C-7" if "exempt" in rest else None
    return Levy(1, parse_e11(rate) // 10_000_000, "compound" in rest, certificate)


@pytest.mark.parametrize(
    ("amount", "taxes", "inclusive", "net", "wanted"),
    [
        ("100", ["20 %"], False, "100", ["20"]),
        ("100", ["5 %", "9.975 %"], False, "100", ["5", "9.975"]),
        ("100", ["5 %", "9.5 % compound"], False, "100", ["5", "9.975"]),
        ("100", ["5 % exempt", "9.5 % compound"], False, "100", ["0", "9.5"]),
        ("100", ["5 %", "9.5 % compound exempt"], False, "100", ["5", "0"]),
        ("100", [], False, "100", []),
        ("120", ["20 %"], True, "100", ["20"]),
        ("114.975", ["5 %", "9.5 % compound"], True, "100", ["5", "9.975"]),
        ("114.975", ["5 %", "9.975 %"], True, "100", ["5", "9.975"]),
        ("120", ["20 % exempt"], True, "100", ["0"]),
        ("125", ["20 %", "5 % exempt"], True, "100", ["20", "0"]),
        ("1", ["20 %"], True, "0.83333333333", ["0.16666666667"]),
        ("10", ["7 %", "3 %"], True, "9.09090909091", ["0.63636363636", "0.27272727273"]),
        ("0", ["20 %"], True, "0", ["0"]),
        ("0.00000000001", ["20 %"], False, "0.00000000001", ["0"]),
        ("0.00000000003", ["20 %"], False, "0.00000000003", ["0.00000000001"]),
    ],
)
def test_taxes_are_what_a_clerk_works_out(
    amount: str, taxes: list[str], net: str, wanted: list[str], *, inclusive: bool
) -> None:
    """On top or in the price, beside each other or on each other; who is exempt pays none, and no tax on none."""
    found = taxes_on(parse_e11(amount), Levies(tuple(map(levy, taxes)), None, inclusive))
    assert decimal_text(found.net_e11) == net
    assert [decimal_text(part.tax_e11) for part in found.parts] == wanted


@given(amount=AMOUNTS, levies=LEVIES, inclusive=st.booleans())
def test_each_tax_is_its_part_of_its_base(
    amount: int, levies: tuple[Levy, ...], *, inclusive: bool
) -> None:
    """No tax strays a unit from its rate, and what it is a part of is the net or the total so far."""
    found = taxes_on(amount, Levies(levies, 3, inclusive))
    total = found.net_e11
    assert (found.tax_code_id, found.inclusive, len(found.parts)) == (3, inclusive, len(levies))
    for each, part in zip(levies, found.parts, strict=True):
        exact = Fraction(part.base_e11 * each.rate_ppm, 10**6)
        assert part.base_e11 == (total if each.compound else found.net_e11)
        if each.certificate is None:
            assert abs(part.tax_e11 - exact) <= (2 if inclusive else Fraction(1, 2))
        else:
            assert (part.tax_e11, part.certificate) == (0, "C-7")
        total += part.tax_e11
    assert total == found.net_e11 + found.tax_e11


@given(AMOUNTS, LEVIES)
def test_a_price_with_taxes_is_their_sum_to_the_last_unit(
    gross: int, levies: tuple[Levy, ...]
) -> None:
    """Who pays a price that holds its taxes pays that price, however it is divided."""
    owed = tuple(each._replace(certificate=None) for each in levies)
    found = taxes_on(gross, Levies(owed, None, inclusive=True))
    assert found.net_e11 + found.tax_e11 == gross
    assert 0 <= found.net_e11 <= gross
    assert all(part.tax_e11 >= 0 for part in found.parts)
    exempt = taxes_on(gross, Levies(levies, None, inclusive=True))
    assert exempt.net_e11 == found.net_e11
    assert exempt.net_e11 + exempt.tax_e11 <= gross + len(levies)


@given(amount=AMOUNTS, levies=LEVIES, inclusive=st.booleans())
def test_what_is_stored_is_what_was_computed(
    amount: int, levies: tuple[Levy, ...], *, inclusive: bool
) -> None:
    """Taxes go into the database and come back the same, those that a service told with their rates."""
    for service in (None, "example"):
        found = taxes_on(amount, Levies(levies, None, inclusive, service))
        assert taxes_from_json(json.loads(json.dumps(taxes_to_json(found)))) == found
        assert {part.rate_ppm is None for part in found.parts} <= {service is None}


CHANGED = date(2026, 8, 1)
RULES = TaxRules(
    (
        TaxCodeRow(1, "QC", "Quebec", ("GST", "QST"), country="CA", state="QC"),
        TaxCodeRow(2, "GB", "Britain", ("VAT",), country="GB", inclusive=True),
        TaxCodeRow(3, "FR", "France", ("TVA",), country="FR", of_event=True),
    ),
    {
        "GST": (
            TaxRow(11, "GST", "GST", 60_000, None, CHANGED),
            TaxRow(12, "GST", "GST", 50_000, CHANGED, None),
        ),
        "QST": (TaxRow(13, "QST", "QST", 95_000, None, None, compound=True),),
        "VAT": (TaxRow(14, "VAT", "VAT", 200_000, None, None),),
        "TVA": (TaxRow(15, "TVA", "TVA", 200_000, CHANGED, None),),
    },
)
ZONE = "America/Montreal"


def request(country: str, at: str = "2026-09-01 12:00", **others: object) -> TaxRequest:
    """Ask for the taxes of 100 at a customer's, at a local time there."""
    started = datetime.fromisoformat(at).replace(tzinfo=zone_of(ZONE))
    place = TaxPlace(*country.split("/"))
    asked = TaxRequest("CAD", to_us(started), ZONE, TaxTraits(place, TaxPlace()))
    return asked._replace(**others)  # type: ignore[arg-type]


def answered(vendor: TaxVendor, asked: TaxRequest) -> Taxes:
    """Ask a vendor that knows, and tax 100."""
    found = vendor.levies(asked)
    assert isinstance(found, Levies)
    return taxes_on(parse_e11("100"), found)


@pytest.mark.parametrize(
    ("at", "wanted"),
    [
        ("2026-07-31 23:59", ["6", "10.07"]),
        ("2026-08-01 00:00", ["5", "9.975"]),
    ],
)
def test_a_rate_changes_at_midnight_of_the_customer(at: str, wanted: list[str]) -> None:
    """A call that begins before the new rate's first day is at the old rate; the tax on tax follows it."""
    found = answered(RULES, request("CA/QC", at))
    assert [decimal_text(part.tax_e11) for part in found.parts] == wanted
    assert found.tax_code_id == 1


@pytest.mark.parametrize(
    ("exemption", "wanted"),
    [
        (Exemption("C-7", "GST"), [("0", "C-7"), ("9.5", None)]),
        (Exemption("C-7", "QST"), [("5", None), ("0", "C-7")]),
        (Exemption("C-7"), [("0", "C-7"), ("0", "C-7")]),
        (Exemption("C-7", "VAT"), [("5", None), ("9.975", None)]),
        (Exemption("C-7", None, None, date(2026, 9, 1)), [("5", None), ("9.975", None)]),
        (Exemption("C-7", None, date(2026, 9, 1), None), [("0", "C-7"), ("0", "C-7")]),
        (Exemption("C-7", None, date(2026, 9, 2), None), [("5", None), ("9.975", None)]),
    ],
)
def test_an_exemption_holds_for_its_tax_on_its_days(
    exemption: Exemption, wanted: list[tuple[str, str | None]]
) -> None:
    """A certificate frees from one tax or all, on its days only, and the charge names it."""
    found = answered(RULES, request("CA/QC", exemptions=(exemption,)))
    assert [(decimal_text(part.tax_e11), part.certificate) for part in found.parts] == wanted


def test_a_tax_that_was_named_is_taken_as_it_is() -> None:
    """A package with its own tax pays that one on top, whatever codes would fit; exempt or not."""
    found = answered(RULES, request("CA/QC", tax="VAT"))
    assert found == Taxes(parse_e11("100"), (TaxPart(14, parse_e11("100"), parse_e11("20")),))
    found = answered(RULES, request("CA/QC", tax="VAT", exemptions=(Exemption("C-7"),)))
    assert (found.tax_e11, found.parts[0].certificate) == (0, "C-7")


def test_where_prices_hold_their_taxes_they_are_divided_out() -> None:
    """A customer in Britain pays 100, of which a sixth is tax."""
    found = answered(RULES, request("GB"))
    assert found.net_e11 + found.tax_e11 == parse_e11("100")
    assert decimal_text(found.tax_e11) == "16.66666666667"


def test_without_a_code_there_is_no_tax() -> None:
    """Where no code fits and none is the default, nothing is added."""
    assert answered(RULES, request("NO")) == Taxes(parse_e11("100"))


def test_a_tax_without_a_rate_on_the_day_is_named() -> None:
    """A clerk reads which tax has no rate yet; the event waits."""
    there = TaxTraits(TaxPlace("GB"), TaxPlace("FR"))
    early = request("GB", "2026-07-31 12:00", traits=there)
    codes = RULES.codes[2:]
    assert TaxRules(codes, RULES.rows).levies(early) == Untaxed("tax TVA: no rate on this day")
    assert answered(TaxRules(codes, RULES.rows), request("GB", traits=there)).tax_code_id == 3
