"""
What the two sides say to each other.

Plain classes: the CGI loads this for each page, and dataclasses or enums would cost it more than the work.
"""


class Request:
    """
    One operation asked for.

    Shapes:
        id: 16 lower-case hexadecimal digits, chosen by the asker, given back in the answer.
        arguments: name to text; names of lower-case letters and underscores.
    """

    __slots__ = ("arguments", "id", "operation")

    def __init__(self, request_id: str, operation: str, arguments: dict[str, str]) -> None:
        self.id = request_id
        self.operation = operation
        self.arguments = arguments

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Request) and (self.id, self.operation, self.arguments) == (
            other.id,
            other.operation,
            other.arguments,
        )

    def __hash__(self) -> int:
        return hash((self.id, self.operation))

    def __repr__(self) -> str:
        # Values may be passwords: a log or a traceback shows the names only.
        return f"Request({self.id!r}, {self.operation!r}, {sorted(self.arguments)})"


class Answer:
    """What came of a request: done or refused, and the octets of a JSON object."""

    __slots__ = ("body", "done", "id")

    def __init__(self, request_id: str, body: bytes, *, done: bool) -> None:
        self.id = request_id
        self.body = body
        self.done = done

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answer) and (self.id, self.done, self.body) == (
            other.id,
            other.done,
            other.body,
        )

    def __hash__(self) -> int:
        return hash((self.id, self.done, self.body))

    def __repr__(self) -> str:
        return f"Answer({self.id!r}, done={self.done}, {len(self.body)} octets)"


class Broken:
    """The peer broke the protocol: the connection must close, and nothing after this point counts."""

    __slots__ = ("code", "text")

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Broken) and (self.code, self.text) == (other.code, other.text)

    def __hash__(self) -> int:
        return hash((self.code, self.text))

    def __repr__(self) -> str:
        return f"Broken({self.code!r}, {self.text!r})"
