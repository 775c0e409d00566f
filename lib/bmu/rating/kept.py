"""Reading what was kept as JSON data: each value is of the kind it has to be, or refused."""

from collections.abc import Mapping


def object_of(data: object) -> Mapping[str, object]:
    """
    Give an object.

    Errors:
        ValueError: something else.
    """
    if not isinstance(data, dict):
        raise ValueError(f"not an object: {data!r}")  # noqa: TRY004
    return data


def list_of(data: object) -> list[object]:
    """
    Give a list.

    Errors:
        ValueError: something else.
    """
    if not isinstance(data, list):
        raise ValueError(f"not a list: {data!r}")  # noqa: TRY004
    return data


def whole_of(data: object) -> int:
    """
    Give a whole number.

    Errors:
        ValueError: something else, true and false too.
    """
    if not isinstance(data, int) or isinstance(data, bool):
        raise ValueError(f"not a whole number: {data!r}")  # noqa: TRY004
    return data
