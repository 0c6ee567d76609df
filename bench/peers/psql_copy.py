"""psql \\copy of the same rows from a CSV file: the limit. No Kafka, one transaction."""

import subprocess

from common.children import Child
from loading.bed import COLUMN_LIST


class PsqlCopy:
    """One \\copy of all."""

    name = "copy"
    given_up = None
    startup_limit_s = 600

    def prepare(self, bed):
        """psql came with the server or its clients."""
        self._psql = bed.postgres.psql

    def start(self, bed, load):
        """Copies the listings' CSV."""
        line = f"\\copy listings ({COLUMN_LIST}) FROM '{load.listings.csv}' WITH (FORMAT csv)"
        return [Child(
            [self._psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", line],
            log=bed.log("copy"), env=bed.postgres.environment,
        )]

    def described(self):
        """Version and settings."""
        done = subprocess.run([self._psql, "--version"], capture_output=True, text=True)
        return {
            "version": done.stdout.strip(),
            "guarantee": "all or nothing; reads a file, not Kafka",
            "settings": {"format": "csv"},
        }
