"""Processor time and memory of processes with their children."""

import contextlib
import re
import threading
from dataclasses import dataclass
from pathlib import Path

# Pause between two looks at memory, in seconds.
LOOK_S = 0.2


def tree(pid):
    """The process and all below it that live."""
    # Not at the top: children.py is used before the environment is entered, in which psutil is.
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _sum(processes, value):
    import psutil

    total = 0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += value(process)
    return total


def cpu_s(pid, without=()):
    """User and system seconds of a process and all below it, the ended ones included, but for those `without`."""
    counted = [process for process in tree(pid) if process.pid not in without]
    return _sum(counted, lambda process: sum(process.cpu_times()[:4]))


def memory_bytes(pid):
    """Resident memory of a process and all below it; pages they share count for each."""
    return _sum(tree(pid), lambda process: process.memory_info().rss)


def high_water(pid):
    """The most resident memory of one process so far, in bytes; ru_maxrss would begin with that of its parent."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        if found := re.search(r"VmHWM:\s*(\d+)", Path(f"/proc/{pid}/status").read_text()):
            return int(found[1]) * 1024
    return 0


class PeakMemory:
    """Looks at the resident memory of some process trees now and then, and keeps the most.

    Of a tree that is a single process it takes the high-water mark: no peak between two looks is missed.
    """

    def __init__(self, pids):
        self.pids = list(pids)
        self.bytes = 0
        self._done = threading.Event()

    def __enter__(self):
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self._done.set()
        self._look()

    def _look(self):
        total = sum(high_water(pid) if len(tree(pid)) == 1 else memory_bytes(pid) for pid in self.pids)
        self.bytes = max(self.bytes, total)

    def _watch(self):
        while not self._done.wait(LOOK_S):
            self._look()


@dataclass
class Spent:
    """Processor seconds of a system's own processes, of PostgreSQL and of the broker, and the peak of memory."""

    system_s: float
    database_s: float
    broker_s: float
    peak_bytes: int = 0

    @classmethod
    def now(cls, servers, children):
        """Since these processes started."""
        return cls(
            sum(cpu_s(child.pid) if child.code() is None else child.cpu_s for child in children),
            servers.postgres.cpu_s(),
            servers.kafka.cpu_s() if servers.kafka else 0.0,
        )

    def since(self, earlier, peak_bytes):
        """What was spent from `earlier` to this."""
        return Spent(self.system_s - earlier.system_s, self.database_s - earlier.database_s,
                     self.broker_s - earlier.broker_s, peak_bytes)

    def per_million(self, count):
        """Metric and seconds per million, of each of the three."""
        seconds = {"processor time": self.system_s, "PostgreSQL's processor time": self.database_s,
                   "broker's processor time": self.broker_s}
        return {metric: max(value, 0.0) * 1e6 / max(count, 1) for metric, value in seconds.items()}
