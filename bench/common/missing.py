"""A peer that cannot be had: named in the result with the reason, never left out silently."""


class Missing(Exception):
    """Why something cannot be measured here, and what to do about it."""
