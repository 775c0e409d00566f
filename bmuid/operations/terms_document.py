"""What of accounts and services decides prices, as a document of accounts says it."""

from bmu.billing.document import Entry
from bmu.rating import Exemption
from bmuid.operations.entries import text, text_or_none
from bmuid.operations.grammar import ArgumentError, Pattern, Text
from bmuid.store.terms import AccountTerms, Attributes, ServiceTerms

CODE = Pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "a code of the catalogue")
CATEGORY = Text(64)
CERTIFICATE = Text(200)
NAME = Pattern(r"[a-z][a-z0-9_]{0,31}", "a name: small letters, digits and _")
VALUE = Text(200)

_OF_ACCOUNT = (
    *("category", "state", "rate_plan", "inherits_plan", "usage_invoicer", "attributes"),
    "exemption",
)
_OF_SERVICE = ("rate_plan", "price_plan", "attributes")


def account_terms(entry: Entry) -> AccountTerms | None:
    """Read an account's terms; none where the document gives none."""
    given = [key for key in _OF_ACCOUNT if entry.has(key)]
    if not given:
        return None
    return AccountTerms(
        category=text_or_none(entry, "category", CATEGORY) or None,
        state=text_or_none(entry, "state", CATEGORY) or None,
        rate_plan=text_or_none(entry, "rate_plan", CODE) or None,
        inherits_plan=entry.has("inherits_plan") and entry.flag("inherits_plan"),
        attributes=_attributes(entry),
        exemptions=entry.each("exemption", _exemption),
    )


def service_terms(entry: Entry) -> ServiceTerms | None:
    """Read a service's terms; none where the document gives none."""
    given = [key for key in _OF_SERVICE if entry.has(key)]
    if not given:
        return None
    return ServiceTerms(
        rate_plan=text_or_none(entry, "rate_plan", CODE) or None,
        price_plan=text_or_none(entry, "price_plan", CODE) or None,
        attributes=_attributes(entry),
    )


def attributes_of(said: str) -> Attributes:
    """
    Read attributes written as name=text,name=text.

    Errors:
        ArgumentError: something is none.
    """
    found = {}
    for one in said.split(","):
        name, _, value = one.partition("=")
        found[NAME.parse(name.strip())] = VALUE.parse(value.strip())
    return tuple(sorted(found.items()))


def _attributes(entry: Entry) -> Attributes:
    values = entry.raw("attributes")
    if values is None:
        return ()
    if not isinstance(values, dict):
        entry.fault("attributes", 'must be texts by name, like { segment = "gold" }')
        return ()
    found = {}
    for name, value in values.items():
        try:
            found[NAME.parse(name)] = VALUE.parse(value if isinstance(value, str) else "")
        except ArgumentError as error:
            entry.fault(f"attributes.{name}", str(error))
    return tuple(sorted(found.items()))


def _exemption(entry: Entry) -> Exemption:
    from_, to = entry.day("from"), entry.day("to")
    if from_ is not None and to is not None and to <= from_:
        entry.fault("to", "must lie after from; it is the local day after the last")
    return Exemption(
        certificate=text(entry, "certificate", CERTIFICATE),
        tax=text_or_none(entry, "tax", CODE) or None,
        valid_from=from_,
        valid_to=to,
    )
