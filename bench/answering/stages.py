"""Where a running model-application spends its time: its histograms, and Linux's perf."""

import re
import shutil
import signal

from common.children import Child, output
from common.progress import say
from common.servers import Service

_STAGE = re.compile(
    r'^hedonic_request_stage_duration_seconds_(sum|count)\{[^}]*stage="(\w+)"[^}]*\} (\S+)$', re.MULTILINE)
_ANSWERED = re.compile(r"^hedonic_applier_answered_total (\S+)$", re.MULTILINE)
# In the order that a batch goes through them.
STAGES = ("gather", "price", "store", "publish", "offsets")
# Functions of perf's report.
_FUNCTIONS = 40


def add_rows(report, system, work, metrics):
    """Rows of each stage since the process started: per answer and per batch."""
    answered = _ANSWERED.search(metrics)
    answered = float(answered[1]) if answered else 0
    found = {(part, stage): float(value) for part, stage, value in _STAGE.findall(metrics)}
    for stage in STAGES:
        batches, seconds = found.get(("count", stage)), found.get(("sum", stage))
        if not answered or not batches:
            continue
        if stage == STAGES[0]:
            report.row(system, work, "batch", "answers", [answered / batches])
        report.row(system, work, f"{stage}, wall time", "µs/answer", [seconds * 1e6 / answered])
        report.row(system, work, f"{stage}, wall time of a batch", "ms", [seconds * 1e3 / batches])


def add_shares(report, system, work, run):
    """Rows of the processor time at a rate, as shares of a core."""
    parts = {"applier": run.spent.system_s, "PostgreSQL": run.spent.database_s, "broker": run.spent.broker_s}
    for name, seconds in parts.items():
        report.row(system, work, f"processor, {name}", "% of a core", [100 * seconds / run.seconds])


def observed(kind, report, with_perf):
    """`kind` of applier, whose stages are reported before it is stopped."""

    class Observed(kind):
        work = ""

        def start(self, bed, place, registry=None):
            children = super().start(bed, place, registry)
            self._perf = _Perf(bed, children[0]) if with_perf else None
            return children

        def ending(self, children):
            if self._perf:
                self._perf.print(f"{self.name}, {self.work}")
            add_rows(report, self.name, self.work, Service(self.name, children[0]).text("/metrics"))

    return Observed


class _Perf:
    """A recording of a process."""

    def __init__(self, bed, child):
        self._perf = shutil.which("perf")
        if not self._perf:
            raise RuntimeError("--perf needs Linux's perf: install linux-perf")
        self._data = bed.directory / f"perf-{bed.number('perf')}.data"
        command = [self._perf, "record", "-F", "499", "-o", self._data, "-p", child.pid]
        self._recording = Child(command, log=bed.log("perf"))

    def print(self, about):
        self._recording.popen.send_signal(signal.SIGINT)
        self._recording.wait(20)
        text = output([self._perf, "report", "-i", self._data, "--stdio", "--percent-limit", "0.4",
                       "--sort", "dso,symbol"])
        lines = [line.rstrip()[:150] for line in text.splitlines() if line.strip() and not line.startswith("#")]
        say(f"{about}: processor time by function\n" + "\n".join(lines[:_FUNCTIONS]))
