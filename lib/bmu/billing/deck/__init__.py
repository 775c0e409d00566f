"""Operators' rate decks: prices by telephone prefix, and what one changes in a catalogue."""

from bmu.billing.deck.lines import DeckLine, read_deck
from bmu.billing.deck.merge import Change, DeckChange, Merged, Target, merge

__all__ = ["Change", "DeckChange", "DeckLine", "Merged", "Target", "merge", "read_deck"]
