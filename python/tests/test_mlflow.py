"""What a registered version has for MLflow uses the package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import hedonic
import numpy
import pandas
import pytest


@pytest.fixture(scope="module")
def loader(root: Path) -> Any:
    """The module that MLflow loads with a version."""
    file = root / "registry" / "src" / "mlflow" / "hedonic_model.py"
    spec = importlib.util.spec_from_file_location("hedonic_model", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_loader_takes_the_package(loader: Any, version: Path, requests: pandas.DataFrame) -> None:
    model = loader._load_pyfunc(str(version))
    assert type(model).__name__ == "PackageModel"
    found = model.predict(requests)
    assert list(found.columns) == ["prediction", "low", "high", "error"]
    expected = hedonic.Model.load(version).predict(requests)
    assert (found["prediction"] == expected["prediction"]).all()
    assert (found["error"] == "").all()
    bad = requests.astype({"rooms": object})
    bad.iloc[0, bad.columns.get_loc("rooms")] = "many"
    found = model.predict(bad)
    assert "expected a whole number" in found["error"].iloc[0]
    assert numpy.isnan(found["prediction"].iloc[0])
    assert (found["prediction"].iloc[1:] == expected["prediction"].iloc[1:]).all()


def test_the_program_gives_the_same_where_the_package_is_not_installed(
    loader: Any, model_prepare: str, version: Path, requests: pandas.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEDONIC_MODEL_PREPARE", model_prepare)
    theirs = loader.ProgramModel(str(version)).predict(requests)
    ours = loader.PackageModel(hedonic.Model.load(version)).predict(requests)
    pandas.testing.assert_frame_equal(theirs, ours)


def test_mlflow_serves_a_version(
    root: Path, version: Path, requests: pandas.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An MLflow model as a registry writes it, logged and registered by MLflow itself."""
    mlflow = pytest.importorskip("mlflow")
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    # MLflow sets it too, and would leave it to the programs of later tests.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    mlflow.set_tracking_uri(address)
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("hedonic", artifact_location=(tmp_path / "files").as_uri()))
    with mlflow.start_run():
        logged = mlflow.pyfunc.log_model(
            name="model",
            loader_module="hedonic_model",
            code_paths=[str(root / "registry" / "src" / "mlflow" / "hedonic_model.py")],
            data_path=str(version),
            registered_model_name="hedonic",
        )
    assert logged
    mlflow.MlflowClient().set_registered_model_alias("hedonic", "champion", "1")
    expected = hedonic.Model.load(version).predict(requests)
    served = mlflow.pyfunc.load_model("models:/hedonic@champion").predict(requests)
    assert (served["prediction"] == expected["prediction"]).all()
    assert hedonic.Model.load("models:/hedonic@champion").predict(requests).equals(expected)
