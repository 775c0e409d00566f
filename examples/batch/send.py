"""
Send a batch of usage to bmuid, and tell what became of each row: what a source needs, with Python's own library.

    python3 send.py https://usage.example:8444 pbx-london KEY_ID secret.hex calls.csv text/csv --ca ca.pem

The secret is what `bmadmin source-key add pbx-london HMAC` told, in hexadecimal digits; `--ca` names the authority of the server's
certificate, where it is none of the system's. The same file sent again is not taken twice: its SHA-256 is the key of the batch.
The exit status is 1 where the file was not taken, or is held.
"""

import argparse
import hashlib
import hmac
import http.client
import json
import secrets
import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

TRIES_MAX = 20


def signed(method: str, path: str, batch: str, body: bytes, key: tuple[str, bytes]) -> str:
    """Give the field Authorization of a request."""
    key_id, secret = key
    timestamp = str(int(time.time()))  # noqa: TID251 - there is no other clock here
    nonce = secrets.token_urlsafe(24)
    lines = [method, path, timestamp, nonce, batch, hashlib.sha256(body).hexdigest()]
    signature = hmac.new(secret, "\n".join(lines).encode(), hashlib.sha256).hexdigest()
    return (
        f"BMUID-HMAC-SHA256 key={key_id}, timestamp={timestamp}, nonce={nonce},"
        f" signature={signature}"
    )


def ask(
    connection: http.client.HTTPSConnection,
    request: tuple[str, str, bytes],
    fields: dict[str, str],
    key: tuple[str, bytes],
) -> dict[str, object]:
    """Ask, and ask again for as long as the answer is to come later; give what is answered."""
    method, path, body = request
    for _ in range(TRIES_MAX):
        batch = fields.get("Idempotency-Key", "")
        sent = {**fields, "Authorization": signed(method, path, batch, body, key)}
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        document: dict[str, object] = json.loads(answer.read())
        if answer.status < 400:
            return document
        wait = answer.headers.get("Retry-After")
        if wait is None:
            raise SystemExit(f"{answer.status}: {document['detail']}")
        time.sleep(int(wait))
    raise SystemExit("it was to come later, too often")


def main() -> None:
    """Read the command line; what is in the way is a plain sentence."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("url", "source", "key_id", "secret", "file", "type"):
        parser.add_argument(name)
    parser.add_argument(
        "--ca", help="the authority of the server's certificate, where it is none of the system's"
    )
    try:
        send(parser.parse_args())
    except ssl.SSLCertVerificationError as error:
        raise SystemExit(
            f"the server's certificate is not trusted ({error.verify_message}): name the authority that issued it with --ca FILE"
        ) from error
    except OSError as error:
        raise SystemExit(str(error)) from error


def send(said: argparse.Namespace) -> None:
    """Send what was said, and print what became of it."""
    url, body = urlsplit(said.url), Path(said.file).read_bytes()
    key = said.key_id, bytes.fromhex(Path(said.secret).read_text())
    context = ssl.create_default_context(cafile=said.ca)
    connection = http.client.HTTPSConnection(url.hostname or "", url.port, context=context)
    path = f"/usage/v1/{said.source}/batches"
    fields = {"Content-Type": said.type, "Idempotency-Key": hashlib.sha256(body).hexdigest()}
    taken = ask(connection, ("POST", path, body), fields, key)
    print(f"taken: {taken['rows']} rows, tracking {taken['tracking']}")
    status = str(taken["status"])
    while (told := ask(connection, ("GET", status, b""), {}, key))["state"] not in (
        "DONE",
        "HELD",
    ):
        time.sleep(0.5)
    print(f"{told['state']}: {told['counts']}")
    if told["state"] == "HELD":
        raise SystemExit(f"held, until somebody has looked at it: {told['held']}")
    page: str | None = status
    while page is not None:
        told = ask(connection, ("GET", page, b""), {}, key)
        for row in told["verdicts"]:  # type: ignore[attr-defined]
            if row["verdict"] != "NEW":
                print(f"row {row['row']}: {row['verdict']} {row['reason']}: {row['detail']}")
        page = told["next"]  # type: ignore[assignment]


if __name__ == "__main__":
    main()
