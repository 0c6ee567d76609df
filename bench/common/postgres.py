"""A private PostgreSQL server with durable settings, and psql as the way to talk to it."""

import os
import shutil
import subprocess
import urllib.parse
from pathlib import Path

from common import usage
from common.children import Child
from common.progress import going_on

# Beside fsync and everything else at PostgreSQL's own defaults.
SETTINGS = {
    # As large as a small production server's.
    "shared_buffers": "512MB",
    # No checkpoint in the middle of some runs and not of others: one is made before each.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    # The server itself keeps when each row was committed.
    "track_commit_timestamp": "on",
}


class SqlError(Exception):
    """What the server said to a statement."""


class Postgres:
    """A server that lives as long as the bench."""

    def __init__(self, starter, directory, settings=None):
        """`starter` is the program of testbed/examples/postgres.rs."""
        self.settings = {**SETTINGS, **(settings or {})}
        directory.mkdir(parents=True, exist_ok=True)
        pairs = [f"--set={name}={value}" for name, value in self.settings.items()]
        flags = [part for pair in pairs for part in pair.split("=", 1)]
        self._starter = Child(
            [starter, directory, *flags],
            log=directory / "starter.log",
            # It ends, and the server with it, when its standard input does.
            outlives_kill=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with going_on("PostgreSQL starts"):
            self.url = self._starter.popen.stdout.readline().strip()
        if not self.url:
            raise RuntimeError(f"PostgreSQL did not start: {self._starter.last_words()}")
        self.pid = usage.tree(self._starter.pid)[1]
        self.bin = Path(os.readlink(f"/proc/{self.pid}/exe")).parent
        self.environment = _environment(self.url)
        self.psql = _psql(self.bin)
        self.sql = Sql(self)
        self.version = self.sql.value("SHOW server_version").split()[0]
        self.sql.ask("SET max_parallel_workers_per_gather = 0")
        # What the bench itself asks is not the server's work.
        self._own_pid = int(self.sql.value("SELECT pg_backend_pid()"))

    def cpu_s(self):
        """Processor seconds of the whole server, without the bench's own questions."""
        return usage.cpu_s(self.pid, without={self._own_pid})

    def stop(self):
        self.sql.close()
        self._starter.popen.stdin.close()
        if self._starter.wait(20) is None:
            self._starter.stop()

    def described(self):
        return {
            "version": f"PostgreSQL {self.version}",
            "settings": {"fsync": "on", "synchronous_commit": "on", **self.settings},
        }


class Sql:
    """A session of psql that stays open: a question costs a round trip, not a process."""

    _END = "--end--"

    def __init__(self, server):
        self._child = Child(
            [server.psql, "-X", "-q", "-A", "-t", "-F", "\t", "-P", "null="],
            env=server.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, sql):
        """The rows, each a list of texts.

        Raises SqlError with what the server said, and where psql ends.
        """
        pipe = self._child.popen
        pipe.stdin.write(f"{sql};\n\\echo {self._END}\n")
        pipe.stdin.flush()
        rows, said = [], []
        for line in pipe.stdout:
            line = line.rstrip("\n")
            if line == self._END:
                if said:
                    raise SqlError(" ".join(said))
                return rows
            if said or line.startswith(("ERROR:", "FATAL:", "psql:")):
                said.append(line)
            elif not line.startswith(("NOTICE:", "WARNING:")):
                rows.append(line.split("\t"))
        raise SqlError(f"psql has ended: {' '.join(said) or sql}")

    def value(self, sql):
        return self.ask(sql)[0][0]

    def close(self):
        self._child.popen.stdin.close()
        if self._child.wait(5) is None:
            self._child.stop()


def _environment(url):
    parts = urllib.parse.urlsplit(url)
    return {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port),
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password,
        "PGDATABASE": parts.path.lstrip("/"),
        "PGAPPNAME": "bench",
        # Errors are recognised by their English names.
        "LC_ALL": "C.UTF-8",
    }


def _psql(server_bin):
    beside = server_bin / "psql"
    found = beside if beside.exists() else shutil.which("psql")
    if not found:
        raise RuntimeError(
            f"psql is neither in {server_bin} nor on the PATH: install PostgreSQL's client programs"
        )
    return Path(found)
