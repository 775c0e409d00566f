"""Processes that do the long work: plain, blocking, each with one connection; they share nothing but PostgreSQL."""
