"""The examples of the docstrings run."""

from __future__ import annotations

import doctest
import importlib
from typing import Any

import hedonic
import pandas
import pytest

MODULES = ("hedonic", "hedonic._model", "hedonic._training", "hedonic.sklearn")


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name: str, listings: pandas.DataFrame, model: hedonic.Model) -> None:
    module = importlib.import_module(name)
    known: dict[str, Any] = {"hedonic": hedonic, "listings": listings, "model": model, **vars(hedonic), **vars(module)}
    examples = [test for test in doctest.DocTestFinder().find(module, globs=known) if test.examples]
    assert examples, name
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    for test in examples:
        runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
