"""Raw usage of switches to UDRs: any line becomes a UDR or a reject with its reason."""

from bmu.mediation.check import faults
from bmu.mediation.decoding import UndecodableError, decode, decoding_faults
from bmu.mediation.mediator import Mediator
from bmu.mediation.number import SourceSettings
from bmu.mediation.profile import (
    Clock,
    Condition,
    Decoding,
    Delimited,
    Filter,
    Form,
    Format,
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
    "Decoding",
    "Delimited",
    "Filter",
    "Form",
    "Format",
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
    "UndecodableError",
    "decode",
    "decoding_faults",
    "faults",
]
