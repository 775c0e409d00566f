"""An answer's JSON, read with the types that the protocol promises."""

from __future__ import annotations


class AnswerError(Exception):
    """Raised when an answer lacks what the protocol promises."""


class Part:
    """One JSON object of an answer."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, object]) -> None:
        self._values = values

    @classmethod
    def of(cls, value: object) -> Part:
        """Take *value*, which must be a JSON object."""
        if not isinstance(value, dict):
            raise AnswerError(f"an object was promised, not {type(value).__name__}")
        return cls(value)

    def text(self, name: str) -> str:
        """Give the text *name*."""
        value = self._values.get(name)
        if not isinstance(value, str):
            raise AnswerError(f"no text {name}")
        return value

    def whole(self, name: str) -> int:
        """Give the whole number *name*."""
        value = self._values.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise AnswerError(f"no whole number {name}")
        return value

    def has(self, name: str) -> bool:
        """Tell whether *name* is there and not null."""
        return self._values.get(name) is not None

    def part(self, name: str) -> Part:
        """Give the object *name*."""
        return Part.of(self._values.get(name))

    def parts(self, name: str) -> list[Part]:
        """Give the list of objects *name*."""
        value = self._values.get(name)
        if not isinstance(value, list):
            raise AnswerError(f"no list {name}")
        return [Part.of(one) for one in value]

    def flat(self, prefix: str = "") -> list[tuple[str, str]]:
        """Give all that is here as names and texts, what lies deeper under `outer.inner`."""
        return _flat(prefix, self._values)


def _flat(name: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        inner = [(f"{name}.{key}" if name else str(key), each) for key, each in value.items()]
        return [pair for key, each in inner for pair in _flat(key, each)]
    if isinstance(value, list):
        if not value:
            return [(name, "none")]
        return [pair for at, each in enumerate(value, 1) for pair in _flat(f"{name} {at}", each)]
    if value is None:
        return [(name, "none")]
    if isinstance(value, bool):
        return [(name, "yes" if value else "no")]
    return [(name, str(value))]
