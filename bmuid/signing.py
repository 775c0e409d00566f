"""
What sources sign with, and how a request is signed: HMAC-SHA-256 under a secret that no database holds.

A secret is derived from this installation's own key, the source and the key's id; so it can be told once, checked for
ever, and a copy of the database signs nothing.
"""

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_OCTETS = 32
PURPOSE = b"bmuid: secret of a source's key\n"


@dataclass(frozen=True, slots=True)
class Signed:
    """
    What a signature is for.

    Shapes:
        method, path: as they stand in the request's first line, the query with the path.
        timestamp: seconds since 1970-01-01 UTC, in digits. nonce, idempotency_key: as in the request's fields.
        body_sha256: of the body as it was sent.
    """

    method: bytes
    path: bytes
    timestamp: bytes
    nonce: bytes
    idempotency_key: bytes
    body_sha256: bytes

    @property
    def octets(self) -> bytes:
        """What is signed: a line each; none of the parts can hold a line end."""
        parts = (self.method, self.path, self.timestamp, self.nonce, self.idempotency_key)
        return b"".join(part + b"\n" for part in parts) + self.body_sha256.hex().encode()


def secret_of(installation_key: bytes, source: str, key_id: str) -> bytes:
    """Give the secret of a source's key, 32 octets."""
    info = PURPOSE + f"{source}\n{key_id}".encode()
    hkdf = HKDF(algorithm=hashes.SHA256(), length=SECRET_OCTETS, salt=None, info=info)
    return hkdf.derive(installation_key)


def signature(secret: bytes, signed: Signed) -> bytes:
    """Give the signature, in lower-case hexadecimal digits."""
    return hmac.new(secret, signed.octets, hashlib.sha256).hexdigest().encode()


def is_signature(secret: bytes, signed: Signed, claimed: bytes) -> bool:
    """Tell, in the same time for every wrong one, whether this is the signature."""
    return hmac.compare_digest(signature(secret, signed), claimed)
