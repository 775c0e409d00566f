"""Refusals over HTTP as RFC 9457 has them: a code for programs, and a sentence that says what to do."""

import json

CONTENT_TYPE = b"application/problem+json"


class ProblemError(Exception):
    """
    Raised to refuse a request.

    Shapes:
        code: of this program; retry_after_s: when it may be asked again; None: it will be refused again.
        challenge: how to say who one is, where that is missing.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retry_after_s: int | None = None,
        challenge: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.challenge = challenge

    @property
    def octets(self) -> bytes:
        """The body."""
        document = {
            "type": f"urn:bmuid:problem:{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
        }
        return json.dumps(document, ensure_ascii=False).encode() + b"\n"

    @property
    def headers(self) -> dict[bytes, bytes]:
        """What stands above the body."""
        found = {b"content-type": CONTENT_TYPE}
        if self.retry_after_s is not None:
            found[b"retry-after"] = str(self.retry_after_s).encode()
        if self.challenge is not None:
            found[b"www-authenticate"] = self.challenge.encode()
        return found
