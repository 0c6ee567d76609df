"""Why a price is what it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Reason:
    """What a field adds to a price."""

    #: The field, or `neighbourhood`: what past records near by cost.
    field: str
    #: What it adds, in the target's unit; below 0 it takes away.
    amount: float


@dataclass(frozen=True)
class Difference:
    """A field in which a past record differs from the one asked for."""

    #: The field.
    field: str
    #: What the past record has; none where it is not known. A time is a text.
    value: float | str | bool | None
    #: What the record asked for has.
    subject: float | str | bool | None
    #: What the past record's value would add to the price, by the model; of the most important fields.
    amount: float | None

    @classmethod
    def _from_json(cls, one: dict[str, Any]) -> Difference:
        return cls(one["field"], one["value"], one["subject"], one.get("amount"))


@dataclass(frozen=True)
class Comparable:
    """A past record that is like the one asked for."""

    #: Its key.
    id: str
    #: What it cost.
    price: float
    #: What it would have cost if it were the record asked for; none for a model of an earlier release.
    adjusted: float | None
    #: When; none without a time field.
    time: datetime | None
    #: How unlike it is: 0 is the same in all that matters.
    distance: float
    #: What it differs by in what the model reads, the most important field first.
    #: None for a model of an earlier release.
    differences: tuple[Difference, ...] | None = None

    @classmethod
    def _from_json(cls, past: dict[str, Any]) -> Comparable:
        differences = past.get("differences")
        return cls(
            id=past["id"],
            price=past["price"],
            adjusted=past.get("adjusted"),
            time=datetime.fromisoformat(past["time"]) if past.get("time") else None,
            distance=past["distance"],
            differences=None if differences is None else tuple(Difference._from_json(one) for one in differences),
        )


@dataclass(frozen=True)
class Explanation:
    """A prediction, taken apart: `base` and the amounts of `reasons` add up to the price `prediction`.

    Of a class they add up to the log odds of the probability `prediction`, and `scale` is `"log odds"`. Of several classes
    they add up to those of the predicted `level` against all others, before the probabilities are made to sum to one.
    """

    #: The price, or the probability of the class.
    prediction: float
    #: The lower end of the prediction interval.
    low: float
    #: The upper end.
    high: float
    #: The price of a record of which nothing is known.
    base: float
    #: What each field adds, the greatest amount first.
    reasons: tuple[Reason, ...]
    #: Past records like it, the most alike first; none of classes.
    comparables: tuple[Comparable, ...]
    #: What base and amounts are in: `"log odds"` of a class; None where it is the target's unit.
    scale: str | None = None
    #: Of several classes the predicted one; None otherwise.
    level: str | None = None

    @classmethod
    def _from_json(cls, text: str) -> Explanation:
        found = json.loads(text)
        return cls(
            prediction=found["prediction"],
            low=found["low"],
            high=found["high"],
            base=found["base"],
            reasons=tuple(Reason(own["field"], own["amount"]) for own in found["reasons"]),
            comparables=tuple(Comparable._from_json(past) for past in found["comparables"]),
            scale=found.get("scale"),
            level=found.get("level"),
        )
