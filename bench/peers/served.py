"""Servers that answer over HTTP, and how they are asked."""

import http.client
import itertools
import re
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Served:
    """Where and what a server is asked."""

    # host:port.
    address: str
    path: str
    # A file of bodies.
    bodies: Path


def answers(served, children, limit_s):
    """Waits until a body is answered with status 200, and gives the answer.

    Raises RuntimeError with what the server said instead.
    """
    with open(served.bodies, encoding="utf-8") as lines:
        # Ids that the load generator does not give.
        body = with_ids(next(lines).strip(), 999_999_999_999)
    until, said = time.monotonic() + limit_s, "nothing"
    while time.monotonic() < until:
        for child in children:
            if child.code() is not None:
                raise RuntimeError(f"it ended with {child.code()}: {child.last_words()}")
        try:
            status, answer = _ask(served, body)
        except OSError as error:
            said = str(error)
        else:
            if status == 200:
                return answer
            said = f"{status}: {answer[:300].decode(errors='replace')}"
            if 400 <= status < 500 and status != 404 and b"not ready" not in answer:
                # Waiting does not mend what is asked.
                break
        time.sleep(0.1)
    raise RuntimeError(f"http://{served.address}{served.path} said {said}")


def with_ids(body, last):
    """The body with a number of twelve digits in every slot, counting down from `last`."""
    numbers = itertools.count(last, -1)
    return re.sub("#{12}", lambda _slot: str(next(numbers)), body)


def _ask(served, body):
    connection = http.client.HTTPConnection(served.address, timeout=10)
    try:
        connection.request(
            "POST", served.path, body.encode(), {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        return response.status, response.read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
