"""One look at the services: tables, processes, rounds of quality, deletions."""

import os
import re

from common import usage

# A gauge or counter of Prometheus' text form: name, labels, value.
_METRIC = re.compile(r'^(\w+)(?:\{([^}]*)\})? (\S+)$')
_LABEL = re.compile(r'(\w+)="([^"]*)"')
# What a round of live quality logs at level debug.
_ROUND = re.compile(r"\btook_ms=(\d+)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

# Of every table of the services: name, bytes with indexes, rows as PostgreSQL estimates them.
TABLES = """
SELECT c.relname, pg_total_relation_size(c.oid), coalesce(s.n_live_tup, 0)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relkind = 'r' AND n.nspname IN ('public', 'hedonic') ORDER BY 1
"""


class Process:
    """A service, and the part of its log that was read."""

    def __init__(self, service):
        self.service = service
        self.name = service.name
        self._read = 0

    def seen(self):
        pid = self.service.child.pid
        return {"memory_bytes": usage.memory_bytes(pid), "descriptors": descriptors(pid)}

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


def descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def metrics(text):
    found = {}
    for line in text.splitlines():
        matched = _METRIC.match(line)
        if matched:
            name, labels, value = matched.groups()
            pairs = tuple(sorted(_LABEL.findall(labels or "")))
            found[name, pairs] = float(value)
    return found


def rounds_ms(text):
    """The figures of the lines that tell of a round of quality."""
    lines = (_COLOURS.sub("", line) for line in text.splitlines() if "quality" in line)
    return [int(matched.group(1)) for line in lines if (matched := _ROUND.search(line))]


def deleted(found, to):
    """Adds up what retention has deleted, by table, over the metrics of one process."""
    for (name, labels), value in found.items():
        if name == "hedonic_retention_deleted_rows_total":
            table = dict(labels).get("table", "")
            to[table] = to.get(table, 0) + value
    return to

