"""Which parts of bmuid a process tree runs."""

from enum import Enum


class Part(Enum):
    """One kind of service; value = the word after --only."""

    DOORS = "doors"
    INTAKE = "intake"
    RATING = "rating"
    REALTIME = "realtime"
    RECEIVING = "receiving"


# Of these one at a database is enough, and two would get in each other's way.
SINGLE = frozenset({Part.DOORS, Part.INTAKE})
EVERY_PART = frozenset(Part)
# These read the configuration anew when they are told to, also as a process beside the others.
RELOADED = frozenset({Part.REALTIME, Part.RECEIVING})
