"""One word per thing: a text that the program writes is a text that the database takes, and the other way round."""

import re
from contextlib import closing
from enum import Enum

from conftest import Database

from bmu.billing.invoice import LineKind
from bmu.billing.ledger import LedgerKind
from bmu.mediation.reject import Reason
from bmu.mediation.session import State, Why
from bmu.money import Rounding
from bmu.rating.bucket import BucketPart
from bmu.rating.kinds import (
    AggregateKind,
    AggregateScope,
    BucketKind,
    BucketScope,
    Frequency,
    RateKind,
    Side,
)
from bmu.rating.outcome import UnratedReason
from bmu.usage import Rater, Unit
from bmuid.store.alarms import AlarmKind
from bmuid.store.files import Assembly
from bmuid.store.source_keys import KeyKind
from bmuid.store.sources import Completion
from bmuid.store.verdicts import Outcome

WORDS: dict[str, type[Enum]] = {
    "alarm.kind": AlarmKind,
    "bucket.part": BucketPart,
    "bucket.unit": Unit,
    "bucket_type.expires_unit": Frequency,
    "bucket_type.kind": BucketKind,
    "bucket_type.recurrence": Frequency,
    "bucket_type.scope": BucketScope,
    "bucket_type.unit": Unit,
    "company_terms.rounding_mode": Rounding,
    "invoice_line.kind": LineKind,
    "invoice_line.unit": Unit,
    "invoice_period.scope": AggregateScope,
    "ledger_account.kind": LedgerKind,
    "package.frequency": Frequency,
    "rate.aggregate_scope": AggregateScope,
    "rate.aggregation": AggregateKind,
    "rate.kind": RateKind,
    "rate_group.rounding_mode": Rounding,
    "rate_plan.rounding_mode": Rounding,
    "source_key.kind": KeyKind,
    "source.completion": Completion,
    "usage_class.rater": Rater,
    "usage_class.side": Side,
    "usage_class.unit": Unit,
    "usage_emission.why": Why,
    "usage_file.assembly": Assembly,
    "usage_session.state": State,
    "verdict.verdict": Outcome,
}
# Written and read by statements alone; no code of the program branches on them.
OF_STATEMENTS_ALONE = {
    "bill_run.state",
    "draw.kind",
    "invoice.kind",
    "journal.kind",
    "outbox.kind",
    "outbox.state",
    "rerating.state",
    "rerating_account.state",
    "reservation.state",
    "suspense_job.state",
    "usage_file.state",
    "usage_file_part.state",
    "usage_session.close_why",
}
LISTS = """
    SELECT c.conrelid::regclass::text || '.' || a.attname, pg_get_constraintdef(c.oid)
    FROM pg_constraint c
    JOIN pg_class t ON t.oid = c.conrelid AND NOT t.relispartition
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'c' AND c.connamespace = 'bmu'::regnamespace AND cardinality(c.conkey) = 1
        AND (pg_get_constraintdef(c.oid) ~ '= ANY \\(ARRAY\\['
            OR pg_get_constraintdef(c.oid) ~ '^CHECK \\(\\(\\w+ = ''[A-Z_]+''::text\\)\\)$')
"""


def lists_of(database: Database) -> dict[str, set[str]]:
    """Give the words that each column may hold, of columns that may hold only listed ones."""
    with closing(database.connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute(LISTS)
        return {column: set(re.findall(r"'([A-Z0-9_]+)'", text)) for column, text in cursor}


def test_the_program_and_the_database_use_the_same_words(database: Database) -> None:
    """Every word of an enum is one its column takes, and a column takes no word that the program doesn't know."""
    lists = lists_of(database)

    assert set(lists) == set(WORDS) | OF_STATEMENTS_ALONE
    for column, enum in WORDS.items():
        assert lists[column] == {member.value for member in enum}, column


def test_reasons_are_words_the_database_takes(database: Database) -> None:
    """Each reason for which a line may wait or be left out has a form that a verdict takes."""
    with closing(database.connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'verdict_reason_check'"
        )
        row = cursor.fetchone()
    assert row is not None
    found = re.search(r"'(\^.*\$)'", row[0])
    assert found is not None
    for reason in (*Reason, *UnratedReason):
        assert re.fullmatch(found[1], reason.value), reason
