"""psql \\copy of the same rows from a CSV file: the limit. No Kafka, one transaction."""

from common.children import Child
from common.tool import output
from loading.bed import COLUMN_LIST
from peers import System


class PsqlCopy(System):
    """One \\copy of all."""

    name = "copy"
    startup_limit_s = 600

    def prepare(self, bed):
        self._psql = bed.postgres.psql

    def start(self, bed, load):
        line = f"\\copy listings ({COLUMN_LIST}) FROM '{load.listings.csv}' WITH (FORMAT csv)"
        return [Child(
            [self._psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", line],
            log=bed.log("copy"), env=bed.postgres.environment,
        )]

    def described(self):
        return {
            "version": output([self._psql, "--version"]).strip(),
            "guarantee": "all or nothing; reads a file, not Kafka",
            "settings": {"format": "csv"},
        }
