"""Processes that a bench starts, every one of which ends with it."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

# Longest a process may take to leave after SIGTERM, in seconds.
LEAVE_S = 15.0

_started = []


class Child:
    """A process in a group of its own, so that Ctrl-C at the terminal reaches only the bench."""

    def __init__(self, command, log=None, env=None, cwd=None, outlives_kill=False, **pipes):
        """`log` is a path that takes its output and errors where `pipes` does not say otherwise.

        `outlives_kill` is for a process that sees by itself when the bench was killed, and has
        something of its own to stop then.
        """
        self.log = log
        self.command = [str(part) for part in command]
        # User and system time of the process and the children it waited for, once it has ended.
        self.rusage = None
        output = open(log, "ab") if log else subprocess.DEVNULL
        try:
            self.popen = subprocess.Popen(
                self.command,
                stdin=pipes.get("stdin", subprocess.DEVNULL),
                stdout=pipes.get("stdout", output),
                stderr=pipes.get("stderr", output),
                text=pipes.get("text"),
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
                preexec_fn=None if outlives_kill else _die_with_parent,
            )
        finally:
            if log:
                output.close()
        self.pid = self.popen.pid
        _started.append(self)

    def code(self):
        """The exit code, or None while it runs."""
        if self.popen.returncode is None:
            pid, status, rusage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.popen.returncode = os.waitstatus_to_exitcode(status)
                self.rusage = rusage
        return self.popen.returncode

    def wait(self, limit_s):
        """The exit code, or None if it still runs after so many seconds."""
        until = time.monotonic() + limit_s
        while self.code() is None and time.monotonic() < until:
            time.sleep(0.01)
        return self.code()

    def stop(self, limit_s=LEAVE_S):
        """Asks it to leave, then kills its whole group."""
        if self.code() is None:
            self._signal(signal.SIGTERM)
            self.wait(limit_s)
        # What it started may outlive it.
        self._signal(signal.SIGKILL)
        self.wait(5)
        if self in _started:
            _started.remove(self)

    def last_words(self, lines=5):
        """The end of its log, on one line."""
        if not self.log:
            return ""
        with open(self.log, errors="replace") as log:
            printed = [line.strip() for line in log if line.strip()]
        return " / ".join(printed[-lines:])

    def has_logged(self, text):
        with open(self.log, errors="replace") as log:
            return any(text in line for line in log)

    def _signal(self, number):
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass


@contextlib.contextmanager
def stopping(children):
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

    def leave(number, _frame):
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def _die_with_parent():
    # A bench that is killed leaves nothing behind (Linux: PR_SET_PDEATHSIG).
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
