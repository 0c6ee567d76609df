"""Searches the settings of one peer on the lines that are learned from; nothing else is looked at.

  tuning.py NAME DATA.csv SCHEMA.toml SIDES.csv TRIALS SEED LIMIT_S

The same for every peer: the settings chosen by hand first, then settings drawn at random, each
judged by the log error out of three folds, boosting stopped by the fold. A trial whose first fold is
off by more than the best trial's first fold and a twentieth goes no further. The rounds are the mean
of what the folds stopped at. Runs in the peers' environment; prints one JSON object.
"""

import json
import random
import sys
import time

import numpy as np

import listings
import models

FOLDS = 3
# A first fold that is worse than the best trial's by this share is not followed.
HOPELESS = 0.05


def folds(rows, seed):
    order = np.random.default_rng(seed).permutation(len(rows))
    return order % FOLDS


class Search:
    def __init__(self, name, features, target, categories, seed):
        self.name, self.features, self.target = name, features, target
        self.categories = categories
        self.fold = folds(features, seed)
        # The best trial: its error, settings and first fold's error.
        self.best = None
        self.first = None
        self.finished = self.dropped = 0

    def part(self, chosen):
        return self.features.iloc[np.flatnonzero(chosen)], self.target[chosen]

    def try_out(self, settings):
        """The log error out of fold; None where it is hopeless."""
        squares, rounds, first = 0.0, [], None
        for fold in range(FOLDS):
            held = self.fold == fold
            check = self.part(held)
            estimates, stopped = models.checked(
                self.name, list(self.features.columns), self.categories, settings,
                self.part(~held), check)
            off = float(np.sum((estimates - check[1]) ** 2))
            squares += off
            rounds.append(stopped)
            if fold == 0:
                first = (off / held.sum()) ** 0.5
                if self.first is not None and first > self.first * (1 + HOPELESS):
                    self.dropped += 1
                    return None
        self.finished += 1
        error = (squares / len(self.target)) ** 0.5
        if rounds[0] is not None:
            settings = {**settings, models.ROUNDS[self.name]: round(float(np.mean(rounds)))}
        if self.best is None or error < self.best[0]:
            self.best, self.first = (error, settings), first
        return error


def main():
    name, data, schema, sides, trials, seed, limit_s = sys.argv[1:]
    features, prices, learn, _, categories = listings.frame(data, schema, sides)
    features = listings.suited(name, features, categories).iloc[learn]
    target = listings.log_prices(prices)[learn]
    search = Search(name, features, target, categories, int(seed))
    chance = random.Random(int(seed))
    started = time.monotonic()
    by_hand = search.try_out(models.BY_HAND[name])
    for _ in range(int(trials) - 1):
        settings = models.drawn(name, chance)
        if time.monotonic() - started > float(limit_s):
            break
        search.try_out(settings)
    error, settings = search.best
    print(json.dumps({
        "settings": settings, "trials": search.finished + search.dropped,
        "dropped after a fold": search.dropped, "log error out of fold": error,
        "of the settings by hand": by_hand, "seconds": time.monotonic() - started,
    }))


if __name__ == "__main__":
    main()
