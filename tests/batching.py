"""Sources that send batches by HTTPS, as other people's programs do: signed by hand, or with a certificate."""

import hashlib
import hmac
import http.client
import json
import secrets
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemons import SECONDS_MAX, Running, Site


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    fields: dict[str, str]
    body: dict[str, Any]

    @property
    def code(self) -> str:
        """Of a refusal."""
        return str(self.body["type"]).rpartition(":")[2]


@dataclass(slots=True)
class Sender:
    """
    A source with a key, or with a certificate.

    Shapes:
        away: seconds by which its clock is wrong.
    """

    address: str
    authority: Path
    source: str
    key: tuple[str, bytes] | None = None
    certificate: tuple[Path, Path] | None = None
    away: int = 0
    _connection: http.client.HTTPSConnection | None = field(default=None)

    def send(self, body: bytes, batch: str, content_type: str = "text/csv", **more: str) -> Answer:
        """Send a batch."""
        fields = {"Content-Type": content_type, "Idempotency-Key": batch}
        fields |= {name.replace("_", "-"): value for name, value in more.items()}
        return self.ask("POST", f"/usage/v1/{self.source}/batches", body, fields)

    def status(self, tracking: str, query: str = "") -> Answer:
        """Ask what became of one."""
        return self.ask("GET", f"/usage/v1/{self.source}/batches/{tracking}{query}", b"", {})

    def ask(self, method: str, path: str, body: bytes, fields: dict[str, str]) -> Answer:
        """Ask anything."""
        return self.repeat(method, path, body, fields | self.signed(method, path, body, fields))

    def signed(
        self, method: str, path: str, body: bytes, fields: dict[str, str]
    ) -> dict[str, str]:
        """Give the field that says who asks."""
        if self.key is None:
            return {}
        timestamp, nonce = str(int(time.time()) + self.away), secrets.token_hex(16)
        lines = [
            method,
            path,
            timestamp,
            nonce,
            fields.get("Idempotency-Key", ""),
            hashlib.sha256(body).hexdigest(),
        ]
        made = hmac.new(self.key[1], "\n".join(lines).encode(), hashlib.sha256).hexdigest()
        return {
            "Authorization": f"BMUID-HMAC-SHA256 key={self.key[0]}, timestamp={timestamp}, nonce={nonce}, signature={made}"
        }

    def repeat(self, method: str, path: str, body: bytes, fields: dict[str, str]) -> Answer:
        """Send exactly this."""
        connection = self.connection()
        connection.request(method, path, body, fields)
        answer = connection.getresponse()
        document = json.loads(answer.read())
        if answer.will_close:
            self.close()
        return Answer(answer.status, dict(answer.headers.items()), document)

    def connection(self) -> http.client.HTTPSConnection:
        """Give the connection, which is kept."""
        if self._connection is None:
            context = ssl.create_default_context(cafile=str(self.authority))
            if self.certificate is not None:
                context.load_cert_chain(*self.certificate)
            host, _, port = self.address.rpartition(":")
            self._connection = http.client.HTTPSConnection(
                host, int(port), context=context, timeout=SECONDS_MAX
            )
        return self._connection

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def batch_settings(site: Site, **more: object) -> dict[str, object]:
    """Give a section [batch] that shows the site's own certificate and takes certificates of its authority."""
    return {
        "port": 0,
        "certificate": str(site.server.certificate),
        "key": str(site.server.key),
        "client_ca": str(site.authority.certificate),
        "client_crl": str(site.authority.crl),
        **more,
    }


def sender(daemon: Running, site: Site, source: str, **more: Any) -> Sender:
    """Give a source that sends to a running daemon."""
    serving = next(event for event in daemon.events if event["message"] == "bmuid serves")
    return Sender(str(serving["batch"]), site.authority.certificate, source, **more)
