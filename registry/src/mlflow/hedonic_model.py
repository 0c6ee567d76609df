"""A price model for ``mlflow.pyfunc.load_model``.

The prices are those of the program that fitted it: ``model-prepare price`` is run on the model's
files. It is found by ``HEDONIC_MODEL_PREPARE`` (a path) or on ``PATH``.
"""

import json
import os
import subprocess

import pandas


class PriceModel:
    def __init__(self, directory):
        self.directory = directory

    def predict(self, data, params=None):
        """A data frame of records, a column a field; gives prediction, low and high, a row a row.

        Where the schema refuses a row, its numbers are missing, and the column ``error`` says why.
        """
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
                f"expected the program {program!r}, found none: set HEDONIC_MODEL_PREPARE to its path"
            ) from error
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        columns = ["prediction", "low", "high"]
        if any("error" in answer for answer in answers):
            columns.append("error")
        return pandas.DataFrame(answers, columns=columns)


def _load_pyfunc(path):
    return PriceModel(path)
