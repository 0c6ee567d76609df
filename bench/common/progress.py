"""Words on standard error about what is going on: standard output is the result's."""

import contextlib
import sys
import threading
import time

_BEGUN = time.monotonic()
# Pause before the first word that something goes on, and between two, in seconds.
PAUSE_S = 10.0


def say(text):
    """Prints one line with the seconds since the start."""
    print(f"{time.monotonic() - _BEGUN:7.1f} s  {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def going_on(what, how_far=lambda: ""):
    """Says now and then that `what` goes on, and how far it has come, while the block runs."""
    done = threading.Event()

    def tell():
        while not done.wait(PAUSE_S):
            say(f"  {what} {how_far()}")

    threading.Thread(target=tell, daemon=True).start()
    try:
        yield
    finally:
        done.set()
