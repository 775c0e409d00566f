"""What SSH is spoken with here, by the door and by us as a client: of what Conch has, that which holds."""

KEY_EXCHANGES = (
    b"curve25519-sha256",
    b"curve25519-sha256@libssh.org",
    b"ecdh-sha2-nistp256",
    b"ecdh-sha2-nistp384",
    b"ecdh-sha2-nistp521",
)
SIGNATURES = (
    b"ssh-ed25519",
    b"ecdsa-sha2-nistp256",
    b"ecdsa-sha2-nistp384",
    b"ecdsa-sha2-nistp521",
    b"rsa-sha2-512",
    b"rsa-sha2-256",
)
CIPHERS = (b"aes128-ctr", b"aes256-ctr", b"aes192-ctr")
MACS = (b"hmac-sha2-256", b"hmac-sha2-512")
