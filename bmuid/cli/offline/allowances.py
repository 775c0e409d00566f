"""What a file's customers may draw from, as the file of accounts or the lines themselves tell it."""

from typing import NamedTuple

from bmu.rating import Anchor, BucketScope, Sharer, Tariff
from bmu.rating.granting import Holder, Kind, Service


class Held(NamedTuple):
    """A package that an account has for a service, and what the periods of its allowances are counted from."""

    account_id: int
    package: str
    anchor: Anchor


class Holdings(NamedTuple):
    """
    What a service may draw from.

    Shapes:
        account: the packages of all services of its account, its own among them; above: of the accounts above.
    """

    own: Held
    account: tuple[Held, ...]
    above: tuple[Held, ...] = ()


def service_of(tariff: Tariff, service_id: int, holdings: Holdings) -> Service:
    """Tell which types a service draws from, and whose they are."""
    own = holdings.own
    shared = (BucketScope.ACCOUNT, BucketScope.TREE)
    kinds: dict[tuple[Holder, str], Kind] = {}
    for held, holder, scopes in (
        (own, Holder(own.account_id, service_id), (BucketScope.SERVICE,)),
        *((held, Holder(held.account_id), shared) for held in holdings.account),
        *((held, Holder(held.account_id), shared[1:]) for held in holdings.above),
    ):
        package = tariff.packages.get(held.package)
        for code in package.bucket_types if package else ():
            row = tariff.bucket_types[code]
            if row.scope in scopes:
                # Of several services that bring the same to an account, the first does.
                kinds.setdefault((holder, code), Kind(row, holder, held.anchor))
    above = tuple(dict.fromkeys(held.account_id for held in holdings.above))
    return Service(Sharer(service_id, own.account_id, above), tuple(kinds.values()))
