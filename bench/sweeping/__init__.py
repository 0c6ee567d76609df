"""The best settings by time: the peer's search."""
