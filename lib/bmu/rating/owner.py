"""Whose usage it is: who owned a usage identifier when the event began, and on what terms."""

from typing import NamedTuple

from bmu.rating.taxation import Exemption


class Terms(NamedTuple):
    """
    What of an owner decides prices; most owners share theirs with many.

    Shapes:
        account_rate_plan: of the account's package. own_rate_plan: of the account, or of the nearest above it
            where it inherits. invoicer_rate_plan: of the account that pays.
        country, state, category: the account's, for its taxes and for conditions.
        attributes: names as conditions spell them (account.segment, service.sim) with their texts, sorted.
    """

    package: str
    currency: str
    zone: str
    price_plan: str | None = None
    account_rate_plan: str | None = None
    own_rate_plan: str | None = None
    invoicer_rate_plan: str | None = None
    country: str | None = None
    state: str | None = None
    category: str | None = None
    exemptions: tuple[Exemption, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


class OwnerRow(NamedTuple):
    """
    One stored stretch of ownership.

    Units:
        from_us, to_us: microseconds since 1970-01-01 UTC, half-open; `bmu.period.FOREVER_US`
            where no end is known.
        bill_day: the account's.
    """

    uid_id: int
    uid_type: str
    value: str
    from_us: int
    to_us: int
    account_id: int
    account_service_id: int
    terms: Terms
    bill_day: int


class Owner(NamedTuple):
    """The account service that owns a usage identifier over [from_us, to_us)."""

    from_us: int
    to_us: int
    uid_id: int
    account_id: int
    account_service_id: int
    terms: Terms
    bill_day: int
