"""The systems that are measured, ours among them, each behind the same seam."""

from answering import bodies


class System:
    """What a bench asks of a system; the values here are those of most."""

    name = ""
    # How long it may take before its first row or answer, in seconds; enough for a group to form.
    startup_limit_s = 60
    # Whether its answers have a price, and the table that it stores them in.
    prices = True
    stores = None
    # Rows a request that it is asked over HTTP.
    works = bodies.ROWS

    def prepare(self, bed):
        """Gets what it needs, or raises Missing."""

    def start(self, bed, place):
        """Starts its processes on a full topic, or on a place of topics, as a new group; gives them."""
        raise NotImplementedError

    def ending(self, children):
        """Called after the last answer, while its processes still run."""

    def serve(self, bed, place, rows):
        """Starts its processes; gives them, and where they are asked over HTTP (`served.Served`)."""
        raise NotImplementedError

    def described(self):
        """Version, guarantee and settings."""
        raise NotImplementedError
