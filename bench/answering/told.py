"""What the load generator tells, a JSON object a line, as it tells it."""

import json
import queue
import subprocess
import threading
import time

from common.children import Child

# Pause between two looks whether a process that must live still does, in seconds.
LOOK_S = 0.5


class Told:
    """A running load generator; its words can be waited for."""

    def __init__(self, bed, *arguments):
        self._child = Child(
            [bed.tools.load, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, log=bed.log("load"), text=True,
            # Its last words are then the reason.
            env={"RUST_BACKTRACE": "0"},
        )
        self._said = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def next(self, event, limit_s, needed=()):
        """Waits for the next thing told, which must be `event`.

        Raises RuntimeError when it does not come, or when one of the processes that are `needed`
        ends meanwhile.
        """
        until = time.monotonic() + limit_s
        while True:
            try:
                said = self._said.get(timeout=LOOK_S)
            except queue.Empty:
                for child in needed:
                    if child.code() is not None:
                        raise RuntimeError(
                            f"it ended with {child.code()}: {child.last_words()}"
                        ) from None
                if time.monotonic() > until:
                    raise RuntimeError(f"no '{event}' within {limit_s:.0f} s") from None
                continue
            if said is None:
                self._child.wait(5)
                raise RuntimeError(f"the load generator ended: {self._child.last_words()}")
            if said["event"] != event:
                raise RuntimeError(f"expected '{event}', found {said}")
            return said

    def say(self):
        """Lets it go on."""
        print(file=self._child.popen.stdin, flush=True)

    def ended(self, limit_s):
        """Waits until it has ended by itself.

        Raises RuntimeError when it has not, or not well.
        """
        code = self._child.wait(limit_s)
        if code != 0:
            raise RuntimeError(f"the load generator ended with {code}: {self._child.last_words()}")

    def stop(self):
        """Ends it."""
        self._child.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.stop()

    def _listen(self):
        for line in self._child.popen.stdout:
            self._said.put(json.loads(line))
        self._said.put(None)
