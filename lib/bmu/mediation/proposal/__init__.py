"""A profile for a file of calls that nobody described: guessed from its heading and first rows, and said so."""

from bmu.mediation.proposal.propose import Proposal, propose

__all__ = ["Proposal", "propose"]
