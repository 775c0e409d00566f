"""Texts with names in braces: which names there are, and what they become in a row."""

import re
from collections.abc import Callable, Mapping, Sequence

TEMPLATE_CHARACTERS_MAX = 1_000
NAMES_MAX = 50
MADE_CHARACTERS_MAX = 10_000

Make = Callable[[Sequence[str]], str]

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|([{}])|[^{}]+")


def pieces_of(template: str) -> list[tuple[str, str | None]]:
    """
    Take a template apart.

    Shapes:
        Result: text, and the name that stands behind it; none at the end.

    Errors:
        ValueError: a brace by itself, too long, or too many names.
    """
    if len(template) > TEMPLATE_CHARACTERS_MAX:
        raise ValueError(f"is longer than {TEMPLATE_CHARACTERS_MAX} characters")
    pieces: list[tuple[str, str | None]] = []
    text = ""
    for found in _PIECE.finditer(template):
        if found[2]:
            raise ValueError(f"a {found[2]} by itself; write {found[2] * 2} for the sign")
        if found[1] is None:
            text += found[0][0] if found[0] in {"{{", "}}"} else found[0]
            continue
        pieces.append((text, found[1]))
        text = ""
    if len(pieces) > NAMES_MAX:
        raise ValueError(f"more than {NAMES_MAX} names")
    return [*pieces, (text, None)]


def names_in(template: str) -> list[str]:
    """
    Give the names in a template.

    Errors:
        ValueError: as pieces_of().
    """
    return [name for _, name in pieces_of(template) if name is not None]


def filler(template: str, places: Mapping[str, int]) -> Make:
    """Give what makes the text of a row."""
    *pieces, (end, _) = pieces_of(template)
    if not pieces:
        return lambda _fields: end
    if len(pieces) == 1 and not end:
        text, place = pieces[0][0], places[pieces[0][1] or ""]
        return lambda fields: text + fields[place] if text else fields[place]
    texts = "".join(text.replace("%", "%%") + "%s" for text, _ in pieces) + end.replace("%", "%%")
    wanted = [places[name or ""] for _, name in pieces]
    return lambda fields: texts % tuple([fields[place] for place in wanted])
