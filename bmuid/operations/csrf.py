"""The proof that a form was drawn for the session that sends it."""

import hmac

from bmuid.config import Secrets


def csrf_of(secrets: Secrets, token: str) -> str:
    """Give the proof that belongs to the session's *token*: only this installation can compute it."""
    octets = token.encode()
    return hmac.digest(secrets.csrf_key, b"%d:%s" % (len(octets), octets), "sha256").hex()


def is_csrf(secrets: Secrets, token: str, proof: str) -> bool:
    """Tell, in the same time for every wrong one, whether *proof* belongs to *token*."""
    return hmac.compare_digest(csrf_of(secrets, token).encode(), proof.encode())
