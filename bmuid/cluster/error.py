"""What goes wrong with a private server."""


class ClusterError(Exception):
    """Raised when the private server can't be made, started or stopped; the message says what to do."""
