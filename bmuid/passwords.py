"""Customers' passwords: what is asked of a new one, and the hash that is kept of it."""

import base64
import hmac
import re
import secrets
import unicodedata

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

NAME_MIN = 3
NAME_MAX = 254
LENGTH_MIN = 15
LENGTH_MAX = 128
DIFFERENT_MIN = 5

# OWASP's first choice for Argon2id: 46 MiB, one pass, one lane.
MEMORY_KIB = 47104
PASSES = 1
LANES = 1
SALT_OCTETS = 16
HASH_OCTETS = 32

_PHC = re.compile(
    r"\$argon2id\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,2}),p=([0-9]{1,2})"
    r"\$([A-Za-z0-9+/]{22,64})\$([A-Za-z0-9+/]{43})"
)
_CURRENT = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$"


def login_name(text: str) -> str:
    """Give the one form under which a login's name is kept and looked up, however it is typed."""
    folded = unicodedata.normalize("NFKC", text.strip()).casefold()
    return unicodedata.normalize("NFKC", folded)


def name_fault(name: str) -> str | None:
    """Say why *name* can't be the name of a login; None: it can."""
    kept = login_name(name)
    if not NAME_MIN <= len(kept) <= NAME_MAX:
        return f"a login's name has {NAME_MIN} to {NAME_MAX} characters"
    if kept != kept.lower() or not kept.isprintable():
        return "a login's name has no such characters"
    return None


def fault_of(password: str, name: str) -> str | None:
    """Say why *password* is not good enough for the login *name*; None: it is."""
    plain = unicodedata.normalize("NFC", password)
    if not LENGTH_MIN <= len(plain) <= LENGTH_MAX:
        return f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters, not {len(plain)}"
    if len(set(plain)) < DIFFERENT_MIN:
        return f"a password has at least {DIFFERENT_MIN} different characters"
    if login_name(name) in login_name(plain):
        return "a password does not hold the name of its login"
    return None


def hash_of(password: str, pepper: bytes) -> str:
    """Hash *password* under a new salt, as a PHC string."""
    salt = secrets.token_bytes(SALT_OCTETS)
    found = _derive(password, pepper, salt, (MEMORY_KIB, PASSES, LANES))
    return f"{_CURRENT}{_base64(salt)}${_base64(found)}"


def verify(password: str, pepper: bytes, phc: str) -> bool:
    """
    Tell whether *phc* is the hash of *password*, in the time of one hash.

    Errors:
        ValueError: not a hash that hash_of, of this or an earlier version, has made.
    """
    match = _PHC.fullmatch(phc)
    if match is None:
        raise ValueError("not an Argon2id hash in PHC form")
    memory, passes, lanes = (int(number) for number in match.group(1, 2, 3))
    found = _derive(password, pepper, _octets(match[4]), (memory, passes, lanes))
    return hmac.compare_digest(found, _octets(match[5]))


def is_outdated(phc: str) -> bool:
    """Tell whether a hash was made with other parameters than are used now."""
    return not phc.startswith(_CURRENT)


def dummy() -> str:
    """Give a hash that no password has, to spend the same work where there is no login."""
    return f"{_CURRENT}{_base64(bytes(SALT_OCTETS))}${_base64(bytes(HASH_OCTETS))}"


def _derive(password: str, pepper: bytes, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    """Hash under the pepper, so that a copy of the database alone can't test any guess."""
    memory, passes, lanes = cost
    plain = unicodedata.normalize("NFC", password).encode()
    peppered = hmac.digest(pepper, plain, "sha256")
    kdf = Argon2id(
        salt=salt, length=HASH_OCTETS, iterations=passes, lanes=lanes, memory_cost=memory
    )
    return kdf.derive(peppered)


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode().rstrip("=")


def _octets(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))
