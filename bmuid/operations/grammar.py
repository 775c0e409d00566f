"""The grammar of arguments: text in, a checked value out; one grammar for every door."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from bmu.wire.text import is_clean

LINE_CHARACTERS = {ord("\t"): " ", ord("\n"): " "}
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
INSTANT = re.compile(
    r"2[01][0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)


class ArgumentError(ValueError):
    """Raised when a text is not a value of its grammar; the message tells what would be."""


class Grammar(Protocol):
    """What an argument's text must look like."""

    @property
    def described(self) -> str:
        """What a value looks like, for help texts and errors."""

    def parse(self, text: str) -> object:
        """Read a value; ArgumentError when the text is none."""


@dataclass(frozen=True, slots=True)
class Text:
    """Any text without control characters (tab and line feed apart where *lines*)."""

    length_max: int
    length_min: int = 1
    lines: bool = False

    @property
    def described(self) -> str:
        """Say the lengths allowed."""
        return f"text of {self.length_min} to {self.length_max} characters"

    def parse(self, text: str) -> str:
        """Give the text in Unicode's composed form, so that what looks alike is alike."""
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        if not self.length_min <= len(text) <= self.length_max:
            raise ArgumentError(f"must be {self.described}, not of {len(text)}")
        if not is_clean(text.translate(LINE_CHARACTERS) if self.lines else text):
            raise ArgumentError("must not hold control characters")
        return text


@dataclass(frozen=True, slots=True)
class Pattern:
    """Text of one shape."""

    expression: str
    described: str

    def parse(self, text: str) -> str:
        """Give the text itself."""
        if not re.fullmatch(self.expression, text, re.ASCII):
            raise ArgumentError(f"must be {self.described}")
        return text


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number between two bounds, both allowed; ASCII digits, no sign but minus."""

    smallest: int
    largest: int

    @property
    def described(self) -> str:
        """Say the bounds."""
        return f"a whole number from {self.smallest} to {self.largest}"

    def parse(self, text: str) -> int:
        """Give the number."""
        if not INTEGER.fullmatch(text) or not self.smallest <= int(text) <= self.largest:
            raise ArgumentError(f"must be {self.described}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day."""

    described: str = "a date like 2026-08-31"

    def parse(self, text: str) -> date:
        """Give the day."""
        try:
            if DATE.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        raise ArgumentError(f"must be {self.described}")


@dataclass(frozen=True, slots=True)
class Instant:
    """An instant of the years 2000 to 2199, as RFC 3339 writes it: with its distance from UTC."""

    described: str = "an instant like 2026-08-31T09:12:44Z or 2026-08-31T10:12:44.5+01:00"

    def parse(self, text: str) -> datetime:
        """Give the instant."""
        try:
            if INSTANT.fullmatch(text):
                return datetime.fromisoformat(text)
        except ValueError:
            pass
        raise ArgumentError(f"must be {self.described}")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def described(self) -> str:
        """List the words."""
        return "one of " + ", ".join(self.words)

    def parse(self, text: str) -> str:
        """Give the word."""
        if text not in self.words:
            raise ArgumentError(f"must be {self.described}")
        return text


# Of what is either asked for or left out.
YES = Choice(("yes",))
