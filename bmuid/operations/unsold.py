"""What a catalogue may say and `bmuid rate` grants, but the daemon does not yet: packages with it are not sold."""

from collections.abc import Iterable, Iterator, Mapping

from bmu.rating import BucketTypeRow, PackageRow, SharePlanRow
from bmuid.store import revisions, tables
from bmuid.store.transaction import Transaction


def why_unsold(
    packages: Iterable[PackageRow],
    bucket_types: Iterable[BucketTypeRow],
    share_plans: Iterable[SharePlanRow],
) -> dict[str, str]:
    """Say of each package that can't be sold what of it the daemon would not do, or would do wrongly."""
    types = {row.code: row for row in bucket_types}
    joined = {one.package: plan for plan in share_plans for one in plan.participants}
    found: dict[str, str] = {}
    for package in packages:
        said = next(_not_granted(package.bucket_types, types), None)
        plan = joined.get(package.code)
        if said is None and plan is not None:
            said = next(_not_shared(plan, types), None)
        if said is not None:
            found[package.code] = said
    return found


def unsold(txn: Transaction) -> dict[str, str]:
    """Say the same of the catalogue in force."""
    revision = revisions.newest(txn)
    return why_unsold(
        tables.as_then(txn, PackageRow, revision),
        tables.as_then(txn, BucketTypeRow, revision),
        tables.as_then(txn, SharePlanRow, revision),
    )


def _not_granted(codes: Iterable[str], types: Mapping[str, BucketTypeRow]) -> Iterator[str]:
    for code in codes:
        if types[code].size_by is not None and types[code].on_first_use:
            yield f"its allowance {code} is sized by usage, and nothing is in it that its first use could draw"


def _not_shared(plan: SharePlanRow, types: Mapping[str, BucketTypeRow]) -> Iterator[str]:
    for code in plan.bucket_types:
        its = f"it takes part in the share plan {plan.code}, whose allowance {code}"
        if types[code].size_by is not None:
            yield f"{its} is sized by usage, which the daemon can't do yet"
        if types[code].on_first_use:
            yield f"{its} begins with its first use, which share plans can't do yet"
