"""
Amounts are whole numbers of a stated scale; each rounding has a name and one place.

Units:
    ..._e11: whole multiples of 10^-11 of the currency; what rating computes with.
    ..._minor: whole minor units of the currency (pence, cents); what invoices and the ledger hold.
"""

import re
from enum import Enum

SCALE = 11
ONE_E11 = 100_000_000_000

_DECIMAL = re.compile(r"(-?)([0-9]{1,30})(?:\.([0-9]{1,30}))?")

# ISO 4217, the currencies in use, by how many decimals their minor unit stands for.
_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL "
    "GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR "
    "LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD "
    "PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC "
    "SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW "
    "ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_POWERS = tuple(int("1" + "0" * places) for places in range(SCALE + 1))
_EXPONENTS = {code: places for places, codes in _CODES.items() for code in codes.split()}


class Rounding(Enum):
    """How a division that leaves a rest is rounded; half and up look at the size, not the sign."""

    HALF_UP = "HALF_UP"
    UP = "UP"
    DOWN = "DOWN"
    HALF_EVEN = "HALF_EVEN"


def parse_e11(text: str) -> int:
    """
    Read a decimal number exactly.

    Errors:
        ValueError: not a plain decimal number, or more than 11 places.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f"not a decimal number: {text[:40]!r}")
    sign, whole, places = match[1], match[2], match[3] or ""
    if len(places) > SCALE:
        raise ValueError(f"more than {SCALE} decimal places: {text}")
    number = int(whole) * ONE_E11 + int(places.ljust(SCALE, "0"))
    return -number if sign else number


def decimal_text(amount_e11: int) -> str:
    """Write an amount exactly, in its one shortest form ("0.0125", "12", "-3.5")."""
    whole, places = divmod(abs(amount_e11), ONE_E11)
    text = f"{whole}.{places:0{SCALE}}".rstrip("0").rstrip(".")
    return f"-{text}" if amount_e11 < 0 else text


def divide(numerator: int, denominator: int, mode: Rounding) -> int:
    """Divide and round to a whole number: the one rounding division."""
    assert denominator > 0, denominator
    quotient, rest = divmod(abs(numerator), denominator)
    size = quotient + _rounds_up(quotient, rest, denominator, mode)
    return -size if numerator < 0 else size


def _rounds_up(quotient: int, rest: int, denominator: int, mode: Rounding) -> bool:
    match mode:
        case Rounding.HALF_UP:
            return 2 * rest >= denominator
        case Rounding.UP:
            return rest > 0
        case Rounding.DOWN:
            return False
        case Rounding.HALF_EVEN:
            return 2 * rest + quotient % 2 > denominator


def round_e11(amount_e11: int, places: int, mode: Rounding) -> int:
    """Round to a number of decimal *places*, 0 to 11."""
    assert 0 <= places <= SCALE, places
    step = _POWERS[SCALE - places]
    return divide(amount_e11, step, mode) * step


def exponent(currency: str) -> int:
    """
    Tell how many decimals the minor unit of an ISO 4217 currency stands for.

    Errors:
        ValueError: no such currency.
    """
    places = _EXPONENTS.get(currency)
    if places is None:
        raise ValueError(f"not a currency of ISO 4217: {currency[:40]!r}")
    return places


def to_minor(amount_e11: int, currency: str) -> int:
    """Make an amount money, rounded half up: the one place where that happens."""
    return divide(amount_e11, _POWERS[SCALE - exponent(currency)], Rounding.HALF_UP)


def money_text(minor: int, currency: str) -> str:
    """Write money with all decimals of its currency ("12.30", "1230" yen)."""
    places = exponent(currency)
    sign = "-" if minor < 0 else ""
    whole, rest = divmod(abs(minor), _POWERS[places])
    return f"{sign}{whole}.{rest:0{places}}" if places else f"{sign}{whole}"
