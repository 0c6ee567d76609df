"""A model of Hedonic for ``mlflow.pyfunc.load_model``.

The predictions are those of the services, to the last bit. The package ``hedonic`` gives them, in this process. Where it
is not installed, the program ``model-prepare price`` is run on the model's files: it is found by
``HEDONIC_MODEL_PREPARE`` (a path) or on ``PATH``.
"""

import json
import os
import subprocess

import pandas

COLUMNS = ["prediction", "low", "high"]


class PackageModel:
    """Predictions by the package."""

    def __init__(self, model):
        self.model = model

    def predict(self, data, params=None):
        """A data frame of records, a column a field; gives prediction, low, high and error, a row a row.

        A row that is no record of the schema has an error and no prediction; of the others the error is an empty text.
        """
        found = self.model.predict(data)
        found["prediction"] = found["prediction"].astype("float64")
        for name in COLUMNS:
            # A class and a cluster have no range.
            if name not in found:
                found[name] = found["prediction"]
        # Spark makes a text of what is missing.
        found["error"] = found["error"].fillna("").astype(object)
        return found[[*COLUMNS, "error"]]


class ProgramModel:
    """Predictions by the program."""

    def __init__(self, directory):
        self.directory = directory

    def predict(self, data, params=None):
        """As of `PackageModel`."""
        records = data.to_json(
            orient="records", lines=True, date_format="iso", double_precision=15
        )
        program = os.environ.get("HEDONIC_MODEL_PREPARE", "model-prepare")
        try:
            done = subprocess.run(
                [program, "price", "--model", self.directory],
                input=records,
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise RuntimeError(
                f"expected the package hedonic or the program {program!r}, found neither: install the package's wheel "
                "(docs/python.md), or set HEDONIC_MODEL_PREPARE to the program's path"
            ) from error
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode != 0 and len(answers) != len(data):
            raise RuntimeError(done.stderr.strip())
        found = pandas.DataFrame(answers, columns=[*COLUMNS, "error"], index=data.index)
        for name in COLUMNS[1:]:
            found[name] = found[name].fillna(found["prediction"])
        found["error"] = found["error"].fillna("").astype(object)
        return found


def _load_pyfunc(path):
    try:
        import hedonic
    except ImportError:
        return ProgramModel(path)
    return PackageModel(hedonic.Model.load(path))
