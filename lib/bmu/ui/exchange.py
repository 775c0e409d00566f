"""A request and an answer as the web server hands them over: plain values, checked at the edge."""

from __future__ import annotations

from collections.abc import Mapping

BODY_OCTETS_MAX = 65536
FORM_TYPE = "application/x-www-form-urlencoded"
COOKIE = "__Host-bm"

REASONS = {
    200: "OK",
    303: "See Other",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

# On every answer, whatever it is: nothing may run, be framed, be kept, or tell others where it was read.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    ("Content-Security-Policy", CONTENT_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
    ("Cache-Control", "no-store"),
)

# What one request may bring of what a web server puts into a CGI's environment. Headers not named
# here do not exist for us: HTTP_PROXY least of all.
ENVIRONMENT = (
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "HTTP_COOKIE",
    "HTTP_HOST",
    "HTTP_ORIGIN",
    "HTTP_SEC_FETCH_SITE",
    "PATH_INFO",
    "QUERY_STRING",
    "REQUEST_METHOD",
    "SCRIPT_NAME",
)


class Request:
    """
    One request.

    Shapes:
        base: the path of the script; path: what follows it.
        length: octets of the body; None when not said, -1 when said badly.
    """

    __slots__ = (
        "base",
        "cookie",
        "form_type",
        "host",
        "length",
        "method",
        "origin",
        "path",
        "query",
        "site",
    )

    def __init__(self, environ: Mapping[str, str]) -> None:
        given = {name: environ.get(name, "") for name in ENVIRONMENT}
        self.method = given["REQUEST_METHOD"]
        self.base = given["SCRIPT_NAME"].rstrip("/")
        self.path = given["PATH_INFO"].strip("/")
        self.query = given["QUERY_STRING"]
        self.cookie = given["HTTP_COOKIE"]
        self.host = given["HTTP_HOST"]
        self.origin = given["HTTP_ORIGIN"]
        self.site = given["HTTP_SEC_FETCH_SITE"]
        self.form_type = given["CONTENT_TYPE"].partition(";")[0].strip().lower()
        length = given["CONTENT_LENGTH"]
        decimal = length.isascii() and length.isdigit() and len(length) < 10
        self.length = int(length) if decimal else -1 if length else None

    @property
    def is_ours(self) -> bool:
        """
        Whether a page of ours sent this form.

        Browsers say so in Sec-Fetch-Site; older ones in Origin, which our referrer policy makes
        "null" in newer ones. Whoever says neither is refused.
        """
        ours = "https://" + self.host
        if self.site:
            return self.site == "same-origin" and self.origin in {"", "null", ours}
        return self.origin == ours


class Response:
    """One answer: a status, a page, headers beyond those of every answer, a note for the server's log."""

    __slots__ = ("body", "headers", "note", "status")

    def __init__(
        self, status: int, body: str = "", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.note = ""

    def octets(self) -> bytes:
        """Write the answer as a CGI does."""
        body = self.body.encode()
        lines = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            *HEADERS,
            *self.headers,
            # Last, for some hosts take a Location before it for 302.
            ("Status", f"{self.status} {REASONS[self.status]}"),
        ]
        assert all(text.isascii() and text.isprintable() for line in lines for text in line)
        return "".join(f"{name}: {text}\r\n" for name, text in lines).encode() + b"\r\n" + body


def with_session(token: str) -> tuple[str, str]:
    """Give the header that hands the browser its session: for this host alone, out of scripts' reach."""
    return ("Set-Cookie", f"{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax")


WITHOUT_SESSION = (
    "Set-Cookie",
    f"{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
)
