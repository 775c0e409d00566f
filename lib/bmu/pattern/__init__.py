"""Patterns as people write them, held against texts in a time that grows with the text and nothing else."""

from bmu.pattern.automaton import Automaton
from bmu.pattern.finder import Finder
from bmu.pattern.regex import parse

__all__ = ["Automaton", "Finder", "parse"]
