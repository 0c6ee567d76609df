"""Requests over Kafka at given rates, and when their answers come.

One process sends, another reads the answers; both note times, by the clock of this machine, in a table that they and
the bench share. Requests go out when they are due, answered or not.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy

from common.children import Child, until

# Of each request: when it was handed to the producer and when its first answer came, in nanoseconds; how many answers
# came, and how many of them have a price.
TIMES = numpy.dtype([("sent", "i8"), ("answered", "i8"), ("answers", "i4"), ("prices", "i4")])
# From this rate on (requests per second) the sender waits a little, so that messages share a request, as busy
# producers are configured: a broker that gets every message alone has no time for anything else.
BUSY, BUSY_LINGER_MS = 5000, 2
# Longest a process of this bench may take to start, and the broker to take what was sent, in seconds.
START_S = 60
FLUSH_S = 90
PROGRAMS = Path(__file__).parent / "programs"


def is_priced(answer):
    """Whether an answer, as an object, has a price and no error."""
    return answer.get("prediction") is not None and answer.get("error") is None


class Sender:
    """A process that sends lines of a file at given rates, numbered from 0 on."""

    def __init__(self, bed, topic, lines, most, first=0):
        """`most` is how many may be sent in all; `first` is added to their numbers in the table for their keys."""
        self.next = 0
        self._seconds = 0.0
        self.times = bed.directory / f"times-{bed.number('times')}"
        with open(self.times, "wb") as file:
            file.truncate(most * TIMES.itemsize)
        self.table = numpy.memmap(self.times, TIMES, "r")
        command = [sys.executable, PROGRAMS / "send.py", bed.brokers, topic, lines, self.times, first]
        self._child = Child(command, bed.log("send"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._child.line(START_S)

    def begin(self, count, rate):
        """Begins to send so many; gives their numbers."""
        linger_ms = BUSY_LINGER_MS if rate >= BUSY else 0
        self._seconds = count / rate
        self._child.tell(f"{self.next} {count} {rate} {linger_ms}")
        self.next += count
        return slice(self.next - count, self.next)

    def end(self, early=False, needed=()):
        """Waits until they are sent, or ends early; what the sender tells."""
        if early:
            self._child.popen.send_signal(signal.SIGUSR1)
        return json.loads(self._child.line(self._seconds * 2 + FLUSH_S, needed))

    def stop(self):
        self._child.stop()


class Exchange:
    """A sender, and a process that reads the answers."""

    def __init__(self, bed, place, most, kept=None, first=0):
        """`kept` is a file for the answers."""
        self._sender = Sender(bed, place.requests, bed.lines, most, first)
        self.table = self._sender.table
        command = [sys.executable, PROGRAMS / "receive.py", bed.brokers, place.answers, self._sender.times, first]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._receiver = Child([*command, *([kept] if kept else [])], bed.log("receive"), **pipes)
        self._receiver.line(START_S)
        self.begin, self.end = self._sender.begin, self._sender.end

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self._sender.stop()
        self._receiver.stop()

    def knock(self, limit_s, needed):
        """Sends single requests until all that were sent are answered: the system has started."""
        def is_answered():
            knocked = self.begin(1, 10)
            self.end()
            return self.wait(slice(0, knocked.stop), 0.2) == 0

        until(is_answered, limit_s, "first answers", 0.1, needed)

    def wait(self, numbers, limit_s):
        """Waits until these are answered; how many are not."""
        def is_answered():
            return self.table["answers"][numbers].all()

        try:
            until(is_answered, limit_s, "answers", 0.005)
        except RuntimeError:
            pass
        return int((self.table["answers"][numbers] == 0).sum())

    def latencies(self, numbers):
        """Nanoseconds from the producer's hand to the consumer's, of those that are answered."""
        part = self.table[numbers]
        part = part[part["answers"] > 0]
        return part["answered"] - part["sent"]

    def faults(self, numbers, prices):
        """What is wrong with answers: some came twice, or without a price where there should be one."""
        part = self.table[numbers]
        found = {"answered twice": int((part["answers"] > 1).sum())}
        if prices:
            found["without a price"] = int((part["prices"] < part["answers"]).sum())
        return [f"{count:,} {what}" for what, count in found.items() if count]

    def finish(self):
        """Ends both processes; the answers are then in their file."""
        self._sender.stop()
        self._receiver.popen.stdin.close()
        if self._receiver.wait(START_S) != 0:
            raise RuntimeError(f"the answers were not kept: {self._receiver.last_words()}")
