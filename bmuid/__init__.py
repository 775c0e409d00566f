"""bmuid: the daemon that rates usage, bills it and answers for both."""
