"""One look at the services: tables, processes, rounds of quality, deletions."""

import re
from collections import Counter

import psutil

from common import usage

# A gauge or counter of Prometheus' text form: name, labels, value.
_METRIC = re.compile(r"^(\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
# What a round of live quality logs at level debug, colours left out.
_ROUND = re.compile(r"quality.*\btook_ms=(\d+)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

# Of every table of the services: name, bytes with indexes.
TABLES = """
SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('public', 'hedonic')
"""
LEFT = "SELECT count(*) FROM answers WHERE answered_at < now() - interval '300 days'"
ANSWERED = "SELECT count(*) FROM answers WHERE answered_at > now() - interval '300 days'"


class Process:
    """A service, and the part of its log that was read."""

    def __init__(self, service):
        self.service = service
        self.name = service.name
        self._read = 0

    def seen(self):
        """Its memory and open descriptors."""
        pid = self.service.child.pid
        return {"memory_bytes": usage.memory_bytes(pid), "descriptors": psutil.Process(pid).num_fds()}

    def metrics(self):
        return metrics(self.service.text("/metrics"))

    def rounds_ms(self):
        """What the rounds of quality took that were logged since the last call."""
        with open(self.service.child.log, "rb") as log:
            log.seek(self._read)
            text = log.read()
        whole = text[:text.rfind(b"\n") + 1]
        self._read += len(whole)
        return rounds_ms(whole.decode(errors="replace"))


def look(sql, processes):
    """All of it, on one server of PostgreSQL."""
    gone = Counter()
    for process in processes:
        for name, labels, value in process.metrics():
            if name == "hedonic_retention_deleted_rows_total":
                gone[labels.get("table", "")] += value
    return {
        "tables": dict(sql.ask(TABLES)),
        "answers": sql.value(ANSWERED),
        "processes": {process.name: process.seen() for process in processes},
        "rounds_ms": [ms for process in processes for ms in process.rounds_ms()],
        "deleted": gone,
    }


def metrics(text):
    """(Name, labels, value) of each."""
    return [(name, dict(_LABEL.findall(labels)), float(value)) for name, labels, value in _METRIC.findall(text)]


def rounds_ms(text):
    """The figures of the lines that tell of a round of quality."""
    return [int(found) for found in _ROUND.findall(_COLOURS.sub("", text))]
