"""Regular expressions as clerks write them in conditions, read into a tree: the part that needs no way back."""

from collections.abc import Callable
from typing import NamedTuple, NoReturn

PATTERN_LENGTH_MAX = 1_000
REPEATS_MAX = 1_000
_DEPTH_MAX = 50
_ASCII_MAX = "\x7f"
_SIGNS = {"t": "\t", "n": "\n", "r": "\r"}
_CLASSES: dict[str, Callable[[str], bool]] = {
    "d": str.isdecimal,
    "D": lambda char: not char.isdecimal(),
    "w": lambda char: char.isalnum() or char == "_",
    "W": lambda char: not (char.isalnum() or char == "_"),
    "s": str.isspace,
    "S": lambda char: not char.isspace(),
}


class One(NamedTuple):
    """One character that passes a test."""

    fits: Callable[[str], bool]


class Chain(NamedTuple):
    """One part after the other."""

    parts: tuple["Node", ...]


class Choice(NamedTuple):
    """Any one of several."""

    choices: tuple["Node", ...]


class Repeat(NamedTuple):
    """One part *least* to *most* times; none: without end."""

    part: "Node"
    least: int
    most: int | None


class Group(NamedTuple):
    """A part in parentheses whose text can be asked for, by its number from 1."""

    part: "Node"
    number: int


Node = One | Chain | Choice | Repeat | Group


def parse(pattern: str) -> Node:
    r"""
    Read a pattern that is to match the whole of a text, as `re.fullmatch` means it.

    Shapes:
        pattern: characters, ``.``, classes like ``[a-z_]`` and ``[^0-9]``, ``\d \w \s`` and their opposites, ``\t \n
            \r``, a backslash before any sign, ``|``, groups ``(...)`` and ``(?:...)``, ``* + ? {m} {m,} {m,n}``.

    Errors:
        ValueError: anything else; says where, and what to write in its place.
    """
    if len(pattern) > PATTERN_LENGTH_MAX:
        raise ValueError(f"a pattern of more than {PATTERN_LENGTH_MAX} characters: split it")
    reader = _Reader(pattern)
    node = reader.choice()
    if reader.next:
        reader.refuse(r"a ) without its (: write \) for the sign")
    return node


class _Reader:
    """A pattern, and how far it is read."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0
        self._groups = 0

    @property
    def next(self) -> str:
        """The character to be read, or nothing at the end."""
        return self._pattern[self._at : self._at + 1]

    def refuse(self, what: str) -> NoReturn:
        """Say where, and what to do."""
        raise ValueError(f"at character {self._at + 1} of {self._pattern[:60]!r}: {what}")

    def choice(self) -> Node:
        """Read alternatives, up to the end of the group or of all."""
        choices = [self._chain()]
        while self._take("|"):
            choices.append(self._chain())
        return Choice(tuple(choices)) if len(choices) > 1 else choices[0]

    def _take(self, text: str) -> bool:
        """Pass over a text, if it is next."""
        there = self._pattern.startswith(text, self._at)
        self._at += len(text) if there else 0
        return there

    def _read(self) -> str:
        char = self.next
        self._at += 1
        return char

    def _chain(self) -> Node:
        parts: list[Node] = []
        while self.next not in {"", "|", ")"}:
            parts.append(self._repeated(self._atom()))
        return Chain(tuple(parts))

    def _repeated(self, part: Node) -> Node:
        """Read how often, if that is said."""
        if self._take("*"):
            part = Repeat(part, 0, None)
        elif self._take("+"):
            part = Repeat(part, 1, None)
        elif self._take("?"):
            part = Repeat(part, 0, 1)
        elif self._take("{"):
            part = self._counted(part)
        else:
            return part
        if self.next in {"*", "+", "?", "{"}:
            self.refuse("a repetition of a repetition: put the first one in a group ( )")
        return part

    def _counted(self, part: Node) -> Node:
        first, comma, last = "", "", ""
        start = self._at
        while self.next and self.next in "0123456789":
            first += self._read()
        if self._take(","):
            comma = ","
            while self.next and self.next in "0123456789":
                last += self._read()
        if not first or not self._take("}"):
            self._at = start - 1
            self.refuse(r"not like {2}, {2,} or {2,5}: write \{ for the sign")
        least = int(first)
        most = int(last) if last else None if comma else least
        if least > REPEATS_MAX or (most or 0) > REPEATS_MAX:
            self.refuse(f"more than {REPEATS_MAX} repetitions")
        if most is not None and most < least:
            self.refuse(f"{{{least},{most}}} ends before it starts")
        return Repeat(part, least, most)

    def _atom(self) -> Node:
        char = self.next
        if char == "(":
            return self._group()
        if char == "[":
            return One(self._class())
        if char == "\\":
            return One(self._escape())
        if char in {"^", "$"}:
            self.refuse(
                f"leave {char} away, the whole text has to match; write \\{char} for the sign"
            )
        if char in {"*", "+", "?"}:
            self.refuse(f"nothing to repeat; write \\{char} for the sign")
        if char in {"{", "}", "]"}:
            self.refuse(f"write \\{char} for the sign")
        self._at += 1
        return One(_any if char == "." else char.__eq__)

    def _group(self) -> Node:
        self._at += 1
        number = 0
        if self.next != "?":
            self._groups += 1
            number = self._groups
        elif not self._take("?:"):
            self.refuse(
                "of the groups that begin with (? there is only (?:...): no look around, no flags"
            )
        if self._depth == _DEPTH_MAX:
            self.refuse(f"more than {_DEPTH_MAX} groups in each other")
        self._depth += 1
        node = self.choice()
        self._depth -= 1
        if not self._take(")"):
            self.refuse(r"a group that is not closed: add ), or write \( for the sign")
        return Group(node, number) if number else node

    def _escape(self) -> Callable[[str], bool]:
        """Read a backslash and what it stands before."""
        self._at += 1
        char = self.next
        if char.isdecimal():
            self.refuse("no reference to an earlier group: write out what is meant")
        if char in _CLASSES:
            self._at += 1
            return _CLASSES[char]
        return self._sign().__eq__

    def _sign(self) -> str:
        """Read what stands after a backslash and means one character."""
        char = self._read()
        if not char or (char.isalnum() and char <= _ASCII_MAX and char not in _SIGNS):
            self._at -= 1
            self.refuse("after a backslash only d, w, s, D, W, S, t, n, r or a sign")
        return _SIGNS.get(char, char)

    def _class(self) -> Callable[[str], bool]:
        self._at += 1
        is_negated = self._take("^")
        if self.next == "]":
            self.refuse(r"an empty class: write \] for the sign")
        tests: list[Callable[[str], bool]] = []
        while not self._take("]"):
            tests.append(self._member())
        return _none_of(tests) if is_negated else _one_of(tests)

    def _member(self) -> Callable[[str], bool]:
        """Read one character of a class, one range or one class within it."""
        if self.next == "\\" and self._pattern[self._at + 1 : self._at + 2] in _CLASSES:
            test = self._escape()
            if self.next == "-" and self._pattern[self._at + 1 : self._at + 2] != "]":
                self.refuse(r"a range begins with one character: write \- for the sign")
            return test
        first = self._end()
        if self.next != "-" or self._pattern[self._at + 1 : self._at + 2] == "]":
            return first.__eq__
        self._at += 1
        last = self._end()
        if last < first:
            self.refuse(f"the range {first}-{last} ends before it starts")
        return lambda char: first <= char <= last

    def _end(self) -> str:
        """Read one end of a range, or a character that stands for itself."""
        if not self.next:
            self.refuse(r"a class that is not closed: add ], or write \[ for the sign")
        if self.next == "[":
            self.refuse(r"write \[ for the sign")
        return self._sign() if self._take("\\") else self._read()


def _any(char: str) -> bool:
    return char != "\n"


def _one_of(tests: list[Callable[[str], bool]]) -> Callable[[str], bool]:
    return lambda char: any(test(char) for test in tests)


def _none_of(tests: list[Callable[[str], bool]]) -> Callable[[str], bool]:
    return lambda char: not any(test(char) for test in tests)
