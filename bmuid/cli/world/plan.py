"""Patterns of a numbering plan (digits, classes, groups, counts), followed digit by digit."""

import re

_TOKEN = re.compile(r"\\d|\[[0-9-]+\]|\(\?:|[0-9)|?]|\{\d+(?:,\d+)?\}")
_ALL = "0123456789"


class State:
    """
    What is left of a pattern: any one of *digits* and then the rest; or, without digits, any of several.

    Shapes:
        is_open: whatever digits come, enough of them are a number.
    """

    __slots__ = ("digits", "is_open", "rest")

    def __init__(self, digits: str, rest: tuple["State", ...]) -> None:
        self.digits = digits
        self.rest = rest
        self.is_open: bool = not rest or (
            digits in ("", _ALL) and any(one.is_open for one in rest)
        )


END = State("", ())


def start(pattern: str) -> frozenset[State]:
    """
    Give where a pattern begins.

    Errors:
        ValueError: something that numbering plans do not use.
    """
    text = re.sub(r"\s", "", pattern)
    pieces = _TOKEN.findall(text)
    if "".join(pieces) != text:
        raise ValueError(f"not the pattern of a numbering plan: {pattern[:60]!r}")
    node, at = _choice(pieces, 0)
    assert at == len(pieces), pattern
    return _ahead(_built(node, END))


def after(states: frozenset[State], digit: str) -> frozenset[State]:
    """Give where a digit leads; nowhere: no number goes on like that."""
    found: set[State] = set()
    for state in states:
        if digit in state.digits:
            found |= _ahead(state.rest[0])
    return frozenset(found)


# A node is digits, or ("chain" | "choice", parts), or ("times", part, least, most).
_Node = tuple[str, tuple["_Node", ...], int, int]


def _choice(pieces: list[str], at: int) -> tuple[_Node, int]:
    choices = []
    while True:
        parts: list[_Node] = []
        while at < len(pieces) and pieces[at] not in (")", "|"):
            part, at = _part(pieces, at)
            parts.append(part)
        choices.append(("chain", tuple(parts), 1, 1))
        if at == len(pieces) or pieces[at] == ")":
            return ("choice", tuple(choices), 1, 1), at
        at += 1


def _part(pieces: list[str], at: int) -> tuple[_Node, int]:
    piece = pieces[at]
    if piece == "(?:":
        node, at = _choice(pieces, at + 1)
    else:
        node = (_digits(piece), (), 1, 1)
    at += 1
    if at < len(pieces) and pieces[at] == "?":
        return ("times", (node,), 0, 1), at + 1
    if at < len(pieces) and pieces[at].startswith("{"):
        least, _, most = pieces[at][1:-1].partition(",")
        return ("times", (node,), int(least), int(most or least)), at + 1
    return node, at


def _digits(piece: str) -> str:
    if piece == r"\d":
        return _ALL
    if not piece.startswith("["):
        return piece
    return "".join(digit for digit in _ALL if re.fullmatch(piece, digit))


def _built(node: _Node, then: State) -> State:
    """Put a part before what follows it."""
    kind, parts, least, most = node
    if kind == "choice":
        return State("", tuple(_built(part, then) for part in parts))
    if kind == "chain":
        for part in reversed(parts):
            then = _built(part, then)
        return then
    if kind == "times":
        for number in range(most):
            longer = _built(parts[0], then)
            then = longer if number >= most - least else State("", (longer, then))
        return then
    return State(kind, (then,))


def _ahead(state: State) -> frozenset[State]:
    if state.digits or state is END:
        return frozenset([state])
    found: set[State] = set()
    for one in state.rest:
        found |= _ahead(one)
    return frozenset(found)
