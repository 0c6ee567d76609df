"""A service and its HTTP interface."""

import json
import time
import urllib.error
import urllib.request


def until(condition, limit_s, what, pause_s=0.2):
    """Waits until a condition holds; raises RuntimeError when it does not in time."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {limit_s} s: {what}")
        time.sleep(pause_s)


class Service:
    """A process and its address; `child` may be None for one that somebody else looks after."""

    def __init__(self, name, child, address):
        self.name = name
        self.child = child
        self.address = address

    def is_ready(self):
        try:
            self.text("/health/ready")
            return True
        except OSError:
            return False

    def ready(self, limit_s):
        try:
            until(lambda: self.is_ready() or self.child.code() is not None, limit_s, "ready")
        except RuntimeError as error:
            raise RuntimeError(f"{self.name}: {error}: {self.child.last_words()}") from error
        if self.child.code() is not None:
            raise RuntimeError(f"{self.name} has ended: {self.child.last_words()}")

    def text(self, path):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=60) as answer:
            return answer.read().decode()

    def get(self, path):
        return json.loads(self.text(path))

    def post(self, path):
        """The body of the answer to a `POST` without a body."""
        request = urllib.request.Request(f"http://{self.address}{path}", data=b"", method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            text = error.read()[:300].decode(errors="replace")
            raise RuntimeError(f"{self.name}: POST {path}: {error.code} {text}") from error
