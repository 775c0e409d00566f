"""
The server's side of one connection: one request outstanding, and nothing may come before its answer.

The octets kept are at most one line, and each is looked at once, however they arrive.
"""

from bmu.wire.codec import LINE_OCTETS_MAX, WireError, answer_octets, parse_request
from bmu.wire.messages import Answer, Broken, Request

# As typing.TYPE_CHECKING, whose import the CGI would pay for.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class ServerSession:
    """
    One connection's unread octets and the request that waits for its answer.

    Shapes:
        parse: reads one line, its line feed included, or raises WireError.
        octets_max: of a line, its line feed included.
    """

    __slots__ = ("_closed", "_octets_max", "_outstanding", "_parse", "_unread")

    def __init__(
        self,
        parse: "Callable[[bytes], Request]" = parse_request,
        octets_max: int = LINE_OCTETS_MAX,
    ) -> None:
        self._parse = parse
        self._octets_max = octets_max
        self._unread = bytearray()
        self._outstanding: Request | None = None
        self._closed = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked and nothing half asked."""
        return self._outstanding is None and not self._unread

    def feed(self, octets: bytes) -> list[Request | Broken]:
        """
        Take octets as they came; give what they complete.

        Shapes:
            At most one Request, then at most one Broken; after a Broken never anything again. Any
            split of the same octets gives the same messages.
        """
        if self._closed or not octets:
            return []
        if self._outstanding is not None:
            return [self._broken("EARLY_OCTETS", "nothing may be sent before the answer")]
        seen = len(self._unread)
        self._unread += octets[: self._octets_max - seen]
        end = self._unread.find(b"\n", seen)
        if end < 0:
            if len(self._unread) >= self._octets_max:
                return [
                    self._broken("LINE_TOO_LONG", f"a line is at most {self._octets_max} octets")
                ]
            return []
        line = bytes(self._unread[: end + 1])
        self._unread.clear()
        try:
            request = self._outstanding = self._parse(line)
        except WireError as error:
            return [self._broken("BAD_LINE", str(error))]
        after = end + 1 - seen
        return [request, *self.feed(octets[after : after + 1])]

    def answer(self, body: bytes, *, done: bool) -> bytes:
        """Give the octets that answer the request outstanding; the next one may come."""
        assert self._outstanding is not None, "nothing was asked"
        answer = Answer(self._outstanding.id, body, done=done)
        self._outstanding = None
        return answer_octets(answer)

    def _broken(self, code: str, text: str) -> Broken:
        self._closed = True
        self._unread.clear()
        return Broken(code, text)
