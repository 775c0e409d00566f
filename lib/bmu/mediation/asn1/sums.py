"""Rows of one record: with the sums of its lists, and one for each element of a list where that is wanted."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from bmu.mediation.asn1.fields import Fields
from bmu.mediation.asn1.tagmap import Total


def rows_of(name: str, fields: Fields, totals: Iterable[Total], each: str) -> Iterator[Fields]:
    """
    Give the rows of a record.

    Shapes:
        name: of the record, which is its row's first field.
        each: a list; each element makes a row, in which it is the only one (number 0), and ``each`` tells which it is.
            A record without the list makes one row. Empty: every record makes one.
    """
    if not each:
        yield {"record": name, **fields, **_sums(fields, totals, each)}
        return
    before = f"{each}."
    others = {field: text for field, text in fields.items() if not field.startswith(before)}
    elements: dict[str, Fields] = {}
    for field, text in fields.items():
        if field.startswith(before):
            number, _, inner = field.removeprefix(before).partition(".")
            elements.setdefault(number, {})[f"{before}0.{inner}" if inner else f"{before}0"] = text
    for number, element in elements.items():
        row = others | element
        yield {"record": name, "each": number, **row, **_sums(row, totals, each)}
    if not elements:
        yield {"record": name, **others, **_sums(others, totals, "")}


def _sums(fields: Fields, totals: Iterable[Total], each: str) -> Fields:
    sums = {}
    for total in totals:
        # What is split is what counts: the sum over the whole record would be in every row.
        patterns = [p for p in total.patterns if not each or p.startswith(f"{each}.")]
        for pattern in patterns:
            matches = _compiled(pattern).fullmatch
            found = [
                int(text) for name, text in fields.items() if matches(name) and _is_whole(text)
            ]
            if found:
                sums[total.name] = str(sum(found))
                break
    return sums


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", "[0-9]+"))


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal()
