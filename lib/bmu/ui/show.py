"""How days, durations, numbers and amounts are written for a reader."""

from __future__ import annotations

from datetime import date, timedelta

from bmu.money import exponent, money_text, parse_e11, to_minor

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SIGNS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥"}
SOLID = "\u00a0"
MINUS = "\u2212"
DASH = "\u2013"

# E.164 country codes of one and two digits; all others have three.
_SHORT_CODES = {"1", "7", "20", "27", "30", "31", "32", "33", "34", "36", "39"}
_SHORT_CODES |= {str(code) for code in (*range(40, 50), *range(51, 59), *range(60, 67))} - {"42"}
_SHORT_CODES |= {"81", "82", "84", "86", *map(str, range(90, 96)), "98"}


def amount(text: str, currency: str) -> str:
    """Write a charge with all the places it has: `£0.0125`, `CHF 1,204.50`."""
    whole, _, places = text.removeprefix("-").partition(".")
    places = places.ljust(exponent(currency), "0")
    number = f"{int(whole):,}" + (f".{places}" if places else "")
    sign = SIGNS.get(currency, currency + SOLID)
    return (MINUS if text.startswith("-") else "") + sign + number


def rounded(text: str, currency: str) -> str:
    """Write an amount as money, rounded to the currency's minor unit: `£1,204.50`."""
    return amount(money_text(to_minor(parse_e11(text), currency), currency), currency)


def day(text: str) -> str:
    """Write a date: `3 August 2026`."""
    return f"{int(text[8:])} {MONTHS[int(text[5:7]) - 1]} {text[:4]}"


def short_day(text: str) -> str:
    """Write a date where the year is clear: `3 Aug`."""
    return f"{int(text[8:])} {MONTHS[int(text[5:7]) - 1][:3]}"


def day_before(text: str) -> str:
    """Give the day before *text*: the last one of a half-open period that ends there."""
    return (date.fromisoformat(text) - timedelta(days=1)).isoformat()


def day_after(text: str) -> str:
    """Give the day after *text*; the same day where the calendar ends."""
    try:
        return (date.fromisoformat(text) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return text


def days(start: str, end: str) -> list[str]:
    """List the days of a half-open period."""
    first = date.fromisoformat(start)
    return [
        (first + timedelta(days=at)).isoformat()
        for at in range((date.fromisoformat(end) - first).days)
    ]


def span(start: str, end: str) -> str:
    """Write the half-open period from *start* to *end* as its first and last day."""
    last = day_before(end)
    if last <= start:
        return day(start)
    if start[:7] == last[:7]:
        return f"{int(start[8:])}{DASH}{day(last)}"
    if start[:4] == last[:4]:
        return f"{int(start[8:])} {MONTHS[int(start[5:7]) - 1]} {DASH} {day(last)}"
    return f"{day(start)} {DASH} {day(last)}"


def weekday_and_day(text: str) -> str:
    """Write a date with its weekday: `Monday 3 August 2026`."""
    return f"{WEEKDAYS[date.fromisoformat(text).weekday()]} {day(text)}"


def moved(start: str, end: str, months: int) -> tuple[str, str]:
    """
    Give the period before (-1) or after (1) a half-open one.

    Whole months move by as many months, anything else by its own length.
    """
    length = (int(end[:4]) - int(start[:4])) * 12 + int(end[5:7]) - int(start[5:7])
    if length > 0 and month_moved(start, length) == end:
        return month_moved(start, months * length), month_moved(end, months * length)
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    step = (last - first) * months
    return (first + step).isoformat(), (last + step).isoformat()


def month_moved(text: str, months: int) -> str:
    """Give the same day *months* later; the month's last one where it has no such day."""
    moved = int(text[:4]) * 12 + int(text[5:7]) - 1 + months
    first = date(moved // 12, moved % 12 + 1, 1)
    following = date((moved + 1) // 12, (moved + 1) % 12 + 1, 1)
    return first.replace(day=min(int(text[8:]), (following - first).days)).isoformat()


def duration(seconds: int) -> str:
    """Write a duration: `0:03:25`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}:{minutes:02}:{rest:02}"


def quantity(unit: str, number: int) -> str:
    """Write a quantity of *unit* (TIME: seconds, DATA: octets, COUNT) exactly or to three digits."""
    if unit == "TIME":
        return duration(number)
    if unit == "DATA":
        return octets(number)
    return f"{number:,}"


def octets(number: int) -> str:
    """Write an amount of data in units of a thousand: `1.25 GB`."""
    size, names = 1, ["B", "KB", "MB", "GB", "TB", "PB"]
    while number >= size * 1000 and len(names) > 1:
        size *= 1000
        names.pop(0)
    hundredths = number * 100 // size
    places = f".{hundredths % 100:02}".rstrip("0").rstrip(".")
    return f"{hundredths // 100:,}{places}{SOLID}{names[0]}"


def allowance(unit: str, number: int) -> str:
    """Write what an allowance holds: whole minutes where they are whole, else minutes and seconds."""
    if unit != "TIME":
        return quantity(unit, number)
    minutes, seconds = divmod(number, 60)
    text = f"{minutes:,}{SOLID}min"
    return f"{text} {seconds}{SOLID}s" if seconds else text


def number(kind: str, value: str) -> str:
    """Write a UID; a telephone number in E.164 with a plus and light groups."""
    bare = value.removeprefix("+")
    if kind != "phone" or not bare.isdecimal() or not 7 <= len(bare) <= 15:
        return value
    return phone(bare)


def digits(text: str) -> str:
    """Write what a record names as caller or callee: a telephone number where it looks like one."""
    return number("phone", text)


def phone(e164: str) -> str:
    """Write a number in E.164: `+44 20 7946 0123`, `+33 199 001 234`."""
    code = next((e164[:size] for size in (1, 2) if e164[:size] in _SHORT_CODES), e164[:3])
    rest = e164[len(code) :]
    if code == "44" and len(rest) == 10:
        sizes = {"2": (2, 4), "1": (4,), "7": (4,)}.get(rest[0], (3, 3))
        # 0113 and 0131 are areas of three digits; 01632 is one of four.
        if rest[:2] == "11" or (rest[0] == "1" and rest[2] == "1"):
            sizes = (3, 3)
    else:
        # Groups of three, the last of up to five so that none stands with a single digit.
        sizes = (3,) * max(0, (len(rest) - 2) // 3)
    groups = [code]
    for size in sizes:
        groups.append(rest[:size])
        rest = rest[size:]
    return "+" + SOLID.join([*groups, rest] if rest else groups)


def local_time(text: str) -> str:
    """Write the time of day of a local instant: `09:12:44`."""
    return text[11:19]
