"""Training of a model on a table."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

from hedonic import _core, _tables
from hedonic._model import Model


class RejectedRowsWarning(UserWarning):
    """Rows of a table that the schema does not accept, and that a model has not learned from."""


def train(table: Any, schema: str | os.PathLike[str], **options: Any) -> Model:
    """Fit a model on a table of records, and judge it on a hold-out.

    `schema` is the path of a schema file, or `real-estate`. The tables are those of `Model.predict`. `options` have the
    names of section `[prepare]` of the settings: `effort` ("quick", "fast" or "standard"), `interval`, `holdout_fraction`,
    `folds`, `seed`, `threads`, `min_rows`, `threshold`, `segments`, `members`; besides, `random_split=True` draws the
    hold-out instead of taking the newest rows. The same table, options and seed give the same model.

    >>> model = train(listings, "real-estate", effort="quick", interval=0.8)
    >>> model.interval
    0.8
    """
    text = None if str(schema) == "real-estate" else Path(schema).read_text(encoding="utf-8")
    return fitted(table, text, str(schema), options)


def fitted(table: Any, text: str | None, name: str, options: dict[str, Any]) -> Model:
    """A model of the schema `text`, which `name` stands for in messages."""
    native, _, rejected, named = _core.train(_tables.arrow_of(table), text, name, json.dumps(options))
    if rejected:
        first = "; ".join(f"row {row}: {reason}" for row, reason in named[:3])
        warnings.warn(
            f"{rejected} rows were not learned from, as the schema does not accept them: {first}",
            RejectedRowsWarning,
            stacklevel=3,
        )
    return Model(native)
