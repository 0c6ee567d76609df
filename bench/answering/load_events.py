"""Events of the load generator: one JSON object per line, as they arrive."""

import json
import queue
import subprocess
import threading
import time

from common.children import Child

# Pause between two looks whether a process that must live still does, in seconds.
LOOK_S = 0.5


class LoadEvents:
    """A running load generator; callers can wait for its events."""

    def __init__(self, bed, *arguments):
        self._child = Child(
            [bed.built / "load", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, log=bed.log("load"), text=True,
            # Then its last output is the reason.
            env={"RUST_BACKTRACE": "0"},
        )
        self._events = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def next(self, event, limit_s, needed=()):
        """Waits for the next event, which must be `event`.

        Raises RuntimeError if it does not arrive, or when one of the processes that are `needed`
        ends meanwhile.
        """
        until = time.monotonic() + limit_s
        while True:
            try:
                message = self._events.get(timeout=LOOK_S)
            except queue.Empty:
                for child in needed:
                    if child.code() is not None:
                        raise RuntimeError(
                            f"it ended with {child.code()}: {child.last_words()}"
                        ) from None
                if time.monotonic() > until:
                    raise RuntimeError(f"no '{event}' within {limit_s:.0f} s") from None
                continue
            if message is None:
                self._child.wait(5)
                raise RuntimeError(f"the load generator ended: {self._child.last_words()}")
            if message["event"] != event:
                raise RuntimeError(f"expected '{event}', found {message}")
            return message

    def say(self):
        print(file=self._child.popen.stdin, flush=True)

    def ended(self, limit_s):
        """Waits until it has ended by itself.

        Raises RuntimeError when it has not, or not well.
        """
        code = self._child.wait(limit_s)
        if code != 0:
            raise RuntimeError(f"the load generator ended with {code}: {self._child.last_words()}")

    def stop(self):
        self._child.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.stop()

    def _listen(self):
        for line in self._child.popen.stdout:
            self._events.put(json.loads(line))
        self._events.put(None)
