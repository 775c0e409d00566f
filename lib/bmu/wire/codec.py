"""
Requests and answers as octets and back; the only place that knows the grammar.

There is one canonical form. A line is read freely and then written again: what does not come out
as the same octets is refused, so no two lines mean the same and no reader can differ from this one.
"""

from bmu.wire.messages import Answer, Request
from bmu.wire.text import is_clean

GREETING = b"BMU 1\n"

# With its line feed. The longest public request is a login: two values of a few hundred octets each.
LINE_OCTETS_MAX = 8192

# The answer's body is bounded too, so that a client can refuse a count before it waits for it.
BODY_OCTETS_MAX = 16 * 1024 * 1024
HEADER_OCTETS_MAX = 32

# The id in the answer to a line that has none.
NO_ID = "0000000000000000"

_HEX = frozenset("0123456789abcdef")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz_")
_BARE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ENCODED = tuple(chr(octet) if octet in _BARE else f"%{octet:02X}" for octet in range(256))
# What a line is made of; and the two digits of each octet that does not stand for itself.
_PLAIN = bytes(sorted(_BARE)) + b" =%"
_WRITTEN = {f"{octet:02X}": bytes([octet]) for octet in range(256) if octet not in _BARE}


class WireError(ValueError):
    """Raised for octets or messages that are not in the grammar of the protocol."""


def is_id(text: str) -> bool:
    """Tell whether *text* is a request's id."""
    return len(text) == 16 and _HEX.issuperset(text)


def is_name(text: str) -> bool:
    """Tell whether *text* is the name of an operation or an argument."""
    return 0 < len(text) <= 64 and _NAME.issuperset(text)


def request_line(request: Request) -> bytes:
    """
    Write *request* as its one line.

    Errors:
        WireError: an id, a name or a value is not in the grammar, or the line is too long.
    """
    if not (is_id(request.id) and is_name(request.operation)):
        raise WireError("the id or the operation is not in the grammar")
    words = [request.id, request.operation]
    for name in sorted(request.arguments):
        value = request.arguments[name]
        if not (is_name(name) and is_clean(value)):
            raise WireError("an argument is not in the grammar")
        # Letters and digits stand for themselves, and most values are such.
        if not (value.isascii() and value.isalnum()):
            value = "".join([_ENCODED[octet] for octet in value.encode()])
        words.append(f"{name}={value}")
    line = " ".join(words).encode("ascii") + b"\n"
    if len(line) > LINE_OCTETS_MAX:
        raise WireError(
            f"the request is of {len(line)} octets, at most {LINE_OCTETS_MAX} are taken"
        )
    return line


def parse_request(line: bytes) -> Request:
    """
    Read one line, its line feed included; accepted exactly when request_line gives it back.

    Errors:
        WireError: the line is not in its canonical form.
    """
    if line[-1:] != b"\n" or line.translate(None, _PLAIN) != b"\n" or len(line) > LINE_OCTETS_MAX:
        raise WireError("the line is not in its canonical form")
    try:
        request_id, operation, *pairs = line[:-1].decode("ascii").split(" ")
        arguments = {}
        before = ""
        for pair in pairs:
            name, text = pair.split("=")
            # In order, so each once; and the first has a letter.
            if name <= before or len(name) > 64 or not _NAME.issuperset(name):
                raise WireError("the arguments are not in the grammar, or not in their order")
            before = name
            arguments[name] = text if "%" not in text else _read(text)
    except ValueError as error:
        raise WireError("the line is not a request") from error
    if not (is_id(request_id) and is_name(operation)):
        raise WireError("the id or the operation is not in the grammar")
    return Request(request_id, operation, arguments)


def _read(text: str) -> str:
    """Read a value in which some octets are written as percent signs and two digits, each of those that must be."""
    first, *rest = text.split("%")
    pieces = [first.encode("ascii")]
    for piece in rest:
        octet = _WRITTEN.get(piece[:2])
        if octet is None:
            raise WireError("an octet is written as no octet is")
        pieces += octet, piece[2:].encode("ascii")
    value = b"".join(pieces).decode("utf-8")
    if not is_clean(value):
        raise WireError("an argument is not in the grammar")
    return value


def answer_octets(answer: Answer) -> bytes:
    """Write *answer*: its counted header, then its body."""
    assert is_id(answer.id), answer.id
    assert len(answer.body) <= BODY_OCTETS_MAX, len(answer.body)
    word = "ok" if answer.done else "no"
    return f"{answer.id} {word} {len(answer.body)}\n".encode("ascii") + answer.body


def parse_header(line: bytes) -> tuple[Answer, int]:
    """
    Read an answer's header, its line feed included: the answer, still without its body, and the body's octets.

    Errors:
        WireError: the header is not in its canonical form.
    """
    words = line.split(b" ")
    digits = words[-1].removesuffix(b"\n")
    if len(words) != 3 or not digits.isdigit() or len(digits) > 8:
        raise WireError("the line is not an answer's header")
    count = int(digits)
    request_id = words[0].decode("ascii", "replace")
    word = b"ok" if words[1] == b"ok" else b"no"
    if b"%s %s %d\n" % (words[0], word, count) != line or not is_id(request_id):
        raise WireError("the answer's header is not in its canonical form")
    if count > BODY_OCTETS_MAX:
        raise WireError(f"the answer is of {count} octets, at most {BODY_OCTETS_MAX} are taken")
    return Answer(request_id, b"", done=word == b"ok"), count
