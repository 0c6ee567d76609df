"""Servers that answer over HTTP, how they are asked, and the peers among them."""

import itertools
import json
import re
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from answering import bodies, models
from common import environments
from common.children import Child, output, until
from common.listings import FIRST_ID, SLOT
from common.missing import Missing
from common.servers import free_port
from peers import System


@dataclass
class Served:
    """Where and what a server is asked."""

    # host:port.
    address: str
    path: str
    # A file of bodies.
    bodies: Path


def answers(served, children, limit_s):
    """Waits until a body is answered with status 200, and gives the answer.

    Raises RuntimeError with what the server said instead.
    """
    with open(served.bodies, encoding="utf-8") as lines:
        # Ids that the load generator does not give.
        body = with_ids(next(lines).strip(), 10 * FIRST_ID - 1)
    url = f"http://{served.address}{served.path}"
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})

    def answer():
        try:
            with urllib.request.urlopen(request, timeout=10) as found:
                return found.read()
        except urllib.error.HTTPError as error:
            said = error.read()[:300]
            if 400 <= error.code < 500 and error.code != 404 and b"not ready" not in said:
                # Waiting does not mend what is asked.
                raise RuntimeError(f"{url} said {error.code}: {said.decode(errors='replace')}") from error
        except OSError:
            return None

    return until(answer, limit_s, f"{url} answers", 0.1, children)


def with_ids(body, last):
    """The body with a number of twelve digits in every slot, counting down from `last`."""
    numbers = itertools.count(last, -1)
    return re.sub(SLOT, lambda _slot: str(next(numbers)), body)


class _LightgbmServer(System):
    """A server of LightGBM's model in an environment of its own: takes numbers, stores nothing."""

    startup_limit_s = 90
    requirements = ()
    settings = {}
    # What is asked, of rows of numbers.
    body = None

    def prepare(self, _bed):
        self._python = environments.python(self.name, self.requirements)
        self._model = models.lightgbm()

    def bodies(self, bed, rows):
        codes = json.loads((self._model / "codes.json").read_text())
        return bodies.written(bed, self.name, rows, lambda group: self.body(bodies.numbers(group, codes)))

    def described(self):
        return {"version": ", ".join(self.requirements), "settings": self.settings}


class MlServer(_LightgbmServer):
    """`mlserver start` with its defaults: inference in a worker process beside the server's."""

    name = "mlserver"
    # Newer versions of uvloop make no event loop where MLServer's workers expect one: they die.
    requirements = ("mlserver==1.7.1", "mlserver-lightgbm==1.7.1", "uvloop==0.21.0", environments.own()["lightgbm"])
    settings = {"parallel_workers": "1, the default"}
    body = staticmethod(bodies.protocol)

    def serve(self, bed, _place, rows):
        home, port = bed.home(self.name), free_port()
        shutil.copy(self._model / "model.txt", home / "model.txt")
        (home / "model-settings.json").write_text(json.dumps({
            "name": "real-estate",
            "implementation": "mlserver_lightgbm.LightGBMModel",
            "parameters": {"uri": "./model.txt"},
        }))
        (home / "settings.json").write_text(json.dumps({
            "host": "127.0.0.1", "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(),
        }))
        child = Child([self._python.parent / "mlserver", "start", home], bed.log(self.name), cwd=home)
        return [child], Served(f"127.0.0.1:{port}", "/v2/models/real-estate/infer", self.bodies(bed, rows))


class Mlflow(_LightgbmServer):
    """`mlflow models serve` with its defaults, without making an environment of its own."""

    name = "mlflow"
    requirements = ("mlflow==3.17.2", environments.own()["lightgbm"])
    settings = {"env-manager": "local", "workers": "the default"}
    body = staticmethod(bodies.inputs)
    _SAVE = ("import sys, lightgbm, mlflow.lightgbm\n"
             "mlflow.lightgbm.save_model(lightgbm.Booster(model_file=sys.argv[1]), sys.argv[2])")

    def serve(self, bed, _place, rows):
        port, home = free_port(), bed.home(self.name)
        output([self._python, "-c", self._SAVE, self._model / "model.txt", home / "model"], "mlflow", Missing)
        command = [self._python.parent / "mlflow", "models", "serve", "--model-uri", home / "model",
                   "--env-manager", "local", "--host", "127.0.0.1", "--port", port]
        # It starts its server by name.
        environment = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
                       "PATH": f"{self._python.parent}:/usr/local/bin:/usr/bin:/bin"}
        child = Child(command, bed.log(self.name), environment, home)
        return [child], Served(f"127.0.0.1:{port}", "/invocations", self.bodies(bed, rows))
