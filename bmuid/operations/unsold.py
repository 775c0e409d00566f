"""What a catalogue may say and `bmuid rate` grants, but the daemon does not yet: packages with it are not sold."""

from collections.abc import Iterable, Iterator

from bmu.rating import BucketScope, BucketTypeRow, PackageRow, SharePlanRow
from bmuid.store import revisions, tables
from bmuid.store.transaction import Transaction


def why_unsold(
    packages: Iterable[PackageRow],
    bucket_types: Iterable[BucketTypeRow],
    share_plans: Iterable[SharePlanRow],
) -> dict[str, str]:
    """Say of each package that can't be sold what of it the daemon would not do, or would do wrongly."""
    odd = {row.code: said for row in bucket_types if (said := _not_granted(row))}
    joined = {
        contribution.package: row.code for row in share_plans for contribution in row.participants
    }
    found: dict[str, str] = {}
    for package in packages:
        of_buckets: Iterator[str] = (
            f"its allowance {code} {odd[code]}" for code in package.bucket_types if code in odd
        )
        said = next(of_buckets, None)
        if said is None and package.code in joined:
            said = f"it takes part in the share plan {joined[package.code]}, which accounts can't join yet"
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


def _not_granted(row: BucketTypeRow) -> str | None:
    if row.size_by is not None:
        return "is sized by usage, which only bmuid rate can do yet"
    if row.scope is BucketScope.SHARE_PLAN:
        return "is a share plan's, which accounts can't join yet"
    return None
