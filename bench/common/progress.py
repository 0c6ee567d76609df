"""Words on standard error about what is going on: standard output is the result's."""

import contextlib
import sys
import threading
import time

_BEGUN = time.monotonic()

# Something that takes longer than this says that it goes on, in seconds.
PATIENCE_S = 2.0
# Pause between two such words, in seconds.
AGAIN_S = 10.0


def say(text):
    """Prints one line with the seconds since the start."""
    print(f"{time.monotonic() - _BEGUN:7.1f} s  {text}", file=sys.stderr, flush=True)


class Ticker:
    """Says now and then how far a loop has come; call it as often as you like."""

    def __init__(self, what):
        self.what = what
        self.begun = time.monotonic()
        self.next = self.begun + PATIENCE_S

    def tick(self, how_far=lambda: ""):
        """`how_far` is asked only when there is something to say."""
        now = time.monotonic()
        if now >= self.next:
            self.next = now + AGAIN_S
            detail = how_far()
            say(f"  {self.what}: {now - self.begun:.0f} s{', ' + detail if detail else ''}")


@contextlib.contextmanager
def going_on(what):
    """Says now and then that `what` goes on, while the block runs."""
    done = threading.Event()

    def tell():
        wait, begun = PATIENCE_S, time.monotonic()
        while not done.wait(wait):
            wait = AGAIN_S
            say(f"  {what}: {time.monotonic() - begun:.0f} s")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
