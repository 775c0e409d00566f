"""Stored profiles: how records are read, as staff loaded it; each change is a version of its own."""

from dataclasses import dataclass
from datetime import datetime

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Stored:
    """The newest version of a profile; sources: the codes of those whose next files are read by it."""

    code: str
    version: int
    document: str
    at: datetime
    actor: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What a version of a profile says."""

    code: str
    version: int
    document: str


def put(txn: Transaction, code: str, document: str, actor: str) -> tuple[Document, bool]:
    """Store a profile as the next version of its code, unless the newest says the same; tell whether it did."""
    # Two versions are not made at the same time.
    txn.execute(
        "SELECT pg_advisory_xact_lock(hashtext('bmuid'), hashtext(%(name)s))",
        {"name": f"profile {code}"},
    )
    newest = at(txn, code, None)
    if newest is not None and newest.document == document:
        return newest, False
    made = Document(code, 1 if newest is None else newest.version + 1, document)
    txn.execute(
        """
        INSERT INTO profile (code, version, document, actor)
        VALUES (%(code)s, %(version)s, %(document)s, %(actor)s)
        """,
        {"code": code, "version": made.version, "document": document, "actor": actor},
    )
    return made, True


def at(txn: Transaction, code: str, version: int | None) -> Document | None:
    """Give a version of a profile; without one, the newest."""
    txn.execute(
        """
        SELECT code, version, document FROM profile
        WHERE code = %(code)s AND (%(version)s IS NULL OR version = %(version)s)
        ORDER BY version DESC LIMIT 1
        """,
        {"code": code, "version": version},
    )
    row = txn.fetchone()
    return Document(*row) if row else None


def codes(txn: Transaction) -> tuple[str, ...]:
    """Give the codes of stored profiles."""
    txn.execute("SELECT DISTINCT code FROM profile ORDER BY code")
    return tuple(code for (code,) in txn.fetchall())


def known(txn: Transaction) -> tuple[Stored, ...]:
    """Give the newest version of each profile, by code."""
    txn.execute(
        """
        SELECT DISTINCT ON (p.code) p.code, p.version, p.document, p.at, p.actor,
            ARRAY(SELECT s.code FROM source AS s WHERE s.profile = p.code ORDER BY s.code)
        FROM profile AS p ORDER BY p.code, p.version DESC
        """
    )
    return tuple(Stored(*(*row[:5], tuple(row[5]))) for row in txn.fetchall())


def users(txn: Transaction, code: str) -> tuple[str, ...]:
    """Give the codes of sources whose next files are read by a profile."""
    txn.execute("SELECT code FROM source WHERE profile = %(code)s ORDER BY code", {"code": code})
    return tuple(found for (found,) in txn.fetchall())
