"""What the compiled form of the walk knows of a tag map, and whether there is one; nothing but time hangs on it."""

from collections.abc import Iterable

from bmu.mediation.asn1.framing import Quick, Stand
from bmu.mediation.asn1.tagmap import (
    Choices,
    Field,
    Kind,
    Many,
    Parted,
    Structure,
    TagMap,
    Value,
    Word,
)

# As _walk.h has them.
KINDS = (
    *("structure", "many", "choices", "word", "int", "bool", "null", "text", "hex", "tbcd", "bcd"),
    *("full-number", "time", "ip", "network", "bits", "number", "message-address"),
)

PlainKind = tuple[int, int, tuple[tuple[int, bytes], ...]]
PlainField = tuple[int, int, bytes]


def quick_of(tag_map: TagMap) -> Quick | None:
    """Give what makes lines of plain records in less time; None where no compiler was."""
    try:
        from bmu.mediation.asn1 import _walk  # noqa: PLC0415
    except ImportError:
        return None
    tables = _Tables()
    records = tables.structure(Structure("records", dict(tag_map.records)))
    prepared = _walk.prepare(tuple(tables.kinds), tuple(tables.structures), records)

    def quick(octets: bytes, at: int, end: int, stand: Stand, /) -> tuple[list[bytes], int]:
        return _walk.lines(prepared, octets, at, end, stand.value)

    return quick


class _Tables:
    """Kinds and structures with numbers instead of references."""

    __slots__ = ("_numbers", "kinds", "structures")

    def __init__(self) -> None:
        self.kinds: list[PlainKind] = []
        self.structures: list[tuple[PlainField, ...]] = []
        self._numbers: dict[str, int] = {}

    def structure(self, structure: Structure) -> int:
        """Give the number of a structure, which has one before its fields are looked at: they may hold it."""
        if structure.name not in self._numbers:
            number = self._numbers[structure.name] = len(self.structures)
            self.structures.append(())
            self.structures[number] = tuple(self._fields(sorted(structure.fields.items())))
        return self._numbers[structure.name]

    def _fields(self, fields: Iterable[tuple[int, Field]]) -> Iterable[PlainField]:
        for tag, field in fields:
            yield tag, self._kind(field.kind), field.name.encode()

    def _kind(self, kind: Kind) -> int:
        self.kinds.append(self._plain(kind))
        return len(self.kinds) - 1

    def _plain(self, kind: Kind) -> PlainKind:
        match kind:
            case Structure():
                return KINDS.index("structure"), self.structure(kind), ()
            case Choices(among=among):
                return KINDS.index("choices"), self.structure(among), ()
            case Many(element=element):
                return KINDS.index("many"), self._kind(element), ()
            case Value(kind=name) | Parted(kind=name):
                return KINDS.index(name), 0, ()
            case Word(words=words):
                said = tuple((int(number), word.encode()) for number, word in words.items())
                return KINDS.index("word"), 0, said
