"""Answers for people's eyes, or as columns for other programs."""

from collections.abc import Iterator, Mapping, Sequence

from bmuid.logs import printable

# Of a list within a cell, people see so many; --json has them all.
ITEMS_MAX = 5


def lines(document: Mapping[str, object], *, for_people: bool) -> Iterator[str]:
    """
    Give a document as text: first its single values, a line each, then each of its lists as a table.

    For people, columns are aligned; for programs, cells are parted by tabs. A first line names them; an empty list
    is such a line alone, with its own name.
    """
    singles = list(_singles("", document))
    width = max((len(name) for name, _ in singles), default=0)
    for name, value in singles:
        text = cell(value, for_people=for_people)
        yield f"{name:<{width}}  {text}".rstrip() if for_people else f"{name}\t{text}"
    is_first = not singles
    for name, rows in _tables("", document):
        if not is_first:
            yield ""
        is_first = False
        if not rows:
            yield f"{name}: none" if for_people else f"{name}\tnone"
        elif for_people and singles:
            yield f"{name}:"
        yield from _table(rows, for_people=for_people)


def _singles(prefix: str, document: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _singles(f"{prefix}{name}.", value)
        elif not _is_table(value):
            yield prefix + name, value


def _tables(
    prefix: str, document: Mapping[str, object]
) -> Iterator[tuple[str, Sequence[Mapping[str, object]]]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _tables(f"{prefix}{name}.", value)
        elif isinstance(value, list) and _is_table(value):
            yield prefix + name, value


def _is_table(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, Mapping) for row in value)


def _table(rows: Sequence[Mapping[str, object]], *, for_people: bool) -> Iterator[str]:
    if not rows:
        return
    flat = [
        {name: cell(value, for_people=for_people) for name, value in _flat("", row)}
        for row in rows
    ]
    names = list(dict.fromkeys(name for row in flat for name in row))
    table = [names, *([row.get(name, "") for name in names] for row in flat)]
    if not for_people:
        yield from ("\t".join(row) for row in table)
        return
    widths = [max(len(row[column]) for row in table) for column in range(len(names))]
    for row in table:
        yield "  ".join(
            f"{text:<{width}}" for text, width in zip(row, widths, strict=True)
        ).rstrip()


def _flat(prefix: str, row: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield prefix + name, value


def cell(value: object, *, for_people: bool) -> str:
    """Give one value as text that can't steer a terminal: a list in a line, for people only its beginning."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            shown = value[:ITEMS_MAX] if for_people else value
            texts = [_item(item, for_people=for_people) for item in shown]
            left = len(value) - len(shown)
            return ", ".join([*texts, f"and {left} more"] if left else texts)
        case _:
            return printable(str(value))


def _item(item: object, *, for_people: bool) -> str:
    if not isinstance(item, Mapping):
        return cell(item, for_people=for_people)
    texts = (cell(value, for_people=for_people) for _, value in _flat("", item))
    return " ".join(text for text in texts if text)
