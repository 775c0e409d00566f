"""Thresholds of allowances that were reached: handed to the outbox, each once a bucket."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from psycopg2.extras import execute_values

from bmu.period import FOREVER_US, from_us
from bmu.rating import BucketState
from bmuid.store.transaction import Transaction


class Crossed(NamedTuple):
    """A threshold that a bucket has reached, in per cent used."""

    bucket: BucketState
    per_cent: int


def tell(txn: Transaction, crossed: Sequence[Crossed]) -> None:
    """Put what customers are to be told in the outbox; what was put there before is not put again."""
    execute_values(
        txn,
        "INSERT INTO outbox (kind, dedup_key, payload) VALUES %s ON CONFLICT (dedup_key) DO NOTHING",
        [("WEBHOOK", _key(each), json.dumps(_payload(each))) for each in crossed],
    )


def _key(crossed: Crossed) -> str:
    bucket, per_cent = crossed
    return f"threshold:{bucket.account_id}:{bucket.id}:{per_cent}"


def _payload(crossed: Crossed) -> dict[str, object]:
    """Give what is said: the bucket's figures are those after the usage that reached the threshold."""
    bucket, per_cent = crossed
    return {
        "event": "bucket_threshold",
        "account_id": bucket.account_id,
        "account_service_id": bucket.account_service_id or None,
        "bucket_id": bucket.id,
        "bucket_type": bucket.code,
        "from": from_us(bucket.from_us).isoformat(),
        "to": None if bucket.to_us == FOREVER_US else from_us(bucket.to_us).isoformat(),
        "per_cent": per_cent,
        "granted": bucket.granted,
        "left": bucket.balance,
    }
