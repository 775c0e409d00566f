"""What a browser may send: each parameter known, given once, and of its grammar."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bmu.ui.query import QueryError, pairs_of

FIELDS_MAX = 16
_DIGITS = frozenset("0123456789")
_NAME = _DIGITS | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_")
_NUMBER = _NAME | frozenset("./")

Check = Callable[[str], bool]


class FormError(Exception):
    """Raised for parameters that no form or link of ours makes."""


def is_day(text: str) -> bool:
    """Tell whether *text* is a date such as 2026-08-31; whether it exists is for the daemon to say."""
    year, _, rest = text.partition("-")
    month, _, day = rest.partition("-")
    return (
        (len(year), len(month), len(day), len(text)) == (4, 2, 2, 10)
        and _DIGITS.issuperset(year + month + day)
        and text >= "1970"
    )


def is_charge(text: str) -> bool:
    """Tell whether *text* is the id of a charge: two whole numbers with a hyphen."""
    started, hyphen, record = text.partition("-")
    return (
        bool(hyphen)
        and 0 < len(started) <= 19
        and 0 < len(record) <= 19
        and _DIGITS.issuperset(started + record)
    )


def is_name(text: str) -> bool:
    """Tell whether *text* is a short word such as a proof against forged forms."""
    return 0 < len(text) <= 64 and _NAME.issuperset(text)


def is_number(text: str) -> bool:
    """Tell whether *text* may be an invoice's number."""
    return 0 < len(text) <= 64 and _NUMBER.issuperset(text)


def is_token(text: str) -> bool:
    """Tell whether *text* is a session's token: 32 octets in URL-safe Base64."""
    return len(text) == 43 and _NAME.issuperset(text)


def is_typed(text: str) -> bool:
    """Tell whether *text* may be a login or a password as typed."""
    return 0 < len(text) <= 256 and text.isprintable()


def read_form(text: str, fields: Mapping[str, Check]) -> dict[str, str]:
    """
    Read a query or a form's body; a field left empty counts as not given.

    Errors:
        FormError: a field is unknown, given twice, badly encoded, or not of its grammar.
    """
    if not text:
        return {}
    if text.count("&") >= FIELDS_MAX:
        raise FormError("there are too many parameters")
    try:
        pairs = pairs_of(text)
    except QueryError as error:
        raise FormError("the parameters are not in their encoding") from error
    given = dict(pairs)
    if len(given) != len(pairs):
        raise FormError("a parameter is given twice")
    for name, value in pairs:
        check = fields.get(name)
        if check is None:
            raise FormError("a parameter is unknown")
        if value and not check(value):
            raise FormError(f"the parameter {name} is not of its grammar")
    return {name: value for name, value in given.items() if value}


def session_token(cookie: str) -> str | None:
    """Give the session's token in a Cookie header; None unless it is there once and well formed."""
    crumbs = [crumb.strip().partition("=") for crumb in cookie.split(";")]
    values = [value for name, _, value in crumbs if name == "__Host-bm"]
    return values[0] if len(values) == 1 and is_token(values[0]) else None
