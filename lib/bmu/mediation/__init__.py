"""Raw usage of switches to UDRs: any line becomes a UDR or a reject with its reason."""

from bmu.mediation.check import faults
from bmu.mediation.decoding import UndecodableError, decode, decoding_faults
from bmu.mediation.document import document_of, profile_of
from bmu.mediation.headed import has_heading, head_of, heading_faults
from bmu.mediation.layout import Column, Delimited, FixedWidth, JSONLine, Pairs, Quoting
from bmu.mediation.mediator import Mediator
from bmu.mediation.number import SourceSettings
from bmu.mediation.parts import split_lines
from bmu.mediation.profile import (
    Condition,
    Decoding,
    Derived,
    Filter,
    Format,
    Identifier,
    Match,
    Profile,
)
from bmu.mediation.ready import BUILT_IN
from bmu.mediation.reject import Reason, Reject
from bmu.mediation.totals import Totals
from bmu.mediation.transform import Clock, Form, Instant

__all__ = [
    "BUILT_IN",
    "Clock",
    "Column",
    "Condition",
    "Decoding",
    "Delimited",
    "Derived",
    "Filter",
    "FixedWidth",
    "Form",
    "Format",
    "Identifier",
    "Instant",
    "JSONLine",
    "Match",
    "Mediator",
    "Pairs",
    "Profile",
    "Quoting",
    "Reason",
    "Reject",
    "SourceSettings",
    "Totals",
    "UndecodableError",
    "decode",
    "decoding_faults",
    "document_of",
    "faults",
    "has_heading",
    "head_of",
    "heading_faults",
    "profile_of",
    "split_lines",
]
