"""Who owned which usage identifier when, and on what terms, as of one revision."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bmu.period import FOREVER_US
from bmu.rating import OwnerRow, Terms
from bmuid.store import terms
from bmuid.store.terms import PLAIN_ACCOUNT, PLAIN_SERVICE, AccountTerms, ServiceTerms
from bmuid.store.transaction import Transaction

ROWS_A_TRIP = 10_000

# Package, currency, zone and country: all that decides prices for most.
_Plain = tuple[str, str, str, str]


def at(
    txn: Transaction, revision: int, uids: Sequence[tuple[str, str]] | None = None
) -> Iterator[OwnerRow]:
    """
    Give the spans in force at that revision, of all usage identifiers or of those named by type and value.

    A service's own span is not looked at: it can change without a revision, and workers that share a
    file must agree. Who ends a service ends the ownership of its UIDs with it, by a revision.
    """
    known = Known(terms.of_accounts(txn, revision), terms.of_services(txn, revision), parents(txn))
    of_most: dict[_Plain, Terms] = {}
    with txn.connection.cursor(name="owners_at") as rows:
        rows.itersize = ROWS_A_TRIP
        rows.execute(
            """
            SELECT h.id, h.uid_type, h.value,
                (extract(epoch FROM lower(h.during)) * 1000000)::bigint,
                coalesce((extract(epoch FROM upper(h.during)) * 1000000)::bigint, %(forever)s),
                a.id, s.id, s.package, a.currency, a.time_zone, a.country, a.bill_day
            FROM uid_history AS h
            JOIN account_service AS s ON s.id = h.account_service_id
            JOIN account AS a ON a.id = h.account_id
            WHERE h.since <= %(revision)s AND (h.until IS NULL OR h.until > %(revision)s)
            AND (%(values)s IS NULL OR (h.value = ANY (%(values)s::text[])
                AND (h.uid_type, h.value) IN (SELECT * FROM unnest(%(types)s::text[], %(values)s::text[]))))
            """,
            {
                "revision": revision,
                "forever": FOREVER_US,
                "types": None if uids is None else [uid_type for uid_type, _ in uids],
                "values": None if uids is None else [value for _, value in uids],
            },
        )
        for id_, type_, value, from_us, to_us, account_id, service_id, *plain, bill_day in rows:
            package, currency, zone, country = key = tuple(plain)
            found: Terms | None
            if account_id in known.accounts or service_id in known.services:
                found = known.terms(account_id, service_id, key)
            else:
                found = of_most.get(key)
                if found is None:
                    found = of_most[key] = Terms(package, currency, zone, country=country)
            yield OwnerRow(
                id_, type_, value, from_us, to_us, account_id, service_id, found, bill_day
            )


def parents(txn: Transaction) -> dict[int, int]:
    """Give the account above each account that has one; that never changes."""
    txn.execute("SELECT id, parent_id FROM account WHERE parent_id IS NOT NULL")
    return dict(txn.fetchall())


@dataclass(frozen=True, slots=True)
class Known:
    """What decides prices beyond what every account has: by account, by service; and the account above each."""

    accounts: Mapping[int, AccountTerms]
    services: Mapping[int, ServiceTerms]
    parents: Mapping[int, int]

    def terms(self, account_id: int, service_id: int, plain: _Plain) -> Terms:
        """Give all terms of a service."""
        account = self.accounts.get(account_id, PLAIN_ACCOUNT)
        service = self.services.get(service_id, PLAIN_SERVICE)
        attributes = [(f"account.{name}", text) for name, text in account.attributes]
        attributes += [(f"service.{name}", text) for name, text in service.attributes]
        package, currency, zone, country = plain
        return Terms(
            package=package,
            currency=currency,
            zone=zone,
            price_plan=service.price_plan,
            account_rate_plan=service.rate_plan,
            own_rate_plan=self._own_plan(account_id),
            invoicer_rate_plan=self._invoicer_plan(account),
            country=country,
            state=account.state,
            category=account.category,
            exemptions=account.exemptions,
            attributes=tuple(sorted(attributes)),
        )

    def _own_plan(self, account_id: int) -> str | None:
        """Give the plan of an account, or of the nearest above it that has one, as far as they inherit."""
        above: int | None = account_id
        while above is not None:
            account = self.accounts.get(above, PLAIN_ACCOUNT)
            if account.rate_plan is not None or not account.inherits_plan:
                return account.rate_plan
            above = self.parents.get(above)
        return None

    def _invoicer_plan(self, account: AccountTerms) -> str | None:
        if account.usage_invoicer_id is None:
            return None
        return self._own_plan(account.usage_invoicer_id)
