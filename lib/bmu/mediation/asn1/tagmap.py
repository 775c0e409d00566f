"""Which tag of a record is which field: maps as data, from the documents beside this module."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from bmu.mediation.asn1 import leaf
from bmu.mediation.asn1.tlv import APPLICATION, CONTEXT, PRIVATE, UNIVERSAL

MAPS = ("3gpp-msc", "3gpp-gprs", "3gpp-chf", "gsma-tap3")
NUMBER_MAX = (1 << 21) - 1

# By name and type, the fields of a site's own switch: ("moCallRecord", "tariffOfVendor", "200 int").
Further = tuple[tuple[str, str, str], ...]

_CLASSES = {"": CONTEXT, "u": UNIVERSAL, "a": APPLICATION, "p": PRIVATE}
_TAG = re.compile(r"([uap]?)([0-9]{1,7})", re.ASCII)
# As tlv.tag_name() calls what has no name.
UNNAMED = re.compile(r"(?:universal|application|tag|private)[0-9]+", re.ASCII)
_FIELD = re.compile(r"_?[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)


class TagMapError(ValueError):
    """Raised where a map, or what a site adds to it, can't be read."""


@dataclass(frozen=True, slots=True)
class Value:
    """A single value, read in one way."""

    read: leaf.Read
    kind: str


@dataclass(frozen=True, slots=True)
class Word:
    """A number that stands for a word; one without a word stays a number."""

    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Parted:
    """A single value that says several things; each has a name of its own behind the value's."""

    kind: str


@dataclass(frozen=True, slots=True)
class Many:
    """Elements of one kind, which are numbered from 0."""

    element: "Kind"


@dataclass(frozen=True, slots=True)
class Structure:
    """Elements by their tags; one whose name is empty has the name of the whole."""

    name: str
    fields: dict[int, "Field"] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Choices:
    """Elements, numbered from 0, each of which is one of a structure's."""

    among: Structure


Kind = Value | Word | Parted | Many | Structure | Choices


@dataclass(frozen=True, slots=True)
class Field:
    """What a tag means: a name, and how its content is read."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Total:
    """A sum of fields: of the first of its patterns (a star stands for any number) that a record has fields of."""

    name: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TagMap:
    """
    The records of one kind of file.

    Shapes:
        records: by tag, what a record is called and made of.
        wrapping: tags of elements that only hold records.
        totals: by the record's name.
    """

    code: str
    records: Mapping[int, Field]
    wrapping: frozenset[int]
    totals: Mapping[str, tuple[Total, ...]]


@lru_cache(maxsize=16)
def tag_map(code: str, further: Further = ()) -> TagMap:
    """
    Give a map by its code, with what a site adds.

    Errors:
        TagMapError: there is none, or what is added does not fit.
    """
    if code not in MAPS:
        raise TagMapError(f"there is no tag map {code!r}; there are {', '.join(MAPS)}")
    document = _document(code)
    structures = document.types
    for type_name, name, text in further:
        if type_name not in structures:
            raise TagMapError(f"{code} has no type {type_name!r}")
        if name in structures[type_name]:
            raise TagMapError(f"{type_name} has a field {name!r} already")
        structures[type_name][name] = text
    made = {name: Structure(name) for name in structures}
    for name, fields in structures.items():
        _fill(made[name], fields, made, document.enums)
    records = Structure("records")
    _fill(records, document.records, made, document.enums)
    totals = {
        record: tuple(Total(name, tuple(patterns)) for name, patterns in each.items())
        for record, each in document.totals.items()
    }
    wrapping = frozenset(_tag(text) for text in document.wrapping)
    return TagMap(code, records.fields, wrapping, totals)


@dataclass(frozen=True, slots=True)
class _Document:
    """A map as it is written."""

    records: Mapping[str, str]
    types: dict[str, dict[str, str]]
    enums: dict[str, dict[str, str]]
    totals: Mapping[str, Mapping[str, Sequence[str]]]
    wrapping: Sequence[str]


def _document(code: str) -> _Document:
    """Read a map's document, and under it the one whose types it uses."""
    text = files("bmu.mediation.asn1").joinpath("maps", f"{code}.toml").read_text("utf-8")
    read = tomllib.loads(text)
    types, enums = read["types"], read.get("enums", {})
    if "uses" in read:
        used = _document(read["uses"])
        types, enums = used.types | types, used.enums | enums
    return _Document(
        read.get("records", {}), types, enums, read.get("totals", {}), read.get("wrapping", ())
    )


def _fill(
    into: Structure,
    fields: Mapping[str, str],
    made: Mapping[str, Structure],
    enums: Mapping[str, Mapping[str, str]],
) -> None:
    for name, text in fields.items():
        written, _, kind = text.partition(" ")
        tag = _tag(written)
        if not _FIELD.fullmatch(name) or UNNAMED.fullmatch(name):
            raise TagMapError(
                f"{name!r} is no name of a field: letters, digits, - and _, not tag and a number"
            )
        if tag in into.fields:
            raise TagMapError(f"{into.name}: tag {written} is {into.fields[tag].name} already")
        # What begins with _ has no name of its own.
        into.fields[tag] = Field("" if name[0] == "_" else name, _kind(kind, made, enums))


def _tag(text: str) -> int:
    found = _TAG.fullmatch(text)
    if found is None or int(found[2]) > NUMBER_MAX:
        raise TagMapError(
            f"{text!r} is no tag; one is written 22, or u4, a22, p22 for other classes"
        )
    return _CLASSES[found[1]] + int(found[2])


def _kind(
    text: str, made: Mapping[str, Structure], enums: Mapping[str, Mapping[str, str]]
) -> Kind:
    how, _, of = text.partition(" ")
    if how == "list":
        return Many(_kind(of, made, enums))
    if how == "choices" and of in made:
        return Choices(made[of])
    if text in leaf.READS:
        return Value(leaf.READS[text], text)
    if text in leaf.PARTED:
        return Parted(text)
    if text in made:
        return made[text]
    if text in enums:
        return Word(enums[text])
    raise TagMapError(f"{text!r} is no kind of field; such are {', '.join(_kinds())}")


def _kinds() -> Iterator[str]:
    yield from (*leaf.READS, *leaf.PARTED)
