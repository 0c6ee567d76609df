"""The native part of the package."""

import os
from typing import Any, final

__all__ = ["NativeModel", "Predictions", "__version__", "train"]

__version__: str

@final
class Predictions:
    """What a model predicts for the rows of a table, a row for each; it has the Arrow PyCapsule interface."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in their order."""

    @property
    def errors(self) -> int:
        """Rows without a prediction."""

    @property
    def unknown_columns(self) -> list[str]:
        """Columns of the table that the model's schema does not have."""

    def __len__(self) -> int: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class NativeModel:
    @staticmethod
    def load(directory: str | os.PathLike[str]) -> NativeModel: ...
    def save(self, directory: str | os.PathLike[str]) -> None: ...
    def predict(self, table: Any, as_of_us: int | None = None) -> Predictions: ...
    def design(self, table: Any, member: str | None = None, as_of_us: int | None = None) -> Predictions: ...
    def import_xgboost(self, booster: bytes, table: Any, name: str, seed: int) -> tuple[NativeModel, str]: ...
    def explain(self, record: str, comparables: int, as_of_us: int | None = None) -> str: ...
    def schema_json(self) -> str: ...
    def about_json(self) -> str: ...
    def report_json(self) -> str: ...

def train(
    table: Any, text: str | None, name: str, options: str
) -> tuple[NativeModel, str, int, list[tuple[int, str]]]: ...
