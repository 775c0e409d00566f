"""Numbers, however a switch writes them, are those that the customers and the catalogue know."""

import pytest

from bmu.mediation.number import Numbers, SourceSettings, is_routing_prefix
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
        (BRITISH, "2079460123;national", "442079460123"),
        (BRITISH, ";national", ";national"),
        (SPANISH, "911234567", "34911234567"),
        (AMERICAN, "2125550192;national", "12125550192"),
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
        ("02079460123x12", "442079460123"),
        ("020 7946 0123 ext. 12", "442079460123"),
        ("+442079460123 EXT 1234567", "442079460123"),
        ("+44 (0)20 7946 0123;ext=12", "442079460123"),
        ("02079460123#12", "442079460123"),
        ("0033199001234#", "33199001234"),
        ("+442079460123;npdi;rn=+44140012", "442079460123"),
        ("02079460123;phone-context=switch.example", "442079460123"),
        ("201x5", "201"),
        # No number with something behind it.
        ("x123", "x123"),
        ("alice;ext=5", "alice;ext=5"),
        ("#31#02079460123", "#31#02079460123"),
        ("02079460123x", "02079460123x"),
        ("02079460123ext12345678", "02079460123ext12345678"),
        ("02079460123 or 12", "02079460123 or 12"),
    ],
)
def test_what_stands_behind_a_number_is_no_part_of_it(written: str, number: str) -> None:
    """A call to or from an extension is a call of the line; the way a number was routed is no other number."""
    assert BRITISH.read(written) == number


ROUTING = ("1400", "Dxxx=0", "+44Dxxx=+44", "8x8x=+", "0555=")
PORTING = Numbers(SourceSettings("gw", "Europe/London", "44", "0", "00", ROUTING))


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("140002079460123", "442079460123"),
        ("1400 020 7946 0123", "442079460123"),
        ("1400+442079460123", "1400+442079460123"),
        ("14000033199001234", "33199001234"),
        ("D1232079460123", "442079460123"),
        ("dA1f2079460123", "442079460123"),
        ("+44D0012079460123", "442079460123"),
        ("D1232079460123;npdi", "442079460123"),
        ("818233199001234", "33199001234"),
        # The first that fits counts, and only one.
        ("1400D1232079460123", "1400D1232079460123"),
        ("0555101555", "44101555"),
        # Fewer than five digits behind it: it is the number itself.
        ("14001234", "14001234"),
        ("1400", "441400"),
        # Nothing of the kind.
        ("+14002079460", "14002079460"),
        ("02079460123", "442079460123"),
        ("D12", "D12"),
    ],
)
def test_a_ported_number_is_the_number_that_was_called(written: str, number: str) -> None:
    """What number portability puts before a called number leads the call to a network; it prices nothing."""
    assert PORTING.read_called(written) == number


def test_a_calling_number_has_no_routing_prefix() -> None:
    """Who calls is taken at their word: a customer's number may begin with such digits."""
    assert PORTING.read("140002079460123") == "140002079460123"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        *(("1400", True), ("Dxxx", True), ("Dxxx=0", True), ("+49D1A=+49", True), ("12=", True)),
        *(("", False), ("=0", False), ("d12", False), ("12=x", False), ("1" * 16, False)),
        *(("12 3", False), ("1,2", False), ("++1", False), ("1=+0123456789", False)),
    ],
)
def test_what_may_be_a_routing_prefix(text: str, *, is_one: bool) -> None:
    """A slip in a source's settings is told before any call is read by it."""
    assert is_routing_prefix(text) is is_one


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("101", "44101"),
        ("101#", "44101"),
        ("118118;phone-context=+44", "44118118"),
        ("+101;npdi", "101"),
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


@pytest.mark.parametrize(
    "written", ["", "4" * 65, "44\n20", "a\x00b", "+" + "4" * 65, "44207;a\x00"]
)
def test_what_is_no_number_is_refused(written: str) -> None:
    """Nothing that can't be shown to a clerk gets into the books as a number."""
    with pytest.raises(UnreadError) as refused:
        BRITISH.read(written)
    assert refused.value.reason is Reason.BAD_NUMBER
