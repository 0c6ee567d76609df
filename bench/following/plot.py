"""Draws errors and distances by listings learned from, in two panels.

    plot.py LOOKS.json FILE.svg

LOOKS.json has the market's `rise`, and by name of a follower its `looks`: listings learned from, error,
the line's error, distance from the line.
"""

import json
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402


def main(looks_file, picture):
    with open(looks_file, encoding="utf-8") as file:
        found = json.load(file)
    figure, (errors, distances) = plt.subplots(2, sharex=True, figsize=(9.5, 6.5), layout="constrained")
    for name, looks in found["looks"].items():
        learned, error, base, distance = zip(*(look[:4] for look in looks))
        errors.plot(learned, error, label=name)
        distances.plot(learned, distance)
    # Every follower begins from the same line.
    errors.plot(learned, base, color="black", label="the line it began from")
    errors.set_title("error of the last 500 listings, before learning from them (ln); the market rises by"
                     f" {found['rise']:g}", fontsize="medium")
    distances.set_title("distance from the line (ln)", fontsize="medium")
    distances.set_xlabel("listings learned from")
    for panel in (errors, distances):
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.4)
    figure.legend(loc="outside right")
    figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
