"""Why an event costs what it costs: in words for whoever pays it, and as data beside them."""

from bmu.rating.explain.charge import explain, explanation_data
from bmu.rating.explain.period import explain_period
from bmu.rating.explain.step import Step

__all__ = ["Step", "explain", "explain_period", "explanation_data"]
