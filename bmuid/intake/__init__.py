"""From files of raw usage to charges: arrive, mediate, own, rate, write; each step runs again unharmed."""
