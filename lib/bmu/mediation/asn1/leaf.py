"""Single values of call records as texts: numbers in BCD, times with their zone, addresses, integers."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

from bmu.mediation.number import NATIONAL

HEX_OCTETS_MAX = 256
INTEGER_OCTETS_MAX = 16
# By their nibbles; F fills up the last octet.
DIGITS = "0123456789*#abc"
FILLER = 0xF
# 3GPP TS 24.008, 10.5.4.7: type of number.
TYPES_OF_NUMBER = (
    *("unknown", "international", "national", "network", "subscriber", "alphanumeric"),
    *("abbreviated", "reserved"),
)
INTERNATIONAL, NATIONAL_NUMBER = 1, 2
NOT_EXTENDED = 0x80
# Octet 3a of TS 24.008: who calls may be shown, may not, or is not known.
PRESENTATIONS = ("allowed", "restricted", "unavailable", "reserved")
SHORT_DIGITS_MAX = 6
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)

# None: the octets are no such value.
Read = Callable[[bytes], str | None]
Parts = Mapping[str, str]


def hexadecimal(content: bytes) -> str:
    """Give the octets themselves."""
    if len(content) <= HEX_OCTETS_MAX:
        return content.hex()
    return content[:HEX_OCTETS_MAX].hex() + "..."


def unfit(content: bytes) -> str:
    """Give octets that are not of the kind they should be, so that nothing takes them for a value."""
    return "0x" + hexadecimal(content)


def integer(content: bytes) -> str | None:
    """Read a whole number, with its sign."""
    if not 1 <= len(content) <= INTEGER_OCTETS_MAX:
        return None
    return str(int.from_bytes(content, "big", signed=True))


def boolean(content: bytes) -> str | None:
    """Read yes or no."""
    if len(content) != 1:
        return None
    return "true" if content[0] else "false"


def null(content: bytes) -> str | None:
    """Say that it is there, which is all it says."""
    return None if content else "true"


def text(content: bytes) -> str:
    """Read characters: UTF-8, or else one octet each."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def low_first(content: bytes) -> str | None:
    """Read digits, the first of an octet in its lower half (TBCD)."""
    return _digits([half for octet in content for half in (octet & 0xF, octet >> 4)])


def high_first(content: bytes) -> str | None:
    """Read digits, the first of an octet in its upper half (BCD)."""
    return _digits([half for octet in content for half in (octet >> 4, octet & 0xF)])


def _digits(halves: list[int]) -> str | None:
    while halves and halves[-1] == FILLER:
        halves.pop()
    return None if FILLER in halves else "".join(DIGITS[half] for half in halves)


def full_number(content: bytes) -> str | None:
    """Read a number that stands in full, country first (BCD); a short code stays as it is."""
    digits = high_first(content)
    if digits is None or len(digits) <= SHORT_DIGITS_MAX or not digits.isdecimal():
        return digits
    return f"+{digits}"


def ip(content: bytes) -> str | None:
    """Read an IPv4 or IPv6 address."""
    match len(content):
        case 4:
            return str(IPv4Address(content))
        case 16:
            return str(IPv6Address(content))
        case _:
            return None


def network(content: bytes) -> str | None:
    """Read a country's and a network's code (MCC and MNC, TS 24.008), as ``23415``."""
    if len(content) != 3:
        return None
    digits = content.hex()
    code = f"{digits[1]}{digits[0]}{digits[3]}{digits[5]}{digits[4]}{digits[2]}".removesuffix("f")
    return code if code.isdecimal() else None


def bits(content: bytes) -> str | None:
    """Read single bits, the first one first."""
    if not 1 <= len(content) <= HEX_OCTETS_MAX or content[0] > 7:
        return None
    every = "".join(f"{octet:08b}" for octet in content[1:])
    return every[: max(len(every) - content[0], 0)]


def number(content: bytes) -> Parts | None:
    """
    Read a telephone number behind its type (TS 24.008 and 29.002): digits, with a plus where it is international, and
    with ``;national`` behind them where it is national.

    Shapes:
        Result: the number under "", then ``ton`` (type of number), ``npi`` (numbering plan) and, where it is told,
            ``presentation``.
    """
    if not content:
        return None
    kind, digits_from = content[0], 1
    parts = {"ton": TYPES_OF_NUMBER[kind >> 4 & 7], "npi": str(kind & 0xF)}
    # Octet 3a has three bits that are always 0.
    if not kind & NOT_EXTENDED and len(content) > 1 and content[1] & 0x9C == NOT_EXTENDED:
        parts["presentation"] = PRESENTATIONS[content[1] >> 5 & 3]
        digits_from = 2
    digits = low_first(content[digits_from:])
    if digits is None:
        return None
    if kind >> 4 & 7 == INTERNATIONAL and digits:
        digits = f"+{digits}"
    elif kind >> 4 & 7 == NATIONAL_NUMBER and digits.isdecimal():
        digits += NATIONAL
    return {"": digits, **parts}


def time(content: bytes) -> Parts | None:
    """
    Read ``YYMMDDhhmmssShhmm``, BCD with the sign in ASCII.

    Shapes:
        Result: ``2026-08-03T09:12:44+01:00`` under "", and ``epoch``, the seconds since 1970-01-01 UTC.
    """
    if len(content) != 9 or content[6:7] not in {b"+", b"-"}:
        return None
    digits = content.hex()
    if not (digits[:12] + digits[14:]).isdecimal():
        return None
    year, month, day, hour, minute, second = (digits[n : n + 2] for n in range(0, 12, 2))
    zone = f"{chr(content[6])}{digits[14:16]}:{digits[16:]}"
    return instant_of(f"20{year}-{month}-{day}T{hour}:{minute}:{second}{zone}")


def instant_of(written: str) -> Parts | None:
    """Give a time like ``2026-08-03T09:12:44+01:00`` and, as ``epoch``, its seconds; None if there is no such time."""
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        return None
    return {"": written, "epoch": str((instant - EPOCH) // SECOND)}


def message_address(content: bytes) -> Parts | None:
    """Read an address of a message (TS 23.040): how many digits, which some leave out, then as number()."""
    if (
        len(content) > 1
        and content[1] & NOT_EXTENDED
        and (content[0] + 1) // 2 == len(content) - 2
    ):
        content = content[1:]
    return number(content)


READS: Mapping[str, Read] = {
    "int": integer,
    "bool": boolean,
    "null": null,
    "text": text,
    "hex": hexadecimal,
    "tbcd": low_first,
    "bcd": high_first,
    "full-number": full_number,
    "ip": ip,
    "network": network,
    "bits": bits,
}
PARTED: Mapping[str, Callable[[bytes], Parts | None]] = {
    "number": number,
    "time": time,
    "message-address": message_address,
}
