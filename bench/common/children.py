"""Processes that a bench starts, every one of which ends with it."""

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

# Longest a process may take to leave after SIGTERM, in seconds.
LEAVE_S = 15.0
_started = []


def until(condition, limit_s, what, pause_s=0.2, children=()):
    """Waits until a condition holds, and gives what it is; raises RuntimeError when it does not in time, or when one
    of the `children` ends."""
    end = time.monotonic() + limit_s
    while not (found := condition()):
        ended = [child for child in children if child.code() is not None]
        if ended or time.monotonic() > end:
            words = " ".join(child.last_words() for child in children)
            reason = f"a process ended with {ended[0].code()}" if ended else f"not within {limit_s:.0f} s"
            raise RuntimeError(f"{what}: {reason} {words}".strip())
        time.sleep(pause_s)
    return found


class Child:
    """A process in a group of its own, so that Ctrl-C at the terminal reaches only the bench."""

    def __init__(self, command, log=None, env=None, cwd=None, outlives_kill=False, **pipes):
        """`log` is a path that takes its output and errors where `pipes` does not say otherwise.

        `outlives_kill` is for a process that sees by itself when the bench was killed, and stops something then.
        """
        self.log = log
        command = [str(part) for part in command]
        self.name = Path(command[0]).name
        # User and system seconds of the process and the children it waited for, once it has ended.
        self.cpu_s = None
        self._lines = queue.Queue()
        with open(log or os.devnull, "ab") as output:
            pipes = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, **pipes}
            self.popen = subprocess.Popen(
                command, **pipes, text=True, env={**os.environ, **(env or {})}, cwd=cwd, start_new_session=True,
                preexec_fn=None if outlives_kill else _die_with_parent)
        self.pid = self.popen.pid
        _started.append(self)
        if self.popen.stdout:
            threading.Thread(target=self._listen, daemon=True).start()

    def code(self):
        """The exit code, or None while it runs."""
        if self.popen.returncode is None:
            pid, status, rusage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.popen.returncode = os.waitstatus_to_exitcode(status)
                self.cpu_s = rusage.ru_utime + rusage.ru_stime
        return self.popen.returncode

    def wait(self, limit_s, look=lambda: None):
        """The exit code, or None if it still runs after so many seconds; `look` is called while it runs."""
        end = time.monotonic() + limit_s
        while self.code() is None and time.monotonic() < end:
            look()
            time.sleep(0.01)
        return self.code()

    def stop(self, limit_s=LEAVE_S):
        """Asks it to leave, then kills its whole group: what it started may outlive it."""
        if self not in _started:
            return
        if self.code() is None:
            self._signal(signal.SIGTERM)
            self.wait(limit_s)
        self._signal(signal.SIGKILL)
        self.wait(5)
        _started.remove(self)

    def tell(self, line=""):
        """Writes a line to its standard input."""
        print(line, file=self.popen.stdin, flush=True)

    def line(self, limit_s, children=()):
        """The next line of its standard output; raises RuntimeError when none comes in time, or a process that is
        needed for it ends."""
        def following():
            with contextlib.suppress(queue.Empty):
                if line := self._lines.get(timeout=0.1):
                    return line
                raise RuntimeError(f"{self.name} ended with {self.wait(5)}: {self.last_words()}")

        return until(following, limit_s, f"a line of {self.name}", 0, children).strip()

    def last_words(self, lines=5):
        """The end of its log, on one line."""
        text = self.log.read_text(errors="replace") if self.log else ""
        return " / ".join([line.strip() for line in text.splitlines() if line.strip()][-lines:])

    def _listen(self):
        for line in self.popen.stdout:
            self._lines.put(line)
        self._lines.put("")

    def _signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


@dataclass
class Done:
    """What a program printed, and what it took."""

    printed: str
    seconds: float
    cpu_s: float
    peak_bytes: int


def finished(command, what=None, failure=RuntimeError, limit_s=3600, **how):
    """Runs a program to its end; raises `failure` with the end of its errors when it fails, under the name `what`."""
    # Not at the top: this module is used before the environment is entered.
    from common import usage

    peaks, begun = [0], time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        errors, printed = Path(directory) / "errors", Path(directory) / "printed"
        try:
            with open(printed, "wb") as stdout:
                child = Child(command, errors, stdout=stdout, **how)
        except OSError as error:
            raise failure(f"{what or command[0]}: {error}") from error
        with stopping([child]):
            code = child.wait(limit_s, lambda: peaks.append(usage.high_water(child.pid)))
            seconds = time.monotonic() - begun
        text, said = printed.read_text(errors="replace"), errors.read_text(errors="replace").strip()
    if code != 0:
        reason = f"not done after {limit_s} s: " if code is None else ""
        raise failure(f"{what or child.name}: {reason}{(said or text.strip())[-800:]}")
    return Done(text, seconds, child.cpu_s, max(peaks))


def output(*arguments, **how):
    """What a program prints, as `finished` runs it."""
    return finished(*arguments, **how).printed


@contextlib.contextmanager
def stopping(children):
    """Stops the processes at the end of the block."""
    try:
        yield children
    finally:
        for child in children:
            child.stop()


def stop_all():
    """Stops whatever still runs, the newest first."""
    for child in reversed(list(_started)):
        child.stop(limit_s=5)


def leave_on_signals():
    """Makes SIGTERM and SIGHUP unwind as Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))


def _die_with_parent():
    # A bench that is killed leaves nothing behind (Linux: PR_SET_PDEATHSIG).
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
