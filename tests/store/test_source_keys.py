"""Keys by which sources hand in usage as themselves: added, told once, taken back, checked without a secret in the database."""

import hashlib
import hmac

import psycopg2.errors
import pytest
from asking import SECRETS, Asking
from conftest import Database
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from two_customers import furnish

from bmuid import signing
from bmuid.operations.registry import Role
from bmuid.signing import Signed

SOURCE = "pbx-london"
SIGNED = Signed(
    b"POST", b"/usage/v1/pbx-london/batches", b"1790000000", b"n" * 16, b"batch-1", b"\xab" * 32
)


def public_half(
    key: ed25519.Ed25519PrivateKey
    | ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | dsa.DSAPrivateKey,
) -> str:
    """Give a key's public half as ssh-keygen writes it."""
    written = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return written.decode() + " switch@example\n"


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database with a source."""
    furnish(database)
    asking = Asking(database)
    asking.sql(
        "INSERT INTO source (code, name, profile, time_zone, country_code, trunk_prefix, international_prefix)"
        f" VALUES ('{SOURCE}', 'Exchange', 'asterisk-master-csv', 'Europe/London', '44', '0', '00')"
    )
    return asking


@pytest.mark.parametrize(
    "key",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["ed25519", "ecdsa", "rsa"],
)
def test_an_ssh_key_is_added_once_and_taken_back(
    asking: Asking, key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
) -> None:
    """The partner sends its .pub file; a key that was revoked is listed as such, and may come again."""
    asked = {"source": SOURCE, "kind": "SSH", "public_key": public_half(key), "note": "Ann's"}
    added = asking.staff("source_key_add", **asked)

    assert added.done, added.body
    assert added.body["secret"] is None
    shown = added.body["key"]
    assert shown["public_key"] == public_half(key).removesuffix(" switch@example\n")
    assert shown["fingerprint"].startswith("SHA256:")
    assert asking.staff("source_key_add", **asked).code == "KEY_EXISTS"
    assert asking.staff("source_key_list", source=SOURCE).body["keys"] == [shown]
    revoked = asking.staff("source_key_revoke", source=SOURCE, id=shown["id"])
    assert revoked.body["revoked_at"]
    assert asking.staff("source_key_revoke", source=SOURCE, id=shown["id"]).code == "NOT_FOUND"
    assert asking.staff("source_key_add", **asked).done
    assert len(asking.staff("source_key_list").body["keys"]) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519 AAAA",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n",
        public_half(rsa.generate_private_key(65537, 1024)),
        public_half(ed25519.Ed25519PrivateKey.generate()) * 2,
        'command="/bin/sh" ' + public_half(ed25519.Ed25519PrivateKey.generate()),
    ],
    ids=["nothing", "cut off", "the private half", "too short", "two keys", "options"],
)
def test_what_is_no_safe_public_key_is_refused(asking: Asking, text: str) -> None:
    """A slip leaves nothing behind, and the refusal says what is wanted."""
    refused = asking.staff("source_key_add", source=SOURCE, kind="SSH", public_key=text)

    assert refused.code == "BAD_ARGUMENT"
    assert "public_key" in refused.body["text"]
    assert asking.staff("source_key_list").body["keys"] == []


def test_an_hmac_secret_is_told_once_and_is_nowhere_in_the_database(asking: Asking) -> None:
    """What the source signs with can be checked for ever, but neither a dump nor the audit holds it."""
    added = asking.staff("source_key_add", source=SOURCE, kind="HMAC").body
    secret = bytes.fromhex(added["secret"])

    derived = signing.secret_of(SECRETS.source_key, SOURCE, added["key"]["id"])
    assert derived == secret
    assert "secret" not in asking.staff("source_key_list").body["keys"][0]
    tables = asking.sql(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'bmu'::regnamespace AND c.relkind IN ('r', 'p')"
    )
    for (table,) in tables:
        [(found,)] = asking.sql(
            f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%{secret.hex()}%'"
        )
        assert found == 0, table
    [(audited,)] = asking.sql("SELECT detail FROM audit WHERE operation = 'source_key_add'")
    assert "HMAC" in audited


def test_each_key_signs_for_its_own_source_and_request() -> None:
    """A signature fits one source, one key, one request; whoever knows the rule can write it in any language."""
    secret = signing.secret_of(SECRETS.source_key, SOURCE, "00" * 8)
    others = [
        signing.secret_of(SECRETS.source_key, "pbx-paris", "00" * 8),
        signing.secret_of(SECRETS.source_key, SOURCE, "01" * 8),
        signing.secret_of(b"another installation" * 2, SOURCE, "00" * 8),
    ]
    octets = (
        b"POST\n/usage/v1/pbx-london/batches\n1790000000\nnnnnnnnnnnnnnnnn\nbatch-1\n" + b"ab" * 32
    )
    written = hmac.new(secret, octets, hashlib.sha256).hexdigest().encode()

    assert signing.signature(secret, SIGNED) == written
    assert signing.is_signature(secret, SIGNED, written)
    assert not any(signing.is_signature(other, SIGNED, written) for other in others)


def test_only_administrators_give_and_take_keys(asking: Asking) -> None:
    """A clerk keeps sources, but who may hand in as one of them is not a clerk's to say."""
    for role in (Role.AUDITOR, Role.CLERK):
        assert (
            asking.staff("source_key_add", role, source=SOURCE, kind="HMAC").code
            == "NOT_PERMITTED"
        )
    assert asking.staff("source_key_add", source="nowhere", kind="HMAC").code == "NOT_FOUND"
    assert asking.staff("source_key_list", Role.AUDITOR).body["keys"] == []


def test_a_key_taken_back_stays_so(asking: Asking) -> None:
    """Nobody, not even with the owner's rights, makes a revoked key good again or another's."""
    added = asking.staff("source_key_add", source=SOURCE, kind="HMAC").body["key"]
    asking.staff("source_key_revoke", source=SOURCE, id=added["id"])
    for statement in (
        "UPDATE source_key SET revoked_at = NULL",
        "UPDATE source_key SET source_id = source_id, revoked_at = now()",
        "DELETE FROM source_key",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            asking.sql(statement)
