"""Processor time and memory of processes with their children, from Linux's /proc."""

import os
import threading

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

# Pause between two looks at memory, in seconds.
LOOK_S = 0.2


def tree(pid):
    """The process and all below it that live."""
    pids, new = [], [pid]
    while new:
        pid = new.pop()
        pids.append(pid)
        new.extend(_children(pid))
    return pids


def cpu_s(pid, without=()):
    """User and system seconds of a process and all below it, the ended ones included; the
    resolution is 10 ms. `without` names processes that do not count."""
    total = 0.0
    for member in tree(pid):
        if member not in without:
            total += _cpu_of(member)
    return total


def memory_bytes(pid):
    """Resident memory of a process and all below it; pages they share count for each."""
    return sum(_resident(member) for member in tree(pid))


class PeakMemory:
    """Looks at the resident memory of some process trees now and then, and keeps the most.

    Where a tree is a single process, the system's own high-water mark (VmHWM) is taken: no peak
    between two looks is missed.
    """

    def __init__(self, pids):
        self.pids = list(pids)
        self.bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self.look()
        self._done.set()
        self._thread.join()

    def look(self):
        total = 0
        for pid in self.pids:
            members = tree(pid)
            alone = len(members) == 1
            total += _high_water(pid) if alone else sum(_resident(one) for one in members)
        self.bytes = max(self.bytes, total)

    def _watch(self):
        while not self._done.wait(LOOK_S):
            self.look()


def _children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as children:
                found.extend(int(child) for child in children.read().split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def _cpu_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # utime, stime, and those of children that ended and were waited for.
    return sum(int(field) for field in fields[11:15]) / _TICKS


def _resident(pid):
    try:
        with open(f"/proc/{pid}/statm") as statm:
            return int(statm.read().split()[1]) * _PAGE
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _high_water(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0
