"""The limits: what the servers can do with a program that does next to nothing."""

import subprocess

from answering import bodies
from common.children import Child, output
from common.listings import COLUMNS
from peers import System
from peers.served import Served


class Echo(System):
    """A librdkafka loop that gives every request back (bench/load/src/bin/echo.rs)."""

    name = "echo"
    # Its answers are the requests.
    prices = False

    def start(self, bed, place):
        command = [bed.built / "echo", "--brokers", bed.brokers, "--requests", place.requests,
                   "--answers", place.answers, "--group", f"echo-{place.number}"]
        return [Child(command, log=bed.log("echo"))]

    def described(self):
        return {"version": "librdkafka as in Cargo.lock", "settings": {"linger.ms": 0, "fetch.queue.backoff.ms": 10}}


class Constant(System):
    """actix-web that takes the body and returns a constant of the size of ours (bench/load/src/bin/constant.rs)."""

    name = "constant"
    startup_limit_s = 20

    # An answer of ours, as far as nobody has asked ours yet.
    ANSWER = (
        b'{"answered_at":"2026-01-31T12:00:00.000000Z","confidence":0.9,"high":12345678.123456789,'
        b'"id":100000000000,"low":7654321.123456789,"model":"real-estate@v000001",'
        b'"prediction":9999999.123456789}'
    )

    def __init__(self):
        # Rows -> an answer of ours; whoever has one puts it here.
        self.samples = {}

    def serve(self, bed, _place, rows):
        many = b"[" + b",".join([self.ANSWER] * rows) + b"]"
        file = bed.directory / f"answer-{rows}"
        file.write_bytes(self.samples.get(rows) or (self.ANSWER if rows == 1 else many))
        child = Child([bed.built / "constant", file], bed.log("constant"), stdout=subprocess.PIPE)
        address = child.line(self.startup_limit_s)
        return [child], Served(address, "/", bodies.written(bed, "constant", rows, bodies.ours))

    def described(self):
        return {"version": "actix-web as in Cargo.lock, built as ours is"}


class PsqlCopy(System):
    """psql \\copy of the same rows from a CSV file: no Kafka, one transaction."""

    name = "copy"
    startup_limit_s = 600

    def prepare(self, bed):
        self._psql, self._environment = bed.postgres.psql()

    def start(self, bed, load):
        line = f"\\copy listings ({', '.join(COLUMNS)}) FROM '{load.listings.csv}' WITH (FORMAT csv)"
        command = [self._psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", line]
        return [Child(command, bed.log("copy"), self._environment)]

    def described(self):
        return {"version": output([self._psql, "--version"]).strip()}
