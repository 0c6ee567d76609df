"""A private PostgreSQL server with durable settings, and a session on it."""

import os
import shutil
import subprocess
import urllib.parse
from pathlib import Path

import psycopg

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


class Postgres:
    """A server that lives as long as the bench."""

    def __init__(self, starter, directory):
        """`starter` is the program of testbed/examples/postgres.rs."""
        directory.mkdir(parents=True, exist_ok=True)
        flags = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
        # It ends, and the server with it, when its standard input does.
        self._starter = Child([starter, directory, *flags], log=directory / "starter.log", outlives_kill=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with going_on("PostgreSQL starts"):
            self.url = self._starter.line(120)
        self.pid = usage.tree(self._starter.pid)[1].pid
        self._session = psycopg.connect(self.url, autocommit=True)
        # What the bench itself asks is not the server's work.
        self._own_pid = self._session.info.backend_pid
        self.ask("SET max_parallel_workers_per_gather = 0")

    def ask(self, sql):
        """The rows of a statement, or of the last of several; none of one that has no rows."""
        cursor = self._session.execute(sql)
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []

    def value(self, sql):
        """The first value of the first row."""
        return self.ask(sql)[0][0]

    def psql(self):
        """psql, that of the server if it has one, and the environment that it connects by."""
        beside = Path(os.readlink(f"/proc/{self.pid}/exe")).parent / "psql"
        found = beside if beside.exists() else shutil.which("psql")
        if not found:
            raise RuntimeError(f"psql is neither {beside} nor on the PATH: install PostgreSQL's client programs")
        url = urllib.parse.urlsplit(self.url)
        environment = {"PGHOST": url.hostname, "PGPORT": str(url.port), "PGUSER": url.username,
                       "PGPASSWORD": url.password, "PGDATABASE": url.path.lstrip("/")}
        return found, environment

    def cpu_s(self):
        """Processor seconds of the whole server, without the bench's own questions."""
        return usage.cpu_s(self.pid, without={self._own_pid})

    def stop(self):
        self._session.close()
        self._starter.popen.stdin.close()
        if self._starter.wait(20) is None:
            self._starter.stop()

    def described(self):
        """Version and settings, for the result."""
        version = self.value("SHOW server_version").split()[0]
        return {"version": f"PostgreSQL {version}", "settings": {"fsync": "on", "synchronous_commit": "on", **SETTINGS}}
