"""Numbers, however a switch writes them, are those that the customers and the catalogue know."""

import pytest

from bmu.mediation.number import Numbers, SourceSettings
from bmu.mediation.reject import Reason, UnreadError

BRITISH = Numbers(SourceSettings("pbx", "Europe/London", "44", "0", "00"))
SPANISH = Numbers(SourceSettings("pbx", "Europe/Madrid", "34", "", "00"))
AMERICAN = Numbers(SourceSettings("pbx", "America/New_York", "1", "1", "011"))


@pytest.mark.parametrize(
    ("numbers", "written", "number"),
    [
        (BRITISH, "+442079460123", "442079460123"),
        (BRITISH, "02079460123", "442079460123"),
        (BRITISH, "00442079460123", "442079460123"),
        (BRITISH, "442079460123", "442079460123"),
        (BRITISH, "0033199001234", "33199001234"),
        (BRITISH, "020 7946 0123", "442079460123"),
        (BRITISH, "+44 (0)20 7946-0123", "442079460123"),
        (BRITISH, "08001111", "448001111"),
        (BRITISH, "201", "201"),
        (BRITISH, "0", "0"),
        (BRITISH, "00123", "00123"),
        (BRITISH, "anonymous", "anonymous"),
        (BRITISH, "+alice", "+alice"),
        (BRITISH, "*97", "*97"),
        (BRITISH, "٢٠١", "٢٠١"),
        (SPANISH, "911234567", "34911234567"),
        (SPANISH, "+442079460123", "442079460123"),
        (SPANISH, "123456", "123456"),
        (AMERICAN, "12125550192", "12125550192"),
        (AMERICAN, "011442079460123", "442079460123"),
    ],
)
def test_a_number_is_the_same_however_it_was_dialled(
    numbers: Numbers, written: str, number: str
) -> None:
    """A customer is found by the number that stands in the contract, in international digits."""
    assert numbers.read(written) == number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("101", "44101"),
        ("118118", "44118118"),
        ("118-118", "44118118"),
        ("11.8118", "44118118"),
        ("*97", "*97"),
        ("01632960555", "441632960555"),
    ],
)
def test_a_short_code_is_not_a_call_abroad(written: str, number: str) -> None:
    """118118 begins with the country code of the USA, and must never be priced as a call there."""
    assert BRITISH.read_called(written) == number


@pytest.mark.parametrize("written", ["", "4" * 65, "44\n20", "a\x00b", "+" + "4" * 65])
def test_what_is_no_number_is_refused(written: str) -> None:
    """Nothing that can't be shown to a clerk gets into the books as a number."""
    with pytest.raises(UnreadError) as refused:
        BRITISH.read(written)
    assert refused.value.reason is Reason.BAD_NUMBER
