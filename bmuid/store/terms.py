"""What of accounts and their services decides prices, beyond what every account has: versions, as in the catalogue."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bmu.rating import Exemption
from bmuid.store.columns import from_json, json_text
from bmuid.store.transaction import Transaction

Attributes = tuple[tuple[str, str], ...]

_IN_FORCE = "since <= %(at)s AND (until IS NULL OR until > %(at)s)"


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """
    What an account rates by.

    Shapes:
        inherits_plan: without a rate plan of its own, it has that of the nearest account above that has one.
        usage_invoicer_id: who pays for its usage; none: itself.
        attributes: names with their texts, by name.
    """

    category: str | None = None
    state: str | None = None
    rate_plan: str | None = None
    inherits_plan: bool = False
    usage_invoicer_id: int | None = None
    attributes: Attributes = ()
    exemptions: tuple[Exemption, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceTerms:
    """What a service rates by; attributes as of an account."""

    rate_plan: str | None = None
    price_plan: str | None = None
    attributes: Attributes = ()


PLAIN_ACCOUNT = AccountTerms()
PLAIN_SERVICE = ServiceTerms()


def attributes_of(account: AccountTerms, service: ServiceTerms) -> Attributes:
    """Give the attributes of both by the names that conditions have for them, sorted."""
    both = [(f"account.{name}", text) for name, text in account.attributes]
    both += [(f"service.{name}", text) for name, text in service.attributes]
    return tuple(sorted(both))


def of_accounts(
    txn: Transaction, revision: int, account_ids: Sequence[int] | None = None
) -> dict[int, AccountTerms]:
    """Give the terms of accounts at a revision, of those that have any; none named: of all."""
    txn.execute(
        f"""
        SELECT account_id, category, state, rate_plan, inherits_plan, usage_invoicer_id, attributes,
            exemptions
        FROM account_terms
        WHERE {_IN_FORCE} AND (%(ids)s::bigint[] IS NULL OR account_id = ANY (%(ids)s::bigint[]))
        """,  # noqa: S608 - a constant, no value
        {"at": revision, "ids": None if account_ids is None else list(account_ids)},
    )
    return {
        account_id: AccountTerms(
            category,
            state,
            plan,
            inherits,
            invoicer_id,
            _named(attributes),
            from_json(tuple[Exemption, ...], exemptions),
        )
        for account_id, category, state, plan, inherits, invoicer_id, attributes, exemptions in txn
    }


def of_services(
    txn: Transaction, revision: int, account_ids: Sequence[int] | None = None
) -> dict[int, ServiceTerms]:
    """Give the terms of services at a revision, of those that have any; no accounts named: of all."""
    txn.execute(
        f"""
        SELECT account_service_id, rate_plan, price_plan, attributes FROM service_terms
        WHERE {_IN_FORCE} AND (%(ids)s::bigint[] IS NULL OR account_id = ANY (%(ids)s::bigint[]))
        """,  # noqa: S608 - a constant, no value
        {"at": revision, "ids": None if account_ids is None else list(account_ids)},
    )
    return {
        service_id: ServiceTerms(rate_plan, price_plan, _named(attributes))
        for service_id, rate_plan, price_plan, attributes in txn.fetchall()
    }


def put_accounts(txn: Transaction, wanted: Mapping[int, AccountTerms], revision: int) -> None:
    """Let accounts have these terms from a revision on, by account."""
    txn.execute(
        "UPDATE account_terms SET until = %(at)s WHERE account_id = ANY (%(ids)s) AND until IS NULL",
        {"at": revision, "ids": list(wanted)},
    )
    for account_id, terms in wanted.items():
        if terms != PLAIN_ACCOUNT:
            txn.execute(
                """
                INSERT INTO account_terms (account_id, category, state, rate_plan, inherits_plan,
                    usage_invoicer_id, attributes, exemptions, since)
                VALUES (%(id)s, %(category)s, %(state)s, %(plan)s, %(inherits)s, %(invoicer)s,
                    %(attributes)s, %(exemptions)s, %(at)s)
                """,
                {
                    "id": account_id,
                    "category": terms.category,
                    "state": terms.state,
                    "plan": terms.rate_plan,
                    "inherits": terms.inherits_plan,
                    "invoicer": terms.usage_invoicer_id,
                    "attributes": json.dumps(dict(terms.attributes)),
                    "exemptions": json_text(terms.exemptions),
                    "at": revision,
                },
            )


def put_services(
    txn: Transaction, wanted: Mapping[tuple[int, int], ServiceTerms], revision: int
) -> None:
    """Let services have these terms from a revision on, by account and service."""
    txn.execute(
        """
        UPDATE service_terms SET until = %(at)s
        WHERE account_service_id = ANY (%(ids)s) AND until IS NULL
        """,
        {"at": revision, "ids": [service_id for _, service_id in wanted]},
    )
    for (account_id, service_id), terms in wanted.items():
        if terms != PLAIN_SERVICE:
            txn.execute(
                """
                INSERT INTO service_terms (account_id, account_service_id, rate_plan, price_plan,
                    attributes, since)
                VALUES (%(account)s, %(id)s, %(plan)s, %(price_plan)s, %(attributes)s, %(at)s)
                """,
                {
                    "account": account_id,
                    "id": service_id,
                    "plan": terms.rate_plan,
                    "price_plan": terms.price_plan,
                    "attributes": json.dumps(dict(terms.attributes)),
                    "at": revision,
                },
            )


def _named(attributes: Mapping[str, str]) -> Attributes:
    return tuple(sorted(attributes.items()))
