"""Exact arithmetic over the fields of a row."""

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from bmu.mediation.figure import DIGITS_MAX, Figure, figure_of
from bmu.mediation.reject import Reason, UnreadError, shown
from bmu.mediation.transform import Formula, Rounding

FORMULA_CHARACTERS_MAX = 500
DECIMALS_MAX = 15
_DEPTH_MAX = 30

Compute = Callable[[Sequence[Figure]], Figure]

_TOKEN = re.compile(r"\s*(?:([0-9]+(?:\.[0-9]+)?)|\{([^{}]*)\}|([-+*/()]))", re.ASCII)


class Parsed:
    """A formula, read: the fields it names, and what computes it for a row."""

    def __init__(self, text: str) -> None:
        """
        Read a formula.

        Errors:
            ValueError: it is none; says what is wrong, and where.
        """
        if len(text) > FORMULA_CHARACTERS_MAX:
            raise ValueError(f"is longer than {FORMULA_CHARACTERS_MAX} characters")
        self.fields: list[str] = []
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        # Its fields stand in the order of *fields*.
        self.compute = self._sum()
        if self._next():
            raise ValueError(f"expected + - * / before {self._next()!r}")

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str) -> str:
        """Pass one of some signs, if it is next."""
        found = self._next()
        if not found or found not in wanted:
            return ""
        self._at += 1
        return found

    def _sum(self) -> Compute:
        left = self._product()
        while sign := self._take("+-"):
            left = _joined(sign, left, self._product())
        return left

    def _product(self) -> Compute:
        left = self._part()
        while sign := self._take("*/"):
            left = _joined(sign, left, self._part())
        return left

    def _part(self) -> Compute:
        if self._take("-"):
            part = self._nested(self._part)
            return lambda figures: -part(figures)
        if self._take("("):
            inner = self._nested(self._sum)
            if not self._take(")"):
                raise ValueError("a ( without its )")
            return inner
        token = self._next()
        self._at += 1
        if token.startswith("{"):
            self.fields.append(token[1:-1])
            place = len(self.fields) - 1
            return lambda figures: figures[place]
        value = figure_of(token)
        if value is None:
            wrong = f"not {token!r}" if token else "at its end"
            raise ValueError(f"expected a figure, a field in braces or ( {wrong}")
        return lambda _figures: value

    def _nested(self, read: Callable[[], Compute]) -> Compute:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise ValueError("nested too deep")
        found = read()
        self._depth -= 1
        return found


def computer(formula: Formula, places: Mapping[str, int]) -> Callable[[Sequence[str]], str]:
    """Give what makes the text of a row; it raises UnreadError where there is no figure, or none that comes out."""
    parsed = Parsed(formula.text)
    wanted = [(places[name], name) for name in parsed.fields]
    compute, empty = parsed.compute, formula.empty or ""
    rounded = _rounder(formula)

    def made(fields: Sequence[str]) -> str:
        figures = []
        for place, name in wanted:
            text = fields[place] or empty
            figure = figure_of(text)
            if figure is None:
                raise _no_figure(name, text)
            figures.append(figure)
        try:
            return rounded(compute(figures))
        except ZeroDivisionError:
            raise UnreadError(Reason.BAD_FIELD, f"{formula.text} divides by nothing") from None

    return made


def _rounder(formula: Formula) -> Callable[[Figure], str]:
    """Give what writes a figure with as many decimals as are kept."""
    scale, decimals, rounding = 10**formula.decimals, formula.decimals, formula.rounding

    def rounded(figure: Figure) -> str:
        if figure.__class__ is int and not decimals:
            text = str(figure) if abs(figure) < _LARGEST else ""
        else:
            text = _decimal(_whole(Fraction(figure) * scale, rounding), decimals)
        if not text:
            raise UnreadError(
                Reason.BAD_FIELD, f"{formula.text} is of more than {DIGITS_MAX} digits"
            )
        return text

    return rounded


_LARGEST = 10**DIGITS_MAX


def _whole(value: Fraction, rounding: Rounding) -> int:
    """Round to a whole number: away from zero, to zero, or to the nearer one with a half away from zero."""
    whole, rest = divmod(abs(value.numerator), value.denominator)
    match rounding:
        case Rounding.UP:
            whole += rest > 0
        case Rounding.HALF:
            whole += 2 * rest >= value.denominator
        case Rounding.DOWN:
            pass
    return -whole if value < 0 else whole


def _decimal(scaled: int, decimals: int) -> str:
    """Write a figure that is scaled by as many decimals; nothing where it is too large."""
    if abs(scaled) >= _LARGEST:
        return ""
    sign, digits = "-" * (scaled < 0), str(abs(scaled)).rjust(decimals + 1, "0")
    whole, part = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def _no_figure(name: str, text: str) -> UnreadError:
    if not text:
        return UnreadError(Reason.MISSING_FIELD, f"{name} is empty; expected a figure")
    return UnreadError(Reason.BAD_FIELD, f"{name} is {shown(text)}; expected a figure")


def _joined(sign: str, left: Compute, right: Compute) -> Compute:
    match sign:
        case "+":
            return lambda figures: left(figures) + right(figures)
        case "-":
            return lambda figures: left(figures) - right(figures)
        case "*":
            return lambda figures: left(figures) * right(figures)
        case _:
            return lambda figures: Fraction(left(figures)) / right(figures)


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    text = text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"not understood from {text[at : at + 20]!r} on")
        tokens.append(found[0].strip())
        at = found.end()
    return tokens
