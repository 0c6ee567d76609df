"""MLServer with LightGBM, asked by the Open Inference Protocol v2."""

import json
import shutil

from answering import bodies, models
from common import venv
from common.children import Child
from common.free_port import free_port
from peers import System, python_answers
from peers.served import Served

# Newer versions of uvloop make no event loop where MLServer's workers expect one: they die.
REQUIREMENTS = (
    "mlserver==1.7.1", "mlserver-lightgbm==1.7.1", "uvloop==0.21.0", python_answers.LIGHTGBM,
)


class MlServer(System):
    """`mlserver start` with its defaults: inference in a worker process beside the server's."""

    name = "mlserver"
    startup_limit_s = 90

    def prepare(self, _bed):
        self._python = venv.python("mlserver", REQUIREMENTS)
        self._model = models.lightgbm(python_answers.python())

    def serve(self, bed, _place, rows):
        home, port = bed.home("mlserver"), free_port()
        shutil.copy(self._model / "model.txt", home / "model.txt")
        (home / "model-settings.json").write_text(json.dumps({
            "name": "real-estate",
            "implementation": "mlserver_lightgbm.LightGBMModel",
            "parameters": {"uri": "./model.txt"},
        }))
        (home / "settings.json").write_text(json.dumps({
            "host": "127.0.0.1", "http_port": port, "grpc_port": free_port(),
            "metrics_port": free_port(),
        }))
        encoder = bodies.Encoder(self._model)
        file = bed.bodies("mlserver", rows, lambda group: bodies.protocol(encoder.rows(group)))
        child = Child(
            [self._python.parent / "mlserver", "start", home], log=bed.log("mlserver"), cwd=home,
        )
        return [child], Served(f"127.0.0.1:{port}", "/v2/models/real-estate/infer", file)

    def described(self):
        return {
            "version": ", ".join(REQUIREMENTS),
            "answers": "a log price; takes numbers, stores nothing",
            "settings": {"parallel_workers": "1, the default"},
        }
