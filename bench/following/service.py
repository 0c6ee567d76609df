"""One of our services, asked over HTTP."""

import json
import time
import urllib.error
import urllib.request


class Service:
    """A process and its HTTP interface."""

    def __init__(self, child, port, name):
        self.child = child
        self.name = name
        self._address = f"http://127.0.0.1:{port}"

    def ready(self, limit_s):
        """Waits until it says that it is ready."""
        until = time.monotonic() + limit_s
        while True:
            try:
                self.get("/health/ready")
                return
            except (OSError, urllib.error.HTTPError) as error:
                if self.child.code() is not None or time.monotonic() > until:
                    words = self.child.last_words()
                    raise RuntimeError(f"{self.name} is not ready: {error}: {words}") from error
            time.sleep(0.2)

    def get(self, path):
        """The JSON of an answer."""
        with urllib.request.urlopen(self._address + path, timeout=30) as answer:
            return json.load(answer)

    def post(self, path):
        """Asks for something to be done."""
        request = urllib.request.Request(self._address + path, data=b"", method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()
