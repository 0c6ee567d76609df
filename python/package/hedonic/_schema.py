"""What a model's records are."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """A field of a record."""

    name: str
    #: category, number, integer, boolean, timestamp or text
    kind: str
    #: Whether a row without it has no prediction.
    required: bool = False
    #: The least value allowed.
    min: float | None = None
    #: The greatest value allowed.
    max: float | None = None
    unit: str | None = None
    #: What the field means.
    about: str | None = None
    #: Its column in files, where that is not `name`.
    column: str | None = None


@dataclass(frozen=True)
class Schema:
    """A schema: the fields of a record, and what they are for."""

    name: str
    version: int
    #: regression, classification or clustering
    task: str
    #: The field that names a record; a table need not have it.
    key: str
    #: The field that orders records in time.
    time: str | None
    #: The field that is predicted.
    target: str | None
    fields: tuple[Field, ...]

    @property
    def inputs(self) -> tuple[Field, ...]:
        """The fields of a record to be predicted: all but the target."""
        return tuple(field for field in self.fields if field.name != self.target)

    @classmethod
    def _from_json(cls, text: str) -> Schema:
        found = json.loads(text)
        known = Field.__dataclass_fields__
        fields = ({name: value for name, value in field.items() if name in known} for field in found["field"])
        return cls(
            name=found["name"],
            version=found["version"],
            task=found["task"],
            key=found["key"],
            time=found.get("time"),
            target=found.get("target"),
            fields=tuple(Field(**field) for field in fields),
        )
