"""Words on standard error about what is going on: standard output is the result's."""

import contextlib
import sys
import threading
import time

_BEGUN = time.monotonic()
# Pauses before the first word that something goes on, and between two, in seconds.
PATIENCE_S = 2.0
AGAIN_S = 10.0


def say(text):
    """Prints one line with the seconds since the start."""
    print(f"{time.monotonic() - _BEGUN:7.1f} s  {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def going_on(what, how_far=lambda: ""):
    """Says now and then that `what` goes on, and how far it has come, while the block runs."""
    done = threading.Event()

    def tell():
        wait, begun = PATIENCE_S, time.monotonic()
        while not done.wait(wait):
            wait = AGAIN_S
            say(f"  {what}: {time.monotonic() - begun:.0f} s {how_far()}")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
