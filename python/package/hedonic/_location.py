"""Where the files of a model version are."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

#: What begins an address that MLflow downloads.
_MLFLOW = re.compile(r"^(models|runs|mlflow-artifacts):/")
_VERSION = re.compile(r"^v(\d+)$")
#: A model's description.
HEAD = "model.json"
#: The description of an MLflow model, and its folder with a version's files.
MLMODEL = "MLmodel"
DATA = "data"


def directory_of(location: str | os.PathLike[str], alias: str) -> Path:
    """The directory of a version's files: of a version, a registry's alias, or an address that MLflow knows."""
    if isinstance(location, str) and _MLFLOW.match(location):
        return _files_of(_downloaded(location), location, alias)
    return _files_of(Path(location), str(location), alias)


def _downloaded(address: str) -> Path:
    try:
        from mlflow.artifacts import download_artifacts
    except ImportError as error:
        raise ImportError(
            f"{address!r} is an address of an MLflow server, and mlflow is not installed: pip install 'hedonic[mlflow]'"
        ) from error
    return Path(download_artifacts(artifact_uri=address))


def _files_of(directory: Path, location: str, alias: str) -> Path:
    if not directory.is_dir():
        raise FileNotFoundError(
            f"expected a directory with a model version, a registry's directory or models:/NAME@champion, "
            f"found no directory {location}"
        )
    if (directory / MLMODEL).is_file():
        return _files_of(directory / DATA, location, alias)
    if (directory / HEAD).is_file():
        return directory
    versions = sorted(
        (int(found[1]), entry)
        for entry in directory.iterdir()
        if (found := _VERSION.match(entry.name)) and (entry / HEAD).is_file()
    )
    if not versions:
        raise FileNotFoundError(
            f"expected {HEAD} or versions such as v000001 in {location}, found neither: "
            "`model-prepare train` publishes a version"
        )
    return _of_alias(directory, dict(versions), alias)


def _of_alias(registry: Path, versions: dict[int, Path], alias: str) -> Path:
    """The version of an alias; the newest where a registry has decided nothing yet, as the services do."""
    pointers = registry / "aliases.json"
    aliases = json.loads(pointers.read_text())["aliases"] if pointers.is_file() else {}
    names = ("champion", "previous") if alias == "champion" else (alias,)
    for name in names:
        if aliases.get(name) in versions:
            return versions[aliases[name]]
    if alias == "champion":
        return versions[max(versions)]
    raise LookupError(
        f"expected the alias {alias!r} in {registry}, found {', '.join(sorted(aliases)) or 'none'}: "
        "`model-prepare promote` sets aliases"
    )
