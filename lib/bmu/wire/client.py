"""The asker's side of one connection: a request, then its counted answer."""

from bmu.wire.codec import (
    GREETING,
    HEADER_OCTETS_MAX,
    NO_ID,
    WireError,
    parse_header,
    request_line,
)
from bmu.wire.messages import Answer, Request

# As typing.TYPE_CHECKING, whose import the CGI would pay for.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class ClientSession:
    """
    One connection's unread octets and the request that waits for its answer.

    The greeting comes first. A refused client sees the connection end before it: only an answer is success.

    Shapes:
        greeting: what the peer says first; empty: nothing.
        write: gives a request's one line, or raises WireError.
    """

    __slots__ = ("_asked", "_greeted", "_greeting", "_header", "_missing", "_unread", "_write")

    def __init__(
        self, greeting: bytes = GREETING, write: "Callable[[Request], bytes]" = request_line
    ) -> None:
        self._greeting = greeting
        self._write = write
        self._unread = bytearray()
        self._asked: str | None = None
        self._greeted = False
        self._header: Answer | None = None
        self._missing = 0

    def ask(self, request: Request) -> bytes:
        """
        Give the octets that ask *request*; the answer to the one before must have come.

        Errors:
            WireError: the request can't be written.
        """
        assert self._asked is None, "a request is outstanding"
        line = self._write(request)
        self._asked = request.id
        return line

    def feed(self, octets: bytes) -> Answer | None:
        """
        Take octets as they came; give the answer once it is whole.

        Errors:
            WireError: the peer does not speak this protocol, or answers what was not asked.
        """
        self._unread += octets
        if not self._greeted:
            if not self._greeting.startswith(self._unread[: len(self._greeting)]):
                raise WireError("the peer does not speak BMU 1")
            if len(self._unread) < len(self._greeting):
                return None
            self._greeted = True
            del self._unread[: len(self._greeting)]
        if self._header is None and self._unread:
            self._read_header()
        if self._header is None or len(self._unread) < self._missing:
            return None
        return self._whole()

    def _read_header(self) -> None:
        end = self._unread.find(b"\n", 0, HEADER_OCTETS_MAX)
        if end >= 0:
            self._header, self._missing = parse_header(bytes(self._unread[: end + 1]))
            del self._unread[: end + 1]
        elif len(self._unread) >= HEADER_OCTETS_MAX:
            raise WireError("the line is not an answer's header")
        if self._asked is None:
            raise WireError("an answer came to what was not asked")

    def _whole(self) -> Answer:
        assert self._header is not None
        answer = Answer(self._header.id, bytes(self._unread), done=self._header.done)
        # A line that could not be read is refused under no id.
        expected = {self._asked} if answer.done else {self._asked, NO_ID}
        if len(self._unread) > self._missing or answer.id not in expected:
            raise WireError("an answer came to what was not asked")
        self._unread.clear()
        self._asked = self._header = None
        return answer
