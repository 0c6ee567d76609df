"""`mlflow models serve` with LightGBM."""

from pathlib import Path

from answering import bodies, models
from common import cache, venv
from common.children import Child
from common.free_port import free_port
from common.missing import Missing
from common.tool import output
from peers import System, python_answers
from peers.served import Served

REQUIREMENTS = ("mlflow==3.17.2", python_answers.LIGHTGBM)
_SAVE = Path(__file__).parent / "programs" / "save_mlflow.py"
_ENVIRONMENT = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


class Mlflow(System):
    """Its defaults, without making an environment of its own."""

    name = "mlflow"
    startup_limit_s = 90

    def prepare(self, _bed):
        self._python = venv.python("mlflow", REQUIREMENTS)
        self._model = models.lightgbm(python_answers.python())
        mark = cache.digest(_SAVE, self._model.name, *REQUIREMENTS)
        self._saved = cache.directory(f"mlflow-model-{mark}", self._save) / "model"

    def _save(self, path):
        output([self._python, _SAVE, self._model / "model.txt", path / "model"],
               "mlflow did not save the model", Missing)

    def serve(self, bed, _place, rows):
        port, home = free_port(), bed.home("mlflow")
        encoder = bodies.Encoder(self._model)
        file = bed.bodies("mlflow", rows, lambda group: bodies.inputs(encoder.rows(group)))
        child = Child(
            [self._python.parent / "mlflow", "models", "serve", "--model-uri", self._saved,
             "--env-manager", "local", "--host", "127.0.0.1", "--port", port],
            log=bed.log("mlflow"), cwd=home,
            # It starts its server by name.
            env={**_ENVIRONMENT, "PATH": f"{self._python.parent}:/usr/local/bin:/usr/bin:/bin"},
        )
        return [child], Served(f"127.0.0.1:{port}", "/invocations", file)

    def described(self):
        return {
            "version": ", ".join(REQUIREMENTS),
            "answers": "a log price; takes numbers, stores nothing",
            "settings": {"env-manager": "local", "workers": "the default"},
        }
