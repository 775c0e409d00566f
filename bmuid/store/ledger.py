"""Journals and their postings; the database refuses those that don't balance."""

from collections.abc import Iterable
from datetime import date

from bmu.billing.ledger import LedgerKind, Posting
from bmuid.store.transaction import Transaction


def post_invoice(
    txn: Transaction, key: str, account_id: int, currency: str, day: date, made: Iterable[Posting]
) -> int:
    """
    Write the journal of an invoice and give its id.

    Shapes:
        key: what makes the journal the same if written again: the database admits it once.
    """
    txn.execute(
        """
        INSERT INTO journal (idempotency_key, kind, posted_on)
        VALUES (%(key)s, 'INVOICE', %(day)s) RETURNING id
        """,
        {"key": key, "day": day},
    )
    row = txn.fetchone()
    assert row is not None
    journal_id: int = row[0]
    for line_no, posting in enumerate(made, start=1):
        owner = account_id if posting.kind is LedgerKind.RECEIVABLE else None
        txn.execute(
            """
            INSERT INTO posting (journal_id, line_no, ledger_account_id, currency, amount_minor)
            VALUES (%(journal)s, %(line)s, %(ledger)s, %(currency)s, %(amount)s)
            """,
            {
                "journal": journal_id,
                "line": line_no,
                "ledger": _ledger_account(txn, posting.kind, owner, currency),
                "currency": currency,
                "amount": posting.amount_minor,
            },
        )
    return journal_id


def _ledger_account(
    txn: Transaction, kind: LedgerKind, account_id: int | None, currency: str
) -> int:
    wanted = {"kind": kind.value, "account": account_id, "currency": currency}
    txn.execute(
        """
        INSERT INTO ledger_account (kind, account_id, currency)
        VALUES (%(kind)s, %(account)s, %(currency)s) ON CONFLICT DO NOTHING
        """,
        wanted,
    )
    txn.execute(
        """
        SELECT id FROM ledger_account WHERE kind = %(kind)s
        AND account_id IS NOT DISTINCT FROM %(account)s AND currency = %(currency)s
        """,
        wanted,
    )
    row = txn.fetchone()
    assert row is not None
    found: int = row[0]
    return found
