"""Who owned which usage identifier when, and on what terms, as of one revision."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bmu.period import FOREVER_US
from bmu.rating import OwnerRow, Terms
from bmu.rating.packing import Kinds, pack_copied
from bmuid.store import terms
from bmuid.store.copying import copy_out
from bmuid.store.terms import PLAIN_ACCOUNT, PLAIN_SERVICE, AccountTerms, ServiceTerms
from bmuid.store.transaction import Transaction

ROWS_A_TRIP = 10_000
# For more usage identifiers than that it takes less time to read the terms of all accounts.
NAMED_MAX = 2000

# Package, currency, zone and country: all that decides prices for most.
_Plain = tuple[str, str, str, str]

_IN_FORCE = "since <= %(at)s AND (until IS NULL OR until > %(at)s)"
_NAMED = """
    unnest(%(types)s::text[], %(values)s::text[]) AS wanted (uid_type, value)
    JOIN uid_history AS h ON h.value = wanted.value AND h.uid_type = wanted.uid_type
"""
_CHANGED = "(since > %(after)s AND since <= %(to)s OR until > %(after)s AND until <= %(to)s)"


def at(
    txn: Transaction, revision: int, uids: Sequence[tuple[str, str]] | None = None
) -> Iterator[OwnerRow]:
    """
    Give the spans in force at that revision, of all usage identifiers or of those named by type and value.

    A service's own span is not looked at: it can change without a revision, and workers that share a
    file must agree. Who ends a service ends the ownership of its UIDs with it, by a revision.
    """
    few = uids is not None and len(uids) <= NAMED_MAX
    known = _known_of(txn, revision, uids or ()) if few else _known(txn, revision)
    of_most: dict[_Plain, Terms] = {}
    rows = _fetched(
        txn,
        f"""
        SELECT h.id, h.uid_type, h.value,
            (extract(epoch FROM lower(h.during)) * 1000000)::bigint,
            coalesce((extract(epoch FROM upper(h.during)) * 1000000)::bigint, %(forever)s),
            a.id, s.id, s.package, a.currency, a.time_zone, a.country, a.bill_day
        FROM {"uid_history AS h" if uids is None else _NAMED}
        JOIN account_service AS s ON s.id = h.account_service_id
        JOIN account AS a ON a.id = h.account_id
        WHERE h.since <= %(revision)s AND (h.until IS NULL OR h.until > %(revision)s)
        """,  # noqa: S608 - constants, no value
        {"revision": revision, "forever": FOREVER_US} | _named(uids or ()),
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
        yield OwnerRow(id_, type_, value, from_us, to_us, account_id, service_id, found, bill_day)


def _named(uids: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Give the values that name some usage identifiers, each once."""
    each = list(dict.fromkeys(uids))
    return {"types": [uid_type for uid_type, _ in each], "values": [value for _, value in each]}


def _fetched(
    txn: Transaction, query: str, values: Mapping[str, object]
) -> Iterator[tuple[Any, ...]]:
    """Give the rows of a query, some a trip."""
    txn.execute(f"DECLARE owners_at NO SCROLL CURSOR FOR {query}", values)
    while True:
        txn.execute("FETCH %(count)s FROM owners_at", {"count": ROWS_A_TRIP})
        found = txn.fetchall()
        if not found:
            break
        yield from found
    txn.execute("CLOSE owners_at")


def packed(txn: Transaction, revision: int) -> tuple[bytes | bytearray, bytes]:
    """Give the same of all usage identifiers, packed: two pieces, one behind the other."""
    rows = copy_out(
        txn,
        """
        COPY (
            SELECT h.uid_type || ':' || h.value, lower(h.during), upper(h.during), h.id, a.id, s.id,
                a.bill_day, s.package, a.currency, a.time_zone, a.country
            FROM uid_history AS h
            JOIN account_service AS s ON s.id = h.account_service_id
            JOIN account AS a ON a.id = h.account_id
            WHERE h.since <= %(at)s AND (h.until IS NULL OR h.until > %(at)s)
        ) TO STDOUT BINARY
        """,
        {"at": revision},
    )
    kinds = Kinds()
    special = {service_id: kinds.number(found) for service_id, found in _special(txn, revision)}
    return pack_copied(rows, _PlainKinds(kinds), special), kinds.packed()


def changed(
    txn: Transaction, one: int, other: int, changes_max: int
) -> tuple[tuple[str, str], ...] | None:
    """
    Give the usage identifiers whose owners, or their terms, may differ between two revisions.

    Shapes:
        Result: types and values; None where there are more than *changes_max*.
    """
    between = {"after": min(one, other), "to": max(one, other), "most": changes_max + 1}
    accounts = _accounts_changed(txn, between)
    # All of an account inherit its terms: those below, and whoever it pays for.
    txn.execute(
        f"""
        SELECT uid_type, value FROM uid_history WHERE {_CHANGED}
        UNION SELECT uid_type, value FROM uid_history WHERE account_id = ANY (%(accounts)s::bigint[])
        LIMIT %(most)s
        """,  # noqa: S608 - a constant, no value
        between | {"accounts": accounts},
    )
    found = tuple(txn.fetchall())
    return found if len(found) <= changes_max else None


def parents(txn: Transaction) -> dict[int, int]:
    """Give the account above each account that has one; that never changes."""
    txn.execute("SELECT id, parent_id FROM account WHERE parent_id IS NOT NULL")
    return dict(txn.fetchall())


def _accounts_changed(txn: Transaction, between: Mapping[str, int]) -> list[int]:
    """Give the accounts whose terms may differ, by changes of their own or of others'."""
    txn.execute(
        f"""
        SELECT account_id FROM account_terms WHERE {_CHANGED}
        UNION SELECT account_id FROM service_terms WHERE {_CHANGED}
        """,  # noqa: S608 - a constant, no value
        between,
    )
    own = [account_id for (account_id,) in txn.fetchall()]
    if not own:
        return []
    txn.execute(
        """
        WITH RECURSIVE below (id) AS (
            SELECT unnest(%(own)s::bigint[])
            UNION SELECT a.id FROM account AS a JOIN below ON a.parent_id = below.id
        )
        SELECT id FROM below
        UNION SELECT t.account_id FROM account_terms AS t JOIN below ON t.usage_invoicer_id = below.id
        """,
        {"own": own},
    )
    return [account_id for (account_id,) in txn.fetchall()]


def _special(txn: Transaction, revision: int) -> Iterator[tuple[int, Terms]]:
    """Give the terms of each service for which more is agreed than for most."""
    known = _known(txn, revision)
    if not known.accounts and not known.services:
        return
    txn.execute(
        """
        SELECT s.account_id, s.id, s.package, a.currency, a.time_zone, a.country
        FROM account_service AS s JOIN account AS a ON a.id = s.account_id
        WHERE s.account_id = ANY (%(accounts)s::bigint[]) OR s.id = ANY (%(services)s::bigint[])
        """,
        {"accounts": list(known.accounts), "services": list(known.services)},
    )
    for account_id, service_id, package, currency, zone, country in txn.fetchall():
        yield service_id, known.terms(account_id, service_id, (package, currency, zone, country))


class _PlainKinds(dict[bytes, int]):
    """Numbers of plain terms, by the fields of a copied row that tell them."""

    def __init__(self, kinds: Kinds) -> None:
        super().__init__()
        self._kinds = kinds

    def __missing__(self, fields: bytes) -> int:
        texts, at = [], 0
        while at < len(fields):
            ends = at + 4 + int.from_bytes(fields[at : at + 4], "big")
            texts.append(fields[at + 4 : ends].decode())
            at = ends
        package, currency, zone, country = texts
        number = self._kinds.number(Terms(package, currency, zone, country=country))
        self[fields] = number
        return number


def _known(txn: Transaction, revision: int) -> "Known":
    return Known(terms.of_accounts(txn, revision), terms.of_services(txn, revision), parents(txn))


def _known_of(txn: Transaction, revision: int, uids: Sequence[tuple[str, str]]) -> "Known":
    """Do the same for the accounts of some usage identifiers, and for those that these inherit from."""
    txn.execute(
        f"""
        WITH RECURSIVE needed (id, parent_id) AS (
            SELECT a.id, a.parent_id FROM {_NAMED} JOIN account AS a ON a.id = h.account_id
            UNION SELECT a.id, a.parent_id FROM needed
            CROSS JOIN LATERAL (
                SELECT needed.parent_id AS id
                UNION ALL SELECT usage_invoicer_id FROM account_terms
                    WHERE account_id = needed.id AND {_IN_FORCE}
            ) AS other JOIN account AS a ON a.id = other.id
        )
        SELECT id, parent_id FROM needed
        """,  # noqa: S608 - constants, no value
        {"at": revision} | _named(uids),
    )
    above = dict(txn.fetchall())
    ids = list(above)
    return Known(
        terms.of_accounts(txn, revision, ids),
        terms.of_services(txn, revision, ids),
        {id_: over for id_, over in above.items() if over is not None},
    )


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
            attributes=terms.attributes_of(account, service),
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
