"""The limit over HTTP: actix-web that takes the body and returns a constant of the size of ours."""

from answering import bodies
from common.children import Child
from peers import System
from peers.served import Served


class Constant(System):
    """bench/load/src/bin/constant.rs."""

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
        answer = self.samples.get(rows)
        if answer is None:
            answer = self.ANSWER if rows == 1 else b"[" + b",".join([self.ANSWER] * rows) + b"]"
        file = bed.directory / f"answer-{rows}"
        file.write_bytes(answer)
        asked = bed.bodies("constant", rows, bodies.ours)
        log = bed.log("constant")
        child = Child([bed.built / "constant", file], log=log)
        while not log.read_text() and child.code() is None:
            child.wait(0.02)
        return [child], Served(log.read_text().strip(), "/", asked)

    def described(self):
        return {
            "version": "actix-web as in Cargo.lock, built as ours is",
            "answers": "the same bytes whatever is asked; reads the body, looks at nothing",
        }
