"""A record's octets to fields of text, by a tag map: names of nested ones are joined by dots, elements numbered."""

from collections.abc import Mapping

from bmu.mediation.asn1 import leaf
from bmu.mediation.asn1.tagmap import (
    Choices,
    Field,
    Kind,
    Many,
    Parted,
    Structure,
    Value,
    Word,
)
from bmu.mediation.asn1.tlv import BERError, Element, elements, tag_name

FIELDS_MAX = 5_000

Fields = dict[str, str]


def record_fields(octets: bytes, kind: Kind, begin: int, end: int) -> Fields:
    """
    Read the content of a record.

    Errors:
        BERError: broken octets, a field that is there twice, too many fields or too deep.
    """
    reader = _Reader(octets)
    reader.read(kind, Element(0, constructed=True, begin=begin, end=end), "", 0)
    return reader.fields


class _Reader:
    """Reads the fields of one record; every method raises BERError where octets are not what a map says."""

    __slots__ = ("_octets", "fields")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.fields: Fields = {}

    def read(self, kind: Kind, element: Element, name: str, depth: int) -> None:
        """Read an element's content, and put what it says under a name."""
        if isinstance(kind, Structure | Many | Choices):
            if not element.constructed:
                raise BERError(f"{name} is a single value; expected elements in it", element.begin)
            self._nested(kind, element, name, depth)
            return
        content = self._content(element, depth)
        match kind:
            case Value(read=read):
                text = read(content)
                self._put(name, leaf.unfit(content) if text is None else text, element.begin)
            case Word(words=words):
                text = leaf.integer(content)
                said = leaf.unfit(content) if text is None else words.get(text, text)
                self._put(name, said, element.begin)
            case Parted(kind=parted):
                for part, said in (
                    leaf.PARTED[parted](content) or {"": leaf.unfit(content)}
                ).items():
                    self._put(_under(name, part), said, element.begin)

    def _nested(
        self, kind: Structure | Many | Choices, element: Element, name: str, depth: int
    ) -> None:
        inner = elements(self._octets, element.begin, element.end, depth)
        match kind:
            case Structure(fields=fields):
                for each in inner:
                    self._one_of(fields, each, name, depth + 1)
            case Many(element=one):
                for number, each in enumerate(inner):
                    self.read(one, each, _under(name, str(number)), depth + 1)
            case Choices(among=among):
                for number, each in enumerate(inner):
                    self._one_of(among.fields, each, _under(name, str(number)), depth + 1)

    def _one_of(
        self, fields: Mapping[int, Field], element: Element, name: str, depth: int
    ) -> None:
        """Read an element by its tag; one that the map does not know is given in hexadecimal, under its tag."""
        known = fields.get(element.tag)
        if known is not None:
            self.read(known.kind, element, _under(name, known.name), depth)
            return
        octets = leaf.hexadecimal(self._octets[element.begin : element.end])
        self._put(_under(name, tag_name(element.tag)), octets, element.begin)

    def _content(self, element: Element, depth: int) -> bytes:
        """Give a single value's octets, which may come in pieces."""
        if not element.constructed:
            return self._octets[element.begin : element.end]
        pieces = elements(self._octets, element.begin, element.end, depth)
        return b"".join(self._content(each, depth + 1) for each in pieces)

    def _put(self, name: str, text: str, at: int) -> None:
        if name in self.fields:
            raise BERError(f"{name} is there twice", at)
        if len(self.fields) >= FIELDS_MAX:
            raise BERError(f"more than {FIELDS_MAX} fields", at)
        self.fields[name] = text


def _under(name: str, inner: str) -> str:
    return f"{name}.{inner}" if name and inner else name or inner
