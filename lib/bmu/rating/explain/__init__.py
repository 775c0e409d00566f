"""Why an event costs what it costs: in words for whoever pays it, and as data beside them."""

from bmu.rating.explain.charge import explain, explanation_data
from bmu.rating.explain.step import Step

__all__ = ["Step", "explain", "explanation_data"]
