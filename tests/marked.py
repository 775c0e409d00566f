"""Texts that tell whose lines are, found where the lines lie in memory."""

from bmu.mediation import Mediator
from bmu.mediation.mediator import MARK, NOT_TOLD


def marked(mediator: Mediator, lines: list[bytes]) -> list[bytes | None]:
    """Give the texts; a line may have line ends within, and is several then."""
    octets = bytearray(b"".join(line + b"\n" for line in lines))
    found = mediator.marks(octets, len(octets), len(octets), len(octets))
    assert found is not None
    marks, taken = found
    each = list(MARK.iter_unpack(marks))

    assert taken == len(octets)
    assert [bytes(octets[at:end]) for at, end, _, _ in each] == octets.split(b"\n")[:-1]
    return [None if text == NOT_TOLD else bytes(octets[text:end]) for _, _, text, end in each]
