"""From files of raw usage to charges: arrive, mediate, own, rate, write; each step runs again unharmed."""

from bmuid.intake.decoding import decode, lines_of

__all__ = ["decode", "lines_of"]
