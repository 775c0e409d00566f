"""Raw usage of switches to UDRs: any line becomes a UDR or a reject with its reason."""

from bmu.mediation.check import faults
from bmu.mediation.mediator import Mediator
from bmu.mediation.number import SourceSettings
from bmu.mediation.profile import (
    Clock,
    Condition,
    Delimited,
    Filter,
    Form,
    Identifier,
    Instant,
    Match,
    Pairs,
    Profile,
    Quoting,
)
from bmu.mediation.profiles import BUILT_IN
from bmu.mediation.reject import Reason, Reject

__all__ = [
    "BUILT_IN",
    "Clock",
    "Condition",
    "Delimited",
    "Filter",
    "Form",
    "Identifier",
    "Instant",
    "Match",
    "Mediator",
    "Pairs",
    "Profile",
    "Quoting",
    "Reason",
    "Reject",
    "SourceSettings",
    "faults",
]
