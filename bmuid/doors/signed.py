"""Who signed a request: looked at without a database, since each key's secret is derived from the installation's own."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from bmuid import signing
from bmuid.doors.problem import ProblemError
from bmuid.signing import Signed

SCHEME = "BMUID-HMAC-SHA256"
# Clocks of two hosts differ; and so long is remembered what was seen.
WINDOW_SECONDS = 300
NONCES_MAX = 500_000
FORM = f"{SCHEME} key=ID, timestamp=SECONDS, nonce=NONCE, signature=HEX"
_PARTS = {
    "key": re.compile(r"[0-9a-f]{16}", re.ASCII),
    "timestamp": re.compile(r"[0-9]{1,12}", re.ASCII),
    "nonce": re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII),
    "signature": re.compile(r"[0-9a-f]{64}", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class Authorization:
    """What the field of that name says."""

    key: str
    timestamp: str
    nonce: str
    signature: str


def authorization_of(text: str) -> Authorization:
    """
    Read the field Authorization.

    Errors:
        ProblemError: it is not of our form.
    """
    scheme, _, rest = text.partition(" ")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    is_good = scheme == SCHEME and parts.keys() == _PARTS.keys()
    if not is_good or not all(_PARTS[name].fullmatch(part) for name, part in parts.items()):
        raise not_signed(f"the field Authorization must be: {FORM}")
    return Authorization(**parts)


def not_signed(detail: str) -> ProblemError:
    """Say that nobody knows who asks."""
    return ProblemError(401, "not_signed", detail, challenge=SCHEME)


class Nonces:
    """
    The nonces of authentic requests of the last minutes, each good once.

    Those forgotten at a new start, or above their number, let a request be repeated, which has no effect: its idempotency
    key is signed with it.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()

    def take(self, key: str, nonce: str, now: float) -> bool:
        """Tell whether it is new, and know it from now on."""
        while self._seen:
            oldest = next(iter(self._seen.values()))
            if now - oldest <= 2 * WINDOW_SECONDS and len(self._seen) < NONCES_MAX:
                break
            self._seen.popitem(last=False)
        if (key, nonce) in self._seen:
            return False
        self._seen[key, nonce] = now
        return True


def check(
    installation_key: bytes,
    source: str,
    shown: Authorization,
    signed: Mapping[str, bytes],
    now: float,
) -> None:
    """
    Pass only who signed this request, now, with a key of the source.

    Shapes:
        signed: method, path, idempotency_key and body_sha256 of the request.

    Errors:
        ProblemError: it was not.
    """
    secret = signing.secret_of(installation_key, source, shown.key)
    wanted = Signed(**signed, timestamp=shown.timestamp.encode(), nonce=shown.nonce.encode())
    if not signing.is_signature(secret, wanted, shown.signature.encode()):
        raise not_signed(
            "the signature is not that of this request under this key of this source; sign, a line each, the method, the path"
            " with its query, timestamp, nonce, Idempotency-Key, and the SHA-256 of the body in hexadecimal digits"
        )
    away = int(shown.timestamp) - now
    if abs(away) > WINDOW_SECONDS:
        raise not_signed(
            f"the timestamp is {abs(away):.0f} seconds {'ahead' if away > 0 else 'behind'} our clock, and may be"
            f" {WINDOW_SECONDS}: set the clock, and sign anew"
        )
