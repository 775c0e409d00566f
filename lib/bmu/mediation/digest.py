"""SHA-256 as the compiled part calls it: straight in the library that hashlib itself uses, without an object a call."""

import ctypes
from hashlib import sha256
from typing import NamedTuple

# More than SHA256_CTX of any release of OpenSSL takes.
STATE_OCTETS = 256
SAMPLE = b"bmuid"


class Addresses(NamedTuple):
    """Where SHA256_Init(state), SHA256_Update(state, octets, length) and SHA256_Final(digest, state) are."""

    init: int
    update: int
    final: int


NOWHERE = Addresses(0, 0, 0)


def addresses() -> Addresses:
    """Find them; NOWHERE if Python was built without OpenSSL, or with one that lacks them: hashlib does, slower."""
    try:
        import _hashlib  # noqa: PLC0415

        library = ctypes.CDLL(_hashlib.__file__)
        found = library.SHA256_Init, library.SHA256_Update, library.SHA256_Final
    except (ImportError, OSError, AttributeError):
        return NOWHERE
    state, digest = ctypes.create_string_buffer(STATE_OCTETS), ctypes.create_string_buffer(32)
    found[0](state)
    found[1](state, SAMPLE, ctypes.c_size_t(len(SAMPLE)))
    found[2](digest, state)
    if digest.raw != sha256(SAMPLE).digest():
        return NOWHERE
    return Addresses(*(ctypes.cast(each, ctypes.c_void_p).value or 0 for each in found))
