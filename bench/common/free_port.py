"""A port of loopback that nobody listens on at the moment."""

import socket


def free_port():
    """Somebody may take it before you do: try again then."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
