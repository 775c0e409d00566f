"""A private PostgreSQL server in a directory of its own, reached by a unix socket only: for trying and for tests."""

from bmuid.cluster.error import ClusterError
from bmuid.cluster.programs import find_binaries
from bmuid.cluster.server import (
    SOCKET_DIRECTORY_OCTETS_MAX,
    Cluster,
    create,
    is_running,
    start,
    stop,
)

__all__ = [
    "SOCKET_DIRECTORY_OCTETS_MAX",
    "Cluster",
    "ClusterError",
    "create",
    "find_binaries",
    "is_running",
    "start",
    "stop",
]
