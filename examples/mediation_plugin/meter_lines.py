"""
A site's own mediation: lines that no profile can take apart.

A meter writes a line an hour, ``M17;1785744000;3,0,5``: its name, when the hour began, and as many readings as the hour had,
spread over it evenly. Each reading that is not nothing is an event. A function of a row, a mapping of texts, to any number of
rows; or to a text that says why the row is refused. What it imports it imports here: once it is loaded it can open
nothing.
"""

from collections.abc import Iterator, Mapping

HOUR_SECONDS = 3600


def events(row: Mapping[str, str]) -> Iterator[dict[str, str]] | str:
    """Make an event of each reading of a line."""
    parts = row["line"].split(";")
    if len(parts) != 3:
        return f"{len(parts)} parts; expected meter;second;readings"
    meter, began, readings = parts
    if not began.isdecimal():
        return f"{began} is no second"
    return _events(meter, int(began), readings.split(","))


def _events(meter: str, began: int, readings: list[str]) -> Iterator[dict[str, str]]:
    for number, reading in enumerate(readings):
        if reading != "0":
            at = began + HOUR_SECONDS * number // len(readings)
            yield {"meter": meter, "at": str(at), "quantity": reading}
