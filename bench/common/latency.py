"""Percentiles of latencies."""

import numpy

SHARES = {"p50": 50, "p99": 99, "max": 100}


def percentiles(nanoseconds):
    """Milliseconds by share; 0 of no latencies."""
    if not len(nanoseconds):
        return dict.fromkeys(SHARES, 0.0)
    values = numpy.percentile(nanoseconds, list(SHARES.values()), method="inverted_cdf") / 1e6
    return dict(zip(SHARES, map(float, values)))
