"""The parts of make_usage.py: calls, places, what a switch writes, what is planted."""
